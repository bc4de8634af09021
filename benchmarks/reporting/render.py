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
from rich.cells import cell_len

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
    """A table to read: `name` is its file name, `left` how many columns are words rather than numbers.

    The last `apart` columns, such as those of floors, leave for a table of their own where a terminal is too narrow.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Row | Section]
    notes: Sequence[str] = ()
    left: int = 1
    apart: int = 0


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


def to_rich(table: Table) -> rich.console.RenderableType:
    """For a terminal: title, table, notes. No word is folded; columns that do not fit follow in tables below."""
    return Fitted(table)


_GAP, _FOLDED = 2, 12
"""Columns of a terminal between two of a table; of a word that no terminal is wide enough for."""


@dataclass(frozen=True)
class Fitted:
    """A table that asks a terminal how wide it is.

    The columns of words stand before every part, on one line where that leaves half of the width, else broken at
    blanks. A single word wider than the terminal is the only one that is ever folded.
    """

    table: Table

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        """Called by rich."""
        table, width = self.table, options.max_width
        yield rich.text.Text(table.title, style="bold")
        for i, columns in enumerate(self._parts(width)):
            yield from ([""] if i else [])
            yield self._part(columns, width)
        yield from (rich.text.Text(note, style="dim") for note in table.notes)

    def _texts(self, column: int) -> list[str]:
        """What stands in a column below its head."""
        rows = [row for row in self.table.rows if not isinstance(row, Section)]
        return [_entry(row[column]).text for row in rows]

    def _whole(self, column: int) -> int:
        """The width of a column whose cells are not broken; its head may be."""
        return max([self._head(column), *map(cell_len, self._texts(column))])

    def _least(self, column: int) -> int:
        """The width of a column of words, broken at every blank."""
        return max([self._head(column), *(_longest(text) for text in self._texts(column))])

    def _head(self, column: int) -> int:
        """The longest word of its name, and of the headings between rows, which stand in the first column."""
        headings = [row.heading for row in self.table.rows if isinstance(row, Section)] if column == 0 else []
        return max(map(_longest, [self.table.columns[column], *headings]))

    def _parts(self, width: int) -> list[list[int]]:
        """The columns of each table that is printed."""
        count = len(self.table.columns)
        keys = list(range(min(self.table.left, count)))
        taken = sum(self._keys(width).values()) + _GAP * len(keys)
        parts: list[list[int]] = [[]]
        room = width - taken
        broken = taken + sum(self._whole(i) + _GAP for i in range(len(keys), count)) - _GAP > width
        for i in range(len(keys), count):
            need = self._whole(i) + _GAP * bool(parts[-1])
            if parts[-1] and (need > room or (broken and i == count - self.table.apart)):
                parts.append([])
                room, need = width - taken, self._whole(i)
            parts[-1].append(i)
            room -= need
        return [[*keys, *part] for part in parts]

    def _keys(self, width: int) -> dict[int, int]:
        """How wide the columns of words are."""
        count = len(self.table.columns)
        keys = range(min(self.table.left, count))
        whole, least = {i: self._whole(i) for i in keys}, {i: self._least(i) for i in keys}
        room = width - _GAP * (count - 1) if len(keys) == count else width // 2
        for i in sorted(keys, key=lambda i: -whole[i]):  # the widest gives way first
            if (over := sum(whole.values()) + _GAP * len(keys) - room) > 0:
                beside = sum(least.values()) - least[i] + _GAP * (len(keys) - 1)
                whole[i] = max(whole[i] - over, min(least[i], max(room - beside, _FOLDED)))
        return whole

    def _part(self, columns: Sequence[int], width: int) -> rich.table.Table:
        table, keys = self.table, self._keys(width)
        out = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
        for i in columns:
            name, wide = rich.text.Text(table.columns[i]), keys[i] if i in keys else self._whole(i)
            out.add_column(name, justify="left" if i in keys else "right", overflow="fold", width=wide)
        for row in table.rows:
            if isinstance(row, Section):
                out.add_section()
                out.add_row(rich.text.Text(row.heading, style="italic"))
                continue
            styled = []
            for entry in (_entry(row[i]) for i in columns):
                style = " ".join(filter(None, ["bold" * entry.bold, COLOURS.get(entry.word, "")]))
                styled.append(rich.text.Text(entry.text, style=style))
            out.add_row(*styled)
        return out


def _longest(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


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

    head = "".join(cell(Text(c), "th" if c else "td", i) for i, c in enumerate(table.columns))
    body = []
    for row in table.rows:
        if isinstance(row, Section):
            body.append(f'<tr class="section"><th colspan="{len(table.columns)}">{html.escape(row.heading)}</th></tr>')
        else:
            body.append("<tr>" + "".join(cell(_entry(e), "td", i) for i, e in enumerate(row)) + "</tr>")
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return (
        f'<figure id="{escaping.file_name(table.name)}"><figcaption>{html.escape(table.title)}</figcaption>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(table.title)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{notes}</figure>"
    )
