// A view as text for a paper, a page, a spreadsheet or a bibliography. A `view` is {grid, hash, lines, papers}: `grid` its
// table with a head, `lines` a cell each for CSV, `papers` the BibTeX entries behind its methods and worlds.
const commands = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}",
  "|": "\\textbar{}", "†": "$\\dagger$", "✓": "$\\checkmark$", "≈": "$\\approx$", "⊥": "$\\perp$", "▲": "$\\blacktriangle$",
  "▼": "$\\blacktriangledown$", "–": "--", "×": "$\\times$" };
const latex = (word) => [...word].map((c) => commands[c] ?? ("&%$#_{}".includes(c) ? `\\${c}` : c)).join("").replace(/^([[*])/, "{$1}");
const plain = (word) => word.replace(/[\\`*_[\]<>|~$&]/g, (c) => `&#${c.charCodeAt(0)};`);
// What a spreadsheet would run as a formula gets an apostrophe.
const safe = (word) => (/^[=+\-@\t\r＝＋－＠]/.test(word) && Number.isNaN(Number(word)) ? `'${word}` : word);
const quote = (word) => (/[",\n\r]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word);

const formats = {
  LaTeX: ({ grid, hash }) => {
    const [first, ...rest] = grid.map((line) => `${line.map(latex).join(" & ")} \\\\`);
    const columns = "ll" + "r".repeat(grid[0].length - 2);
    return [`% booktabs, amssymb; ${hash.replaceAll(/[\n\r]/g, " ")}`, `\\begin{tabular}{${columns}}`, "\\toprule", first,
      "\\midrule", ...rest, "\\bottomrule", "\\end{tabular}", ""].join("\n");
  },
  Markdown: ({ grid }) => {
    const lines = grid.map((line) => `| ${line.map(plain).join(" | ")} |`);
    return [lines[0], `| --- | --- |${" ---: |".repeat(grid[0].length - 2)}`, ...lines.slice(1), ""].join("\n");
  },
  CSV: ({ lines }) => {
    const columns = "dataset,query,metric,method,median,q1,q3,mean,sd,n,theirs,ratio,low,high,verdict";
    const written = lines.map((line) => line.map((x) => (typeof x === "string" ? quote(safe(x)) : x ?? "")).join(","));
    return [columns, ...written, ""].join("\n");
  },
  BibTeX: ({ papers }) => [...papers, ""].join("\n\n"),
};

const copy = async (what, button) => {
  const name = button.textContent;
  try { await navigator.clipboard.writeText(what); } catch {
    const area = make("textarea", {}); area.value = what; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
  }
  button.textContent = "copied"; setTimeout(() => { button.textContent = name; }, 1500);
};
