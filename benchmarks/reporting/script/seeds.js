// Which seeds a view rests on, and what a cell is with only these. Seeds are written as the command line reads them: `0-2,5`.
const absent = "not at these seeds";

// The seeds of `all` that a text names; all of them for an empty text, none for what names none.
const seedsOf = (written, all) => {
  if (written === "") return new Set(all);
  const ranges = written.split(",").map((part) => /^(\d+)(?:-(\d+))?$/.exec(part.trim())).filter(Boolean);
  return new Set(all.filter((seed) => ranges.some(([, low, high]) => Number(low) <= seed && seed <= Number(high ?? low))));
};
// The text for some of the seeds `all`, both in order: runs of what follows each other in `all` as ranges.
const writtenSeeds = (chosen, all) => {
  if (all.every((seed) => chosen.has(seed))) return "";
  const runs = [];
  all.forEach((seed, i) => {
    if (!chosen.has(seed)) return;
    if (i && chosen.has(all[i - 1])) runs.at(-1)[1] = seed; else runs.push([seed, seed]);
  });
  return runs.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(",") || "none";
};

// NumPy's quantile: linear between the two nearest of `sorted`.
const quantile = (sorted, share) => {
  const [at, below] = [(sorted.length - 1) * share, Math.floor((sorted.length - 1) * share)];
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
};
// A cell with only the seeds of `chosen`, itself where that is all of them. A verdict is about all seeds, so that its word and
// its ratio are left out; what was published stays.
const narrowed = (cell, chosen) => {
  if (!cell?.n || cell.seeds.every(([seed]) => chosen.has(seed))) return cell;
  const seeds = cell.seeds.filter(([seed]) => chosen.has(seed));
  if (!seeds.length) return { state: absent };
  const values = seeds.map(([, x]) => x);
  const sorted = [...values].sort((a, b) => a - b);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  const published = cell.word ? { theirs: cell.theirs, theirs_n: cell.theirs_n, box: cell.box } : {};
  return { m: quantile(sorted, 0.5), q1: quantile(sorted, 0.25), q3: quantile(sorted, 0.75), mean, sd, n: seeds.length, seeds, ...published };
};
