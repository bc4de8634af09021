// What a reader chooses the view by, and what copies it. `again` makes the controls anew from the view, `whole` gives what
// `formats` need.
const controls = (again, whole) => {
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
  const told = make("summary", {});
  const tell = () => { told.textContent = `Seeds shown: ${view.seeds === "" ? "all" : view.seeds}`; };
  const choose = (chosen) => { change("seeds", writtenSeeds(chosen, allSeeds)); tell(); };
  const ofSeeds = allSeeds.map((seed) => {
    const box = make("input", { type: "checkbox", onchange: () => {
      const chosen = shownSeeds(); if (box.checked) chosen.add(seed); else chosen.delete(seed);
      choose(chosen);
    } });
    box.checked = shownSeeds().has(seed);
    return make("label", {}, box, ` ${seed}`);
  });
  const every = (word, chosen) => make("button", { type: "button", onclick: () => {
    ofSeeds.forEach((one) => { one.querySelector("input").checked = chosen.size > 0; }); choose(chosen);
  } }, word);
  tell();
  const buttons = Object.keys(formats).map((name) => {
    const button = make("button", { type: "button", title: name === "BibTeX" ? "Copy the papers behind this view as BibTeX" : `Copy this view as ${name}` }, name);
    button.addEventListener("click", () => copy(formats[name](whole()), button));
    return button;
  });
  return [make("div", { class: "controls" }, search,
    ...choice("Rung", "rung", all("every rung", data.rows.map((row) => row.rung))),
    ...choice("Metric", "metric", all("every metric", data.rows.map((row) => row.metric))),
    ...choice("Group of SCMs", "group", all("every group", data.rows.map((row) => row.group))),
    ...choice("Kind of world", "tag", all("every world", data.rows.flatMap((row) => row.tags).filter((tag) => !tag.includes("=")).sort())),
    ...choice("Statistic", "stat", [["m", "medians"], ["mean", "means"]]),
    make("button", { type: "button", onclick: () => { view = { ...start }; keep(); again(); } }, "Reset"),
    make("span", {}, "Copy as"), ...buttons),
  make("details", { open: view.hide !== "" }, make("summary", {}, "Methods shown"), make("div", { class: "methods" }, ...boxes)),
  ...(allSeeds.length > 1 ? [make("details", { open: view.seeds !== "" }, told, make("div", { class: "methods" }, ...ofSeeds,
    every("All", new Set(allSeeds)), every("None", new Set())))] : [])];
};
