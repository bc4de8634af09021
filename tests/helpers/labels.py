"""Labels that have broken tables before, and a table made of them."""

from __future__ import annotations

from scmbench.benchmarks.reporting.render import Section, Table, Text

LABELS = [
    *(
        "[x]",
        "*",
        "a & b",
        "50 %",
        "$x^{$",
        "#1",
        "_",
        "__a__",
        "{",
        "}",
        "~~a~~",
        "^",
        "\\",
        "\\input{x}",
        "\\\\[1cm]",
    ),
    *("\\end{longtable}", "<b>bold</b>", "<script>alert(1)</script>", "&amp;", "|", "a|b", '"q"', "'", "`code`", "``"),
    *("--", "---", "?`", "!`", ",,", "<<", ">>", "**a**", "[link](http://x.y)", "![image](x)", "# heading", "1. one"),
    *("- item", "+ item", "=1+1", "+1", "-1", "@x", "中文", "🙂", "é", "e\u0301", "\u202eabc", "Δ α ς Ω", "two\nlines"),
    *("tab\there", "", " ", "-", "±×÷¬µ·−∞≤≥≠≈⊥√∑∂∈†‡✓⚠…↓↑←→↔▲▼–—‘’“”„₀⁻¹", "dose [mg]", "a\u2028b", "x" * 200),
    "".join(map(chr, range(0xA1, 0x100))),
    "".join(map(chr, range(0x100, 0x180))),
]


def hostile_table(labels: list[str] | None = None) -> Table:
    """Every label as a title, a heading, a name, a bold entry and a note."""
    labels = LABELS if labels is None else labels
    rows: list[tuple[Text | str, ...] | Section] = []
    for label in labels:
        rows += [Section(label), (label, Text(label, bold=True), "1.5")]
    return Table(
        f"name {labels[0]}", " ".join(labels[:12]), [labels[0], labels[-1], "value"], rows, notes=labels, left=2
    )
