// The page's explorer: the cells of its JSON as one table to sort, filter, open, link to and copy, with plots of the view.
// Nothing is fetched, and without JavaScript the plain tables stand.
const text = (cell) => {
  if (!cell) return "–";
  if (!cell.n) return ["unsupported", absent].includes(cell.state) ? "–" : cell.state;
  const published = cell.theirs === undefined ? "" : ` ${cell.word ? signs[cell.word] ?? "" : "/"} ${number(cell.theirs)}`;
  return number(cell[view.stat]) + published;
};
const hover = (cell) => {
  if (!cell?.n) return cell?.state ?? "not run";
  const seeds = cell.seeds.map(([seed, x]) => `${seed}: ${number(x)}`).join(", ");
  return `median ${number(cell.m)} [${number(cell.q1)}, ${number(cell.q3)}], mean ${number(cell.mean)} ± ${number(cell.sd)}\n` +
    `${cell.n} seed${cell.n === 1 ? "" : "s"}: ${seeds}${cell.why ? `\n${cell.word}: ${cell.why}` : ""}`;
};

const head = (name, column) => {
  const [, sorted, way] = /^(\w+?)(-?)$/.exec(view.sort) ?? [];
  const here = sorted === String(column);
  const next = !here ? `${column}` : way ? "" : `${column}-`;
  const button = make("button", { type: "button", onclick: () => change("sort", next) }, name + (here ? (way ? " ▼" : " ▲") : ""));
  const word = column === "scm" || column === "score";
  return make("th", { class: word ? "word" : null, scope: "col", "aria-sort": here ? (way ? "descending" : "ascending") : null }, button);
};
const host = document.getElementById("explore");
const table = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Cells, to explore" });
const count = make("p", { "aria-live": "polite" });

const draw = () => {
  const [rows, methods] = [shownRows(), shownMethods()];
  const body = rows.map((i) => make("tr", {},
    make("th", { class: "word", scope: "row" }, ...broken(data.rows[i].scm)),
    make("td", { class: "word" }, data.rows[i].score),
    ...methods.map((j) => {
      const cell = cellAt(i, j);
      const word = cell?.word ?? cell?.state ?? "";
      const own = { class: `cell ${word.replaceAll(" ", "-")}`, title: hover(cell), tabindex: "-1", "data-at": `${i},${j}` };
      return make("td", own, text(cell));
    })));
  const own = competing(methods);
  const found = standings(linesOf(rows, own));
  const rankOf = (i) => (found.count && own.includes(i) ? found.means[own.indexOf(i)].toFixed(2) : "–");
  const foot = make("tr", {}, make("th", { class: "word", scope: "row" }, "mean rank"),
    make("td", { class: "word" }, `${found.count} row${found.count === 1 ? "" : "s"}`), ...methods.map((i) => make("td", {}, rankOf(i))));
  const at = table.contains(document.activeElement) ? document.activeElement.closest("thead th")?.cellIndex : undefined;
  table.replaceChildren(make("table", {},
    make("thead", {}, make("tr", {}, head("SCM", "scm"), head("score", "score"), ...methods.map((i) => head(data.methods[i].name, i)))),
    make("tbody", {}, ...body), make("tfoot", {}, foot)));
  if (at !== undefined) table.querySelector("thead tr").cells[at]?.querySelector("button").focus();
  table.querySelector("td.cell")?.setAttribute("tabindex", "0");
  const what = view.stat === "m" ? "medians" : "means";
  const [chosen, judged] = [shownSeeds(), data.cells.some(([, , cell]) => cell.word)];
  const part = chosen.size < allSeeds.length;
  const over = part ? `${chosen.size} of ${allSeeds.length} seeds (${view.seeds})` : "seeds";
  count.textContent = `${rows.length} of ${data.rows.length} rows, ${what} over ${over}${data.units ? `, ${data.units}` : ""}` +
    `${judged ? `; beside them those of the ${data.theirs}` : ""}` +
    `${part && judged ? "; a verdict is about all seeds, so that none is shown" : ""}. ` +
    "Click a cell, or press Enter on it, for its seeds; click a head to sort.";
  plot(rows, own);
};

// Mean ranks, and quality against cost, of what the table shows; methods are numbered by their rank in both.
const charts = make("div", { class: "charts" });
const costOf = (datasets, method) => {
  const told = datasets.map((name) => data.costs[name]?.[method]?.[0] ?? null);
  return told.length && told.every((x) => x > 0) ? middle(told) : null;
};
const plot = (rows, own) => {
  const lines = linesOf(rows, own);
  const [found, far] = [standings(lines), distances(lines)];
  if (own.length < 2 || !found.count) { charts.replaceChildren(); return; }
  const whole = lines.filter(({ values }) => values.every((x) => x !== null));
  const datasets = unique(whole.map(({ row }) => data.rows[row].dataset));
  const entries = own.map((i, k) => ({ name: data.methods[i].name, rank: found.means[k], ranks: found.ranks[k],
    x: costOf(datasets, i), y: (far ?? found.means)[k] })).sort((a, b) => a.rank - b.rank);
  entries.forEach((entry, i) => { entry.place = i + 1; });
  const [points, width] = [entries.filter(({ x }) => x !== null), Math.min(560, Math.max(300, host.clientWidth - 4))];
  const cost = shownSeeds().size < allSeeds.length ? "A cost is the median over the SCMs shown, at all seeds" : "A cost is the median over the SCMs shown";
  const what = far ? "times the best of its row (geometric mean)" : "mean rank";
  const told = `${found.count} row${found.count === 1 ? "" : "s"} in which every method shown has a score`;
  charts.replaceChildren(
    make("figure", {}, rankChart(entries, width), make("figcaption", {}, `Mean ranks over the ${told}.`)),
    ...(points.length > 1 ? [make("figure", {}, costChart(points, what, width), make("figcaption", {},
      `Quality against cost: upwards, ${what}; lower is better. Filled points: no other method is both cheaper and better. ` +
      `${cost}; numbers are those of the ranking.`))] : []));
};

// Arrow keys walk over the cells; only one of them is a stop of the Tab key.
const walk = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
table.addEventListener("keydown", (event) => {
  const cell = event.target.closest("td.cell");
  if (!cell) return;
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(cell); }
  if (!(event.key in walk)) return;
  const [down, right] = walk[event.key];
  const lines = [...cell.closest("tbody").rows];
  const next = lines[lines.indexOf(cell.parentElement) + down]?.cells[cell.cellIndex + right];
  event.preventDefault();
  if (!next?.classList.contains("cell")) return;
  cell.tabIndex = -1; next.tabIndex = 0; next.focus();
});
table.addEventListener("click", (event) => { const cell = event.target.closest("td.cell"); if (cell) open(cell); });

const quoted = (word) => (/^[\w./,=:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
const dialog = make("dialog", { "aria-labelledby": "opened" });
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
const costText = ([cpu, queries, parameters, steps, memory]) => [
  cpu === null ? "" : `${number(cpu)} CPU-seconds a seed${queries === null ? "" : `, ${number(queries)} of them for queries`}`,
  parameters === null ? "" : `${parameters.toLocaleString("en")} parameters`, steps === null ? "" : `${steps.toLocaleString("en")} gradient steps`,
  memory === null ? "" : `${Math.round(memory).toLocaleString("en")} MB`].filter(Boolean).join("; ");
const open = (element) => {
  const [row, column] = element.dataset.at.split(",").map(Number);
  const [cell, line, method] = [cellAt(row, column), data.rows[row], data.methods[column]];
  const told = [];
  if (cell?.n) {
    told.push(["ours", `median ${number(cell.m)} [${number(cell.q1)}, ${number(cell.q3)}], mean ${number(cell.mean)} ± ${number(cell.sd)}`]);
    if (cell.theirs !== undefined) {
      const box = cell.box ?? {};
      const spread = box.q1 !== undefined ? ` [${number(box.q1)}, ${number(box.q3)}]` : box.sd !== undefined ? ` ± ${number(box.sd)}` : "";
      told.push([data.theirs, `${number(cell.theirs)}${spread}, ${cell.theirs_n ?? "?"} runs`]);
      if (cell.ratio !== undefined) told.push(["ratio", `${number(cell.ratio)}, 95 % [${number(cell.low)}, ${number(cell.high)}]`]);
      if (cell.word) told.push(["verdict", `${signs[cell.word] ?? ""} ${cell.word}${cell.why ? `: ${cell.why}` : ""}`]);
    }
    told.push(["seeds", cell.seeds.map(([seed, x]) => `${seed}: ${number(x)}`).join("  ")]);
  } else told.push(["state", cell?.state ?? "not run"]);
  const cost = data.costs[line.dataset]?.[column];
  if (cost) told.push(["cost", costText(cost)]);
  const part = `${quoted(data.suite)} --scms ${quoted(line.dataset)} --only ${quoted(method.label)}`;
  const seeds = !cell?.n ? "" : cell.n === 1 ? ` --seed ${cell.seeds[0][0]}` : ` --seeds ${cell.seeds.map(([seed]) => seed).join(",")}`;
  told.push(["run it", `scmbench run ${part}${seeds}`], ["its records", `scmbench show ${part}`]);
  const list = told.flatMap(([name, what]) => [make("dt", {}, name),
    make("dd", {}, what.startsWith("scmbench ") ? make("code", {}, what) : what)]);
  const close = make("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(make("h3", { id: "opened" }, `${line.scm}, ${line.score}: ${method.name}`),
    ...(cell?.n ? [strip(cell, data.theirs)] : []), make("dl", {}, ...list), close);
  dialog.addEventListener("close", () => element.focus(), { once: true });
  dialog.showModal();
};

// What `formats` need of the view.
const hash = () => { try { return decodeURI(location.hash); } catch { return location.hash; } };
const shown = () => {
  const [rows, methods] = [shownRows(), shownMethods()];
  const keys = new Set([...rows.flatMap((i) => data.rows[i].papers), ...methods.flatMap((i) => data.methods[i].papers)]);
  const line = (i, j) => {
    const [row, cell] = [data.rows[i], cellAt(i, j) ?? {}];
    return [row.dataset, row.rung, row.metric, data.methods[j].name, cell.m, cell.q1, cell.q3, cell.mean, cell.sd, cell.n,
      cell.theirs, cell.ratio, cell.low, cell.high, cell.word ?? cell.state ?? ""];
  };
  return { hash: hash(), lines: rows.flatMap((i) => methods.map((j) => line(i, j))),
    grid: [["SCM", "score", ...methods.map((i) => data.methods[i].name)],
      ...rows.map((i) => [data.rows[i].scm, data.rows[i].score, ...methods.map((j) => text(cellAt(i, j)))])],
    papers: Object.entries(data.papers).filter(([key]) => key === "" || keys.has(key)).map(([, entry]) => entry) };
};

redraw = draw;
const show = () => { host.replaceChildren(make("h2", {}, "Explore"), ...controls(show, shown), count, table, charts, dialog); draw(); };

if (data.rows.length) {
  host.hidden = false;
  read(); show();
  window.addEventListener("hashchange", () => { if (location.hash.startsWith("#explore")) { read(); show(); } });
  if (location.hash.startsWith("#explore")) host.scrollIntoView();
}
