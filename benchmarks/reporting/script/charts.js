// Charts of the explorer as SVG, in the page's own colours: a cell's seeds, mean ranks, quality against cost.

// Scores of a cell's seeds over their quartiles and, below, the published box or mean.
const strip = (cell, whose) => {
  const theirs = cell.box ?? {};
  const values = [...cell.seeds.map(([, x]) => x), ...Object.values(theirs), cell.q1, cell.q3].filter((x) => x !== null);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const scale = axis(least, most, 20, 580, least > 0 && most / least > 10);
  const place = scale.place;
  const svg = shape("svg", { viewBox: "0 0 600 92", role: "img", "aria-label": "Scores of the seeds, and the published box" });
  const box = (y, q1, median, q3, fill) => {
    svg.append(shape("rect", { x: place(q1), y, width: Math.max(place(q3) - place(q1), 1), height: 18, fill, stroke: "currentColor" }),
      shape("line", { x1: place(median), x2: place(median), y1: y, y2: y + 18, stroke: "currentColor", "stroke-width": 2 }));
  };
  box(8, cell.q1, cell.m, cell.q3, "#56b4e9");
  for (const [seed, x] of cell.seeds) {
    const point = shape("circle", { cx: place(x), cy: 17, r: 3.5, fill: "#0072b2", stroke: "white", "stroke-width": 0.7 });
    point.append(shape("title", {}, `seed ${seed}: ${number(x)}`));
    svg.append(point);
  }
  if (theirs.q1 !== undefined) {
    box(40, theirs.q1, theirs.median, theirs.q3, "none");
    for (const end of ["whisker_low", "whisker_high"])
      if (theirs[end] !== undefined) svg.append(shape("line", { x1: place(theirs[end]), x2: place(theirs[end]), y1: 44, y2: 54, stroke: "currentColor" }));
  } else if (theirs.mean !== undefined) svg.append(shape("circle", { cx: place(theirs.mean), cy: 49, r: 4, fill: "none", stroke: "currentColor" }));
  for (const [x, anchor] of [[least, "start"], [most, "end"]])
    svg.append(shape("text", { x: anchor === "start" ? 20 : 580, y: 84, "font-size": 13, fill: "currentColor", "text-anchor": anchor }, number(x)));
  svg.append(shape("text", { x: 300, y: 84, "font-size": 13, fill: "currentColor", "text-anchor": "middle" },
    `ours above${Object.keys(theirs).length ? `, ${whose} below` : ""}${scale.log ? " (log)" : ""}`));
  return svg;
};

// Where numbers from `least` to `most` lie between the pixels `from` and `to`, and round numbers to mark there.
const axis = (least, most, from, to, log) => {
  const bent = (x) => (log ? Math.log(x) : x);
  const [low, high] = [bent(least), bent(most)];
  const steps = (most - least || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(steps));
  const step = [1, 2, 5, 10].find((k) => k * power >= steps) * power;
  const round = log
    ? [...Array(80).keys()].flatMap((i) => [1, 2, 5].map((k) => Number(`${k}e${i - 40}`)))
    : [...Array(12).keys()].map((i) => Number((Math.ceil(least / step) * step + i * step).toPrecision(6)));
  const inside = round.filter((x) => bent(x) >= low - 1e-9 && bent(x) <= high + 1e-9);
  const decades = inside.filter((x) => /^1(e|0*$)|^0\.0*1$/.test(String(x)));
  const ticks = log && inside.length > 6 && decades.length > 1 ? decades : inside;
  return { log, place: (x) => from + ((to - from) * (bent(x) - low)) / (high - low || 1), ticks };
};

const label = (x, y, anchor, inside, size = 12) =>
  shape("text", { x, y, "font-size": size, fill: "currentColor", "text-anchor": anchor }, inside);
const line = (x1, y1, x2, y2, attributes = {}) => shape("line", { x1, y1, x2, y2, stroke: "currentColor", ...attributes });
const cut = (name, letters) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);
const titled = (made, inside) => { made.append(shape("title", {}, inside)); return made; };

// A line a method, best first: a dot at its mean rank, a bar over the middle half of its ranks. `entries` are
// {place, name, rank, ranks}, with `place` the number by which the other chart calls it.
const rankChart = (entries, width) => {
  const [left, bottom, letters] = [Math.min(230, width * 0.46), 22 * entries.length + 10, Math.floor(Math.min(230, width * 0.46) / 7.2) - 3];
  const scale = axis(1, Math.max(entries.length, 2), left + 8, width - 40, false);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${bottom + 36}`, width, role: "img", "aria-label": "Mean ranks of the methods shown" });
  for (const x of scale.ticks.filter(Number.isInteger))
    svg.append(line(scale.place(x), 4, scale.place(x), bottom, { "stroke-opacity": 0.15 }), label(scale.place(x), bottom + 14, "middle", x));
  entries.forEach(({ place, name, rank, ranks }, i) => {
    const [y, sorted] = [22 * i + 16, [...ranks].sort((a, b) => a - b)];
    const [low, high] = [sorted[Math.floor((sorted.length - 1) / 4)], sorted[Math.ceil((3 * (sorted.length - 1)) / 4)]];
    svg.append(titled(label(left, y + 4, "end", `${place}  ${cut(name, letters)}`), name),
      line(scale.place(low), y, scale.place(high), y, { "stroke-width": 5, "stroke-opacity": 0.3 }),
      titled(shape("circle", { cx: scale.place(rank), cy: y, r: 5, class: "best" }), `${name}: ${rank.toFixed(2)}`),
      label(width - 34, y + 4, "start", rank.toFixed(2)));
  });
  svg.append(label(width / 2, bottom + 31, "middle", "mean rank (bar: middle half of the rows)"));
  return svg;
};

// Quality against cost: `points` are {place, name, x, y}, lower is better in both; those of the front are filled and joined.
const costChart = (points, what, width) => {
  const height = Math.round(Math.min(320, Math.max(220, width * 0.62)));
  const [xs, ys] = [points.map((p) => p.x), points.map((p) => p.y)];
  const wide = (values, log) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return log ? [low / 1.25, high * 1.25] : [low - 0.06 * (high - low || 1), high + 0.06 * (high - low || 1)];
  };
  const tall = Math.min(...ys) > 0 && Math.max(...ys) / Math.min(...ys) > 10;
  const [across, up] = [axis(...wide(xs, true), 46, width - 16, true), axis(...wide(ys, tall), height - 40, 10, tall)];
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, role: "img", "aria-label": `${what} against CPU-seconds, a point a method` });
  for (const x of across.ticks) svg.append(line(across.place(x), 10, across.place(x), height - 40, { "stroke-opacity": 0.15 }), label(across.place(x), height - 25, "middle", String(x)));
  for (const y of up.ticks) svg.append(line(46, up.place(y), width - 16, up.place(y), { "stroke-opacity": 0.15 }), label(40, up.place(y) + 4, "end", String(y)));
  const best = front(points);
  svg.append(shape("polyline", { points: best.map((p) => `${across.place(p.x)},${up.place(p.y)}`).join(" "), class: "front" }));
  const taken = points.map((p) => [across.place(p.x) - 5, up.place(p.y) - 5, 10, 10]);
  const free = ([x, y, w, h]) => taken.every(([a, b, c, d]) => x >= a + c || a >= x + w || y >= b + d || b >= y + h);
  for (const p of points) {
    const [x, y] = [across.place(p.x), up.place(p.y)];
    const spots = [0, 14, 28, 42].flatMap((far) => [[x + 7, y - 6 + far], [x - 7 - 16, y - 6 + far], [x + 7, y - 6 - far], [x - 7 - 16, y - 6 - far]]);
    const [a, b] = spots.find((spot) => free([...spot, 16, 12])) ?? spots[0];
    taken.push([a, b, 16, 12]);
    svg.append(titled(shape("circle", { cx: x, cy: y, r: 5, class: best.includes(p) ? "best" : "other" }),
      `${p.name}: ${number(p.x)} CPU-seconds, ${number(p.y)}`), label(a < x ? a + 16 : a, b + 10, a < x ? "end" : "start", p.place));
  }
  svg.append(label(width / 2, height - 6, "middle", "CPU-seconds a problem (log)"));
  return svg;
};
