"""Tables as objects, and their four renderings: terminal (rich), Markdown, LaTeX (booktabs), HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import rich.box
import rich.console
import rich.table
import rich.text

from . import escaping

COLOURS = {
    "reproduced": "#009E73",
    "at the floor": "#B8A300",
    "close": "#56B4E9",
    "undecided": "#BBBBBB",
    "better": "#0072B2",
    "worse": "#D55E00",
    "failed": "#CC79A7",
    "unsupported": "#8C8C8C",
    "dirty": "#C00000",
}
"""A colour per verdict or state, from Okabe and Ito's palette, distinct under colour blindness."""

SYMBOLS = {"reproduced": "✓", "at the floor": "⊥", "close": "≈", "undecided": "?", "better": "▲", "worse": "▼"}
"""The same without colour."""

DASH = "–"


@dataclass(frozen=True)
class Text:
    """A table's entry; `bold` marks the best, `word` is the verdict or state whose colour it takes."""

    text: str
    bold: bool = False
    word: str = ""


@dataclass(frozen=True)
class Section:
    """A row that heads those below it."""

    heading: str


Row = Sequence[Text | str]


@dataclass(frozen=True)
class Table:
    """A table to read: `name` is its file name, `left` how many columns are words rather than numbers."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Row | Section]
    notes: Sequence[str] = ()
    left: int = 1


def number(x: float | None) -> str:
    """Three significant digits; a dash for a missing number.

    >>> number(0.24743), number(17.54), number(1234.5), number(0.000012), number(float("nan"))
    ('0.247', '17.5', '1,234', '1.20e-05', '–')
    """
    if x is None or math.isnan(x):
        return DASH
    size = abs(x)
    if x == 0 or math.isinf(x):
        return "0" if x == 0 else "∞" if x > 0 else "−∞"
    if size < 1e-3:
        return f"{x:.2e}"
    return f"{x:,.0f}" if size >= 1000 else f"{x:.{max(0, 2 - math.floor(math.log10(size)))}f}"


def _entry(entry: Text | str) -> Text:
    return entry if isinstance(entry, Text) else Text(entry)


def to_rich(table: Table) -> rich.console.Group:
    """For a terminal: title, table, notes."""
    out = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(table.columns):
        out.add_column(rich.text.Text(name), justify="left" if i < table.left else "right", overflow="fold")
    for row in table.rows:
        if isinstance(row, Section):
            out.add_section()
            out.add_row(rich.text.Text(row.heading, style="italic"))
            continue
        styled = []
        for entry in map(_entry, row):
            colour = COLOURS.get(entry.word, "")
            styled.append(rich.text.Text(entry.text, style=" ".join(filter(None, ["bold" * entry.bold, colour]))))
        out.add_row(*styled)
    notes = [rich.text.Text(note, style="dim") for note in table.notes]
    return rich.console.Group(rich.text.Text(table.title, style="bold"), out, *notes)


def markdown(table: Table) -> str:
    """GitHub's dialect: a heading, the table, its notes."""

    def line(entries: Sequence[str]) -> str:
        return "| " + " | ".join(entries) + " |"

    def cell(entry: Text) -> str:
        text = escaping.markdown(entry.text).strip()
        return f"**{text}**" if entry.bold and text else text

    rules = ["---" if i < table.left else "---:" for i in range(len(table.columns))]
    lines = [line([cell(Text(c)) for c in table.columns]), line(rules)]
    for row in table.rows:
        if isinstance(row, Section):
            heading = escaping.markdown(row.heading).strip()
            lines.append(line([f"*{heading}*" if heading else "", *[""] * (len(table.columns) - 1)]))
        else:
            lines.append(line([cell(_entry(entry)) for entry in row]))
    notes = "".join(f"\n{escaping.markdown(note)}\n" for note in table.notes)
    return f"### {escaping.markdown(table.title)}\n\n" + "\n".join(lines) + "\n" + notes


def latex(table: Table) -> str:
    """A ``longtable`` (it breaks over pages) with the rules of booktabs; needs the packages of `document`."""
    columns = "l" * table.left + "r" * (len(table.columns) - table.left)

    def cell(entry: Text) -> str:
        text = escaping.latex(entry.text)
        return rf"\textbf{{{text}}}" if entry.bold and text else text

    head = " & ".join(cell(Text(c)) for c in table.columns) + r" \\ \midrule"
    body = []
    for row in table.rows:
        if isinstance(row, Section):
            body.append(rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\textit{{{escaping.latex(row.heading)}}}}} \\*")
        else:
            body.append(" & ".join(cell(_entry(entry)) for entry in row) + r" \\")
    notes = [escaping.latex(note) + r"\par" for note in table.notes]
    return "\n".join(
        [
            r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{{columns}}}",
            rf"\caption{{{escaping.latex(table.title)}}}\label{{tab:{escaping.file_name(table.name)}}}\\",
            rf"\toprule {head} \endfirsthead",
            rf"\toprule {head} \endhead",
            r"\bottomrule \endfoot",
            *body,
            r"\end{longtable}",
            *notes,
            r"\endgroup",
            "",
        ]
    )


def document(names: Sequence[str]) -> str:
    """A LaTeX document that sets the table files of these names, for looking at them."""
    return "\n".join(
        [
            r"\documentclass[a4paper,landscape]{article}",
            r"\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}",
            r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",  # T1 fonts that need no METAFONT
            r"\usepackage[margin=12mm]{geometry}\usepackage{amssymb,booktabs,longtable,textcomp}",
            r"\begin{document}",
            *[rf"\input{{{escaping.file_name(name)}}}\clearpage" for name in names],
            r"\end{document}",
            "",
        ]
    )


def to_html(table: Table) -> str:
    """A ``<figure>`` with the table, its title as caption and its notes."""

    def cell(entry: Text, tag: str, i: int) -> str:
        classes = ["word" * (i < table.left), entry.word.replace(" ", "-")]
        mark = " ".join(filter(None, classes))
        text = html.escape(entry.text)
        return f'<{tag} class="{mark}">' + (f"<b>{text}</b>" if entry.bold else text) + f"</{tag}>"

    head = "".join(cell(Text(c), "th", i) for i, c in enumerate(table.columns))
    body = []
    for row in table.rows:
        if isinstance(row, Section):
            body.append(f'<tr class="section"><th colspan="{len(table.columns)}">{html.escape(row.heading)}</th></tr>')
        else:
            body.append("<tr>" + "".join(cell(_entry(e), "td", i) for i, e in enumerate(row)) + "</tr>")
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return (
        f'<figure id="{escaping.file_name(table.name)}"><figcaption>{html.escape(table.title)}</figcaption>'
        '<div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{notes}</figure>"
    )
