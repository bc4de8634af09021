// What the explorer shows, of the cells of the page's JSON: the view, its place in the URL, and the rows, methods and cells that
// it chooses.
const data = JSON.parse(document.getElementById("cells").textContent);
const cells = new Map(data.cells.map(([row, method, cell]) => [`${row},${method}`, cell]));
const signs = JSON.parse(document.getElementById("signs").textContent);
const allSeeds = [...new Set(data.cells.flatMap(([, , cell]) => (cell.seeds ?? []).map(([seed]) => seed)))].sort((a, b) => a - b);
const start = { q: "", rung: "", metric: "", group: "", tag: "", stat: "m", sort: "", hide: "", seeds: "" };
let view = { ...start };

// A cell of the seeds shown; narrowed once for each choice of seeds.
let narrow = { seeds: "", chosen: new Set(), cells: new Map() };
const cellAt = (row, method) => {
  const place = `${row},${method}`;
  if (view.seeds === "") return cells.get(place);
  if (narrow.seeds !== view.seeds) narrow = { seeds: view.seeds, chosen: shownSeeds(), cells: new Map() };
  if (!narrow.cells.has(place)) narrow.cells.set(place, narrowed(cells.get(place), narrow.chosen));
  return narrow.cells.get(place);
};
const shownSeeds = () => seedsOf(view.seeds, allSeeds);
const valueAt = (row, method) => cellAt(row, method)?.[view.stat] ?? null;

// The view lives in the URL's hash, so that a link shows what its sender saw.
const read = () => {
  if (!location.hash.startsWith("#explore")) return;
  const found = new URLSearchParams(location.hash.slice(8).replace(/^\?/, ""));
  view = { ...start, ...Object.fromEntries([...found].filter(([name]) => name in start)) };
};
const keep = () => {
  const changed = Object.entries(view).filter(([name, value]) => value !== start[name]);
  history.replaceState(null, "", `#explore${changed.length ? "?" + new URLSearchParams(changed) : ""}`);
};
let redraw = () => {};
const change = (name, value) => { view[name] = value; keep(); redraw(); };

const hidden = () => new Set(view.hide === "" ? [] : view.hide.split(",").map(Number));
const shownMethods = () => data.methods.map((_, i) => i).filter((i) => !hidden().has(i));
const shownRows = () => {
  const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) =>
    (!view.rung || row.rung === view.rung) && (!view.metric || row.metric === view.metric) &&
    (!view.group || row.group === view.group) && (!view.tag || row.tags.includes(view.tag)) &&
    words.every((word) => `${row.scm} ${row.score} ${row.group} ${row.tags.join(" ")}`.toLowerCase().includes(word));
  const rows = data.rows.map((_, i) => i).filter((i) => fits(data.rows[i]));
  const [, column, way] = /^(\w+?)(-?)$/.exec(view.sort) ?? [];
  if (column === undefined) return rows;
  const key = (i) => (column === "scm" || column === "score" ? data.rows[i][column] : valueAt(i, Number(column)));
  return rows.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return (way ? -1 : 1) * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
  });
};
// What ranks and plots rest on: the methods shown that compete, and a line of their values for every row shown.
const competing = (methods) => methods.filter((i) => !data.methods[i].floor);
const linesOf = (rows, methods) =>
  rows.map((row) => ({ row, higher: data.rows[row].higher, values: methods.map((i) => valueAt(row, i)) }));
