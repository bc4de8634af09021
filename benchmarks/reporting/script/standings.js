// How methods stand over the rows of a view, as plain numbers: mean ranks, and how far each is from the best.
const middle = (values) => {
  const [sorted, half] = [[...values].sort((a, b) => a - b), values.length / 2];
  return values.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
};

// `lines` are rows {values, higher}, a value for each of the same methods; a row with a missing one (null) counts for
// nobody. Ranks start at 1, ties share theirs. `ranks` has a list by method, of one rank for each whole row.
const standings = (lines) => {
  const whole = lines.filter(({ values }) => values.every((x) => x !== null));
  const ranks = (whole[0]?.values ?? []).map((_, i) => whole.map(({ values, higher }) => {
    const above = values.filter((x) => (higher ? x > values[i] : x < values[i])).length;
    return above + (values.filter((x) => x === values[i]).length + 1) / 2;
  }));
  return { count: whole.length, ranks, means: ranks.map((own) => own.reduce((a, b) => a + b, 0) / own.length) };
};

// By method, the geometric mean over whole rows of its score over the row's best (the inverse where higher is better);
// null where a score is not positive, because then there are no ratios.
const distances = (lines) => {
  const whole = lines.filter(({ values }) => values.every((x) => x !== null));
  if (!whole.length || whole.some(({ values }) => Math.min(...values) <= 0)) return null;
  return whole[0].values.map((_, i) => Math.exp(whole.reduce((sum, { values, higher }) => sum +
    (higher ? Math.log(Math.max(...values) / values[i]) : Math.log(values[i] / Math.min(...values))), 0) / whole.length));
};

// The points {x, y} that no other one is at most as large as in both; in order of x.
const front = (points) => [...points].sort((a, b) => a.x - b.x || a.y - b.y)
  .reduce((kept, point) => (kept.length && kept.at(-1).y <= point.y ? kept : [...kept, point]), []);
