// The page's explorer: the cells of its JSON as one table to sort, filter, open, link to and copy; and sorting for
// every plain table. Nothing is fetched, every text is set as text, and without JavaScript the plain tables stand.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("cells").textContent);
  const cells = new Map(data.cells.map(([row, method, cell]) => [`${row},${method}`, cell]));
  const signs = JSON.parse(document.getElementById("signs").textContent);
  const start = { q: "", rung: "", metric: "", group: "", stat: "m", sort: "", hide: "" };
  let view = { ...start };

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  };
  const number = (x) => {
    if (x === null || x === undefined) return "–";
    const size = Math.abs(x);
    if (size === 0) return "0";
    if (size < 1e-3) return x.toExponential(2);
    return size >= 1000 ? Math.round(x).toLocaleString("en") : x.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
  };
  const unique = (values) => [...new Set(values)].filter((x) => x !== "");
  const cellAt = (row, method) => cells.get(`${row},${method}`);
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
  const change = (name, value) => { view[name] = value; keep(); draw(); };

  const hidden = () => new Set(view.hide === "" ? [] : view.hide.split(",").map(Number));
  const shownMethods = () => data.methods.map((_, i) => i).filter((i) => !hidden().has(i));
  const shownRows = () => {
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) =>
      (!view.rung || row.rung === view.rung) && (!view.metric || row.metric === view.metric) &&
      (!view.group || row.group === view.group) &&
      words.every((word) => `${row.scm} ${row.score} ${row.group}`.toLowerCase().includes(word));
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
  const ranks = (rows, methods) => {
    const own = methods.filter((i) => !data.methods[i].floor);
    const whole = rows.filter((row) => own.every((i) => valueAt(row, i) !== null));
    const sums = new Map(own.map((i) => [i, 0]));
    for (const row of whole) {
      for (const i of own) {
        const better = (x) => (data.rows[row].higher ? x > valueAt(row, i) : x < valueAt(row, i));
        const [above, equal] = [(j) => better(valueAt(row, j)), (j) => valueAt(row, j) === valueAt(row, i)];
        sums.set(i, sums.get(i) + own.filter(above).length + (own.filter(equal).length + 1) / 2);
      }
    }
    return { count: whole.length, of: (i) => (whole.length && sums.has(i) ? (sums.get(i) / whole.length).toFixed(2) : "–") };
  };

  const text = (cell) => {
    if (!cell) return "–";
    if (!cell.n) return cell.state === "unsupported" ? "–" : cell.state;
    const published = cell.word ? ` ${signs[cell.word] ?? ""} ${number(cell.theirs)}` : "";
    return number(cell[view.stat]) + published;
  };
  const hover = (cell) => {
    if (!cell?.n) return cell?.state ?? "not run";
    const seeds = cell.seeds.map(([seed, x]) => `${seed}: ${number(x)}`).join(", ");
    return `median ${number(cell.m)} [${number(cell.q1)}, ${number(cell.q3)}], mean ${number(cell.mean)} ± ${number(cell.sd)}\n` +
      `${cell.n} seeds: ${seeds}${cell.why ? `\n${cell.word}: ${cell.why}` : ""}`;
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
      make("th", { class: "word", scope: "row" }, data.rows[i].scm),
      make("td", { class: "word" }, data.rows[i].score),
      ...methods.map((j) => {
        const cell = cellAt(i, j);
        const word = cell?.word ?? cell?.state ?? "";
        const own = { class: `cell ${word.replaceAll(" ", "-")}`, title: hover(cell), tabindex: "-1", "data-at": `${i},${j}` };
        return make("td", own, text(cell));
      })));
    const rank = ranks(rows, methods);
    const foot = make("tr", {}, make("th", { class: "word", scope: "row" }, "mean rank"),
      make("td", { class: "word" }, `${rank.count} row${rank.count === 1 ? "" : "s"}`), ...methods.map((i) => make("td", {}, rank.of(i))));
    table.replaceChildren(make("table", {},
      make("thead", {}, make("tr", {}, head("SCM", "scm"), head("score", "score"), ...methods.map((i) => head(data.methods[i].name, i)))),
      make("tbody", {}, ...body), make("tfoot", {}, foot)));
    table.querySelector("td.cell")?.setAttribute("tabindex", "0");
    const what = view.stat === "m" ? "medians" : "means";
    count.textContent = `${rows.length} of ${data.rows.length} rows, ${what} over seeds${data.units ? `, ${data.units}` : ""}` +
      `${data.cells.some(([, , cell]) => cell.word) ? `; beside them those of the ${data.theirs}` : ""}. ` +
      "Click a cell, or press Enter on it, for its seeds; click a head to sort.";
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
  const strip = (cell) => {
    const theirs = cell.box ?? {};
    const values = [...cell.seeds.map(([, x]) => x), ...Object.values(theirs), cell.q1, cell.q3].filter((x) => x !== null);
    const log = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 10;
    const ends = [Math.min(...values), Math.max(...values)].map((x) => (log ? Math.log(x) : x));
    const place = (x) => 20 + (560 * ((log ? Math.log(x) : x) - ends[0])) / (ends[1] - ends[0] || 1);
    const shape = (name, attributes, inside) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      if (inside !== undefined) made.textContent = inside;
      return made;
    };
    const svg = shape("svg", { viewBox: "0 0 600 92", role: "img", "aria-label": "Scores of the seeds, and the published box" });
    const box = (y, q1, middle, q3, fill) => {
      svg.append(shape("rect", { x: place(q1), y, width: Math.max(place(q3) - place(q1), 1), height: 18, fill, stroke: "currentColor" }),
        shape("line", { x1: place(middle), x2: place(middle), y1: y, y2: y + 18, stroke: "currentColor", "stroke-width": 2 }));
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
    for (const [x, anchor] of [[Math.min(...values), "start"], [Math.max(...values), "end"]])
      svg.append(shape("text", { x: anchor === "start" ? 20 : 580, y: 84, "font-size": 13, fill: "currentColor", "text-anchor": anchor }, number(x)));
    svg.append(shape("text", { x: 300, y: 84, "font-size": 13, fill: "currentColor", "text-anchor": "middle" },
      `ours above${Object.keys(theirs).length ? `, ${data.theirs} below` : ""}${log ? " (log)" : ""}`));
    return svg;
  };
  const open = (element) => {
    const [row, column] = element.dataset.at.split(",").map(Number);
    const [cell, line, method] = [cellAt(row, column), data.rows[row], data.methods[column]];
    const told = [];
    if (cell?.n) {
      told.push(["ours", `median ${number(cell.m)} [${number(cell.q1)}, ${number(cell.q3)}], mean ${number(cell.mean)} ± ${number(cell.sd)}`]);
      if (cell.word) {
        const box = cell.box ?? {};
        const spread = box.q1 !== undefined ? ` [${number(box.q1)}, ${number(box.q3)}]` : box.sd !== undefined ? ` ± ${number(box.sd)}` : "";
        told.push([data.theirs, `${number(cell.theirs)}${spread}, ${cell.theirs_n ?? "?"} runs`]);
        if (cell.ratio !== undefined) told.push(["ratio", `${number(cell.ratio)}, 95 % [${number(cell.low)}, ${number(cell.high)}]`]);
        told.push(["verdict", `${signs[cell.word] ?? ""} ${cell.word}${cell.why ? `: ${cell.why}` : ""}`]);
      }
      told.push(["seeds", cell.seeds.map(([seed, x]) => `${seed}: ${number(x)}`).join("  ")]);
    } else told.push(["state", cell?.state ?? "not run"]);
    const part = `${quoted(data.suite)} --scms ${quoted(line.dataset)} --only ${quoted(method.label)}`;
    const seeds = cell?.n ? ` --seeds ${cell.seeds.map(([seed]) => seed).join(",")}` : "";
    told.push(["run it", `scmbench run ${part}${seeds}`], ["its records", `scmbench show ${part}`]);
    const list = told.flatMap(([name, what]) => [make("dt", {}, name),
      make("dd", {}, what.startsWith("scmbench ") ? make("code", {}, what) : what)]);
    const close = make("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close");
    dialog.replaceChildren(make("h3", { id: "opened" }, `${line.scm}, ${line.score}: ${method.name}`),
      ...(cell?.n ? [strip(cell)] : []), make("dl", {}, ...list), close);
    dialog.addEventListener("close", () => element.focus(), { once: true });
    dialog.showModal();
  };

  // The view as text for a paper, a page or a spreadsheet.
  const grid = () => {
    const methods = shownMethods();
    return [["SCM", "score", ...methods.map((i) => data.methods[i].name)],
      ...shownRows().map((i) => [data.rows[i].scm, data.rows[i].score, ...methods.map((j) => text(cellAt(i, j)))])];
  };
  const commands = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}",
    "|": "\\textbar{}", "†": "$\\dagger$", "✓": "$\\checkmark$", "≈": "$\\approx$", "⊥": "$\\perp$", "▲": "$\\blacktriangle$",
    "▼": "$\\blacktriangledown$", "–": "--", "×": "$\\times$" };
  const latex = (word) => [...word].map((c) => commands[c] ?? ("&%$#_{}".includes(c) ? `\\${c}` : c)).join("").replace(/^([[*])/, "{$1}");
  const formats = {
    LaTeX: () => {
      const [first, ...rest] = grid().map((line) => `${line.map(latex).join(" & ")} \\\\`);
      const columns = "ll" + "r".repeat(shownMethods().length);
      return [`% booktabs, amssymb; ${decodeURI(location.hash).replaceAll("\n", " ")}`, `\\begin{tabular}{${columns}}`, "\\toprule", first,
        "\\midrule", ...rest, "\\bottomrule", "\\end{tabular}", ""].join("\n");
    },
    Markdown: () => {
      const lines = grid().map((line) => `| ${line.map((word) => word.replace(/[\\`*_[\]<>|~$&]/g, (c) => `&#${c.charCodeAt(0)};`)).join(" | ")} |`);
      return [lines[0], `| --- | --- |${" ---: |".repeat(shownMethods().length)}`, ...lines.slice(1), ""].join("\n");
    },
    CSV: () => {
      const safe = (word) => (/^[=+\-@\t\r＝＋－＠]/.test(word) && Number.isNaN(Number(word)) ? `'${word}` : word);
      const quote = (word) => (/[",\n\r]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word);
      const line = (i, j) => {
        const [row, method, cell] = [data.rows[i], data.methods[j], cellAt(i, j) ?? {}];
        const names = [row.dataset, row.rung, row.metric, method.name];
        const numbers = [cell.m, cell.q1, cell.q3, cell.mean, cell.sd, cell.n, cell.theirs, cell.ratio, cell.low, cell.high];
        return [...names.map((word) => quote(safe(word))), ...numbers.map((x) => x ?? ""), quote(cell.word ?? cell.state ?? "")].join(",");
      };
      const columns = "dataset,query,metric,method,median,q1,q3,mean,sd,n,theirs,ratio,low,high,verdict";
      return [columns, ...shownRows().flatMap((i) => shownMethods().map((j) => line(i, j))), ""].join("\n");
    },
  };
  const copy = async (name, button) => {
    const what = formats[name]();
    try { await navigator.clipboard.writeText(what); } catch {
      const area = make("textarea", {}); area.value = what; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    button.textContent = "copied"; setTimeout(() => { button.textContent = name; }, 1500);
  };

  const controls = () => {
    const choice = (label, name, options) => {
      const select = make("select", { "aria-label": label, onchange: (event) => change(name, event.target.value) },
        ...options.map(([value, shown]) => make("option", { value }, shown)));
      select.value = view[name];
      return options.length > 2 || name === "stat" ? [select] : [];
    };
    const all = (name, values) => [["", name], ...unique(values).map((value) => [value, value])];
    const search = make("input", { type: "search", placeholder: "filter rows: chain CF", "aria-label": "Filter rows by words",
      oninput: (event) => change("q", event.target.value) });
    search.value = view.q;
    const boxes = data.methods.map((method, i) => {
      const box = make("input", { type: "checkbox", onchange: () => {
        const off = hidden(); if (box.checked) off.delete(i); else off.add(i);
        change("hide", [...off].sort((a, b) => a - b).join(","));
      } });
      box.checked = !hidden().has(i);
      return make("label", {}, box, ` ${method.name}`);
    });
    const buttons = Object.keys(formats).map((name) => {
      const button = make("button", { type: "button", title: `Copy this view as ${name}` }, name);
      button.addEventListener("click", () => copy(name, button));
      return button;
    });
    return [make("div", { class: "controls" }, search,
      ...choice("Rung", "rung", all("every rung", data.rows.map((row) => row.rung))),
      ...choice("Metric", "metric", all("every metric", data.rows.map((row) => row.metric))),
      ...choice("Group of SCMs", "group", all("every group", data.rows.map((row) => row.group))),
      ...choice("Statistic", "stat", [["m", "medians"], ["mean", "means"]]),
      make("button", { type: "button", onclick: () => { view = { ...start }; keep(); show(); } }, "Reset"),
      make("span", {}, "Copy as"), ...buttons),
    make("details", { open: view.hide !== "" }, make("summary", {}, "Methods shown"), make("div", { class: "methods" }, ...boxes))];
  };
  const show = () => { host.replaceChildren(make("h2", {}, "Explore"), ...controls(), count, table, dialog); draw(); };

  // Every plain table is sorted by a click on a head; headings between rows give way to it.
  const key = (cell) => {
    const word = cell?.textContent.trim() ?? "";
    const found = /[-−+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?/.exec(word);
    return found && !cell.classList.contains("word") ? Number(found[0].replaceAll(",", "").replace("−", "-")) : word;
  };
  for (const table of document.querySelectorAll("figure table")) {
    const [body, heads] = [table.tBodies[0], [...table.tHead.rows[0].cells]];
    const lines = [...body.rows].filter((row) => row.cells.length === heads.length);
    if (lines.length < 3 || lines.some((row) => row.cells[0].textContent.trim() === "")) continue;
    const first = [...body.rows];
    heads.forEach((cell, i) => {
      if (!cell.textContent) return;
      const button = make("button", { type: "button" }, ...cell.childNodes);
      button.addEventListener("click", () => {
        const before = cell.getAttribute("aria-sort");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (before === "descending") { body.replaceChildren(...first); return; }
        const way = before === "ascending" ? -1 : 1;
        cell.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
        const compare = (x, y) => (typeof x === "number" && typeof y === "number" ? x - y :
          typeof x !== typeof y ? (typeof x === "number" ? -way : way) : x.localeCompare(y, "en", { numeric: true }));
        body.replaceChildren(...[...lines].sort((a, b) => way * compare(key(a.cells[i]), key(b.cells[i]))));
      });
      cell.replaceChildren(button);
    });
  }

  if (data.rows.length) {
    host.hidden = false;
    read(); show();
    window.addEventListener("hashchange", () => { if (location.hash.startsWith("#explore")) { read(); show(); } });
    if (location.hash.startsWith("#explore")) host.scrollIntoView();
  }
})();
