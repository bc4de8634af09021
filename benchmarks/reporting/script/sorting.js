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
