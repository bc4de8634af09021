"""Tables of scores: ours above the paper's with their spread, and a narrow one for terminals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...judging.cells import CELL, NOT_RUN
from ...judging.published import Published
from ..layout import Layout, question_name
from ..render import DASH, SYMBOLS, Section, Table, Text, number

Line = dict[Any, Any]


def by_cell(table: pd.DataFrame) -> dict[tuple[str, ...], Line]:
    """The lines of a frame with the columns of `CELL`, by cell."""
    return {tuple(row[c] for c in CELL): row for row in table.to_dict("records")}


def in_units(what: str, layout: Layout) -> str:
    """A title with the factor that its numbers are in units of."""
    return f"{what}, {layout.factor()}" if layout.factor() else what


def state(line: Line | None) -> Text:
    """Why a cell has no score."""
    word = line["state"] if line else NOT_RUN
    return Text(word, word=word)


def waiver_notes(layout: Layout) -> list[str]:
    """One note a method that waives a property."""
    return [f"{layout.method(m)} waives: {layout.waived[m]}" for m in layout.methods if m in layout.waived]


def _best(values: Mapping[Any, float], layout: Layout) -> set[Any]:
    """Methods with the lowest value, floors aside; nobody where only one method has a number."""
    real = {m: x for m, x in values.items() if m not in layout.floors() and not math.isnan(x)}
    return {m for m, x in real.items() if x == min(real.values())} if len(real) > 1 else set()


def _share(line: Line) -> str:
    return f" ({line['n']}/{line['n'] + line['missing']})" if line["missing"] else ""


_LOWEST = (
    "Lower is better; the lowest is bold, ours and the paper's each, floors and ceilings such as the oracle aside."
)


def _partial(found: pd.DataFrame) -> str:
    return "(k/n): only k of n seeds have a score." if ((found["n"] > 0) & (found["missing"] > 0)).any() else ""


def _write(line: Line, layout: Layout, *, moments: bool, sample_sd: bool = False) -> str:
    k = layout.scale
    if not moments:
        return f"{number(k * line['median'])} [{number(k * line['q1'])}, {number(k * line['q3'])}]"
    population = math.sqrt((line["n"] - 1) / line["n"]) if sample_sd else 1.0
    return f"{number(k * line['mean'])} ± {number(k * population * line['sd'])}"


def score_table(found: pd.DataFrame, layout: Layout, published: Published | None, *, moments: bool = False) -> Table:
    """Ours above the paper's, method by method: median [q1, q3], or with `moments` mean ± population sd."""
    form, centre = ("moments", "mean") if moments else ("box", "median")
    theirs = by_cell(published.cells[published.cells["form"] == form]) if published else {}
    ours = by_cell(found)
    rows: list[Any] = []
    for heading, datasets in layout.kinds():
        rows.append(Section(heading))
        for dataset, question in ((d, q) for d in datasets for q in layout.questions):
            keys = {m: (dataset, *question, *m) for m in layout.methods}
            mine = {m: ours[key] for m, key in keys.items() if key in ours}
            paper = {m: theirs[key] for m, key in keys.items() if key in theirs}
            if not mine:
                continue
            best = _best({m: line[centre] for m, line in mine.items()}, layout)
            entries = [
                Text(_write(mine[m], layout, moments=moments) + _share(mine[m]), bold=m in best)
                if m in mine and mine[m]["n"]
                else state(mine.get(m))
                for m in layout.methods
            ]
            rows.append([layout.problem(dataset), question_name(question, short=True), "ours", *entries])
            if paper:
                best = _best({m: line[centre] for m, line in paper.items()}, layout)
                entries = [
                    Text(_write(paper[m], layout, moments=moments, sample_sd=True), bold=m in best)
                    if m in paper
                    else DASH
                    for m in layout.methods
                ]
                rows.append(["", "", "paper", *entries])
    what = "mean ± population standard deviation" if moments else "median [first quartile, third quartile]"
    absent = published and moments and not theirs
    notes = [_LOWEST, _partial(found), "The paper's means are not given." if absent else ""]
    return Table(
        name="scores_mean" if moments else "scores_median",
        title=in_units(f"Scores over seeds, {what}", layout),
        columns=["SCM", "score", "", *map(layout.method, layout.methods)],
        rows=rows,
        notes=[*filter(None, notes), *waiver_notes(layout)],
        left=3,
    )


def overview(verdicts: pd.DataFrame | None, found: pd.DataFrame, layout: Layout) -> Table:
    """One line a question, for a terminal: our median, the verdict's sign, the published one (with verdicts)."""
    judged, ours = {} if verdicts is None else by_cell(verdicts), by_cell(found)

    def entry(cell: tuple[str, ...], bold: bool) -> Text:
        line, verdict = ours.get(cell), judged.get(cell, {"form": "", "verdict": ""})
        if not line or not line["n"]:
            return state(line)
        text = number(layout.scale * line["median"]) + _share(line)
        if verdict["form"]:
            text += f" {SYMBOLS.get(verdict['verdict'], ' ')} {number(layout.scale * verdict['theirs'])}"
        return Text(text, bold=bold, word=verdict["verdict"])

    rows: list[Any] = []
    for heading, datasets in layout.kinds():
        rows.append(Section(heading))
        for dataset, question in ((d, q) for d in datasets for q in layout.questions):
            keys = {m: (dataset, *question, *m) for m in layout.methods}
            best = _best({m: ours[key]["median"] for m, key in keys.items() if key in ours}, layout)
            if any(key in ours for key in keys.values()):
                entries = [entry(key, m in best) for m, key in keys.items()]
                rows.append([layout.problem(dataset), question_name(question, short=True), *entries])
    signs = ", ".join(f"{sign} {word}" for word, sign in SYMBOLS.items())
    shown = "lower is better, best in bold" if verdicts is None else f"ours, sign, paper's: {signs}; lower is better"
    return Table(
        name="overview",
        title=in_units("Medians over seeds" + ("" if verdicts is None else ", beside them the paper's"), layout),
        columns=["SCM", "score", *map(layout.method, layout.methods)],
        rows=rows,
        notes=[shown, *filter(None, [_partial(found)]), *waiver_notes(layout)],
        left=2,
    )
