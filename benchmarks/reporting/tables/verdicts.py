"""Tables of verdicts: counts, every cell that is not reproduced, shares of the floor, comparisons by seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ...judging.cells import NOT_RUN
from ...judging.paired import FEW, HIGHER, IDENTICAL, LOWER, UNCLEAR
from ...judging.paired import LEAST as MARKED
from ...judging.rule import LEAST, why
from ...judging.verdict import counts
from ..layout import Layout, question_name
from ..render import DASH, SYMBOLS, Table, Text, number
from .scores import Line, by_cell, in_units

_ARROWS = {LOWER: "↓", HIGHER: "↑"}


def count_table(verdicts: pd.DataFrame, layout: Layout) -> Table:
    """How many published cells have each verdict, by method and query, with totals; methods not run are left out."""
    run = [method in set(layout.methods) for method in zip(verdicts["model"], verdicts["variant"], strict=True)]
    table = counts(verdicts[run])
    words = [c for c in table.columns if c not in ("model", "variant", "query")]
    signed = [f"{SYMBOLS.get(w, '')} {w}".strip() for w in words]
    rows: list[Any] = []
    for line in table.to_dict("records"):
        numbers = [Text(str(line[w] or DASH), word=w if line[w] else "") for w in words]
        total = str(sum(line[w] for w in words))
        rows.append([layout.method((line["model"], line["variant"])), line["query"], *numbers, total])
    totals = table[words].sum()
    rows.append([Text(str(x), bold=True) for x in ("all", "", *totals, totals.sum())])
    left_out = int((verdicts["form"] != "").sum() - totals.sum())
    notes = [f"{left_out} published cells of methods that were not run are not counted."] if left_out else []
    return Table("counts", "Verdicts by method and query", ["method", "query", *signed, "cells"], rows, notes, 2)


RANKS = ("worse", "better", "close", "undecided")


def unreproduced(verdicts: pd.DataFrame, layout: Layout, *, brief: bool = False) -> Table:
    """Every published cell that was run and did not come out: see `verdict_lines` for the columns.

    Cells of fewer than three seeds, which decide nothing, are counted in a note. `brief` is for a terminal.
    """
    part = verdicts[(verdicts["form"] != "") & ~verdicts["verdict"].isin(["reproduced", "at the floor", NOT_RUN])]
    few = (part["n"] > 0) & (part["n"] < LEAST)
    part = part[~few]
    ranks = {word: i for i, word in enumerate(RANKS)}
    part = part.assign(rank=[ranks.get(w, len(ranks)) for w in part["verdict"]]).sort_values("rank", kind="stable")
    told = f"{few.sum()} cells of fewer than {LEAST} seeds are undecided and not listed." if few.any() else ""
    title = "Published cells that are not reproduced"
    return verdict_lines(part, layout, title=title, name="not_reproduced", brief=brief, note=told)


def every_verdict(verdicts: pd.DataFrame, layout: Layout) -> Table:
    """Every published cell that was run, with what made its verdict."""
    part = verdicts[(verdicts["form"] != "") & (verdicts["n"] > 0)]
    return verdict_lines(part, layout, title="Every published cell that was run", name="every_verdict")


def verdict_lines(
    part: pd.DataFrame, layout: Layout, *, title: str, name: str, brief: bool = False, note: str = ""
) -> Table:
    """A line a cell: verdict and why, ours, theirs, ratio or difference with its interval, floor, order of the methods.

    `brief` leaves out quartiles, why and order; a verdict is its sign there.
    """
    rows: list[Any] = []
    for line in part.to_dict("records"):
        agrees = DASH if math.isnan(line["tau"]) else "yes" if line["order_agrees"] else f"no (τ = {line['tau']:.2f})"
        sign, word = SYMBOLS.get(line["verdict"], ""), line["verdict"]
        name_of = layout.short if brief else layout.method
        row = [
            Text(sign if brief and sign else f"{sign} {word}".strip(), word=word),
            *([] if brief else [why(line)]),
            layout.dataset(line["dataset"]),
            question_name((line["query"], line["metric"]), short=True),
            name_of(method := (line["model"], line["variant"])) + layout.mark(method, line["dataset"]),
            *[number(layout.scale * line[s]) if brief else _spread(line, s, layout.scale) for s in ("ours", "theirs")],
            *_judged(line, layout.scale),
            number(layout.scale * _floor(line)),
        ]
        rows.append(row if brief else [*row, agrees])
    cell = ["SCM", "score", "method", "ours", layout.theirs, "ratio", "95 % interval", "floor"]
    notes = [
        f"ratio: our median over theirs (means where means are given); Δ: ours minus theirs, for a number at the noise "
        f"floor. {_sizes(part)}Welch's intervals.",
        "floor: the oracle's score, what sampling alone costs (an MMD near it holds nothing but noise); for "
        "counterfactuals that of the posterior mean of the truth where it was run, the least error that any method can "
        "reach.",
        "same order: whether the methods of this row stand in the published order, else Kendall's τ of the two orders.",
    ]
    return Table(
        name=name,
        title=in_units(title, layout),
        columns=["", *cell] if brief else ["verdict", "why", *cell, "same order"],
        rows=rows,
        notes=[*filter(None, [note]), *filter(None, [_signs(part), *notes[:2]] if brief else notes), *layout.marks()],
        left=4 if brief else 5,
        apart=int(brief),
    )


def _signs(part: pd.DataFrame) -> str:
    """What the signs of these verdicts mean."""
    words = dict.fromkeys(word for word in part["verdict"] if word in SYMBOLS)
    return ", ".join(f"{SYMBOLS[word]} {word}" for word in words) + "." if words else ""


def _sizes(part: pd.DataFrame) -> str:
    """How many seeds stand against how many runs."""
    run = part[part["n"] > 0]
    if run.empty:
        return ""
    ours, theirs = (sorted({int(n) for n in run[column].dropna()}) for column in ("n", "theirs_n"))
    return f"n = {', '.join(map(str, ours))} seeds against {', '.join(map(str, theirs))} runs; "


def _judged(line: Line, scale: float) -> list[str]:
    """What was judged, ratio or difference, and its interval."""
    if math.isnan(line["difference"]):
        return _ratio(line)
    d, low, high = (number(scale * line[k]) for k in ("difference", "difference_low", "difference_high"))
    return [f"Δ {d}", f"[{low}, {high}]"]


def _by_change(line: Line) -> tuple[int, float]:
    """The order of paired lines: sure changes, unclear ones, few seeds, one side alone; in each the largest first."""
    order = ((LOWER, HIGHER), (UNCLEAR,), (FEW,))
    place = next((i for i, words in enumerate(order) if line["change"] in words), len(order))
    size = abs(float(line["log_ratio"]))
    return place, math.inf if math.isnan(size) else -size


def _ratio(line: Line) -> list[str]:
    """``exp`` of a log-ratio and of its interval."""
    ratio, low, high = np.exp([float(line[k]) for k in ("log_ratio", "low", "high")])
    return [number(ratio), DASH if math.isnan(low) else f"[{number(low)}, {number(high)}]"]


def _floor(line: Line) -> float:
    reachable = line["query"] == "counterfactual" and not math.isnan(line["posterior"])
    return float(line["posterior" if reachable else "oracle"])


def _spread(line: Line, side: str, scale: float) -> str:
    if math.isnan(line[side]):
        return DASH
    if line["statistic"] == "mean":
        return f"{number(scale * line[side])} ± {number(scale * line[f'{side}_sd'])}"
    return f"{number(scale * line[side])} [{number(scale * line[f'{side}_q1'])}, {number(scale * line[f'{side}_q3'])}]"


def floor_table(shares: pd.DataFrame, layout: Layout) -> Table:
    """How much of each distance is the oracle's floor, ours and the paper's, from `floor_shares`."""
    lines = by_cell(shares)
    methods = [m for m in layout.methods if m not in layout.floors()]

    def percent(x: float) -> str:
        return DASH if math.isnan(x) else f"{100 * x:.0f} %"

    rows: list[Any] = []
    for dataset in layout.datasets:
        for question in layout.questions:
            keys = {m: (dataset, *question, *m) for m in methods}
            if found := {m: lines[key] for m, key in keys.items() if key in lines}:
                entries = [
                    f"{percent(found[m]['ours_share'])} / {percent(found[m]['theirs_share'])}" if m in found else DASH
                    for m in methods
                ]
                rows.append([layout.dataset(dataset), question_name(question, short=True), *entries])
    return Table(
        name="floor",
        title="How much of each MMD is the oracle's floor: ours / the paper's",
        columns=["SCM", "score", *[layout.method(m) for m in methods]],
        rows=rows,
        notes=["The oracle's median over the method's: 100 % and more means nothing is left but sampling noise."],
        left=2,
    )


def paired_table(compared: pd.DataFrame, layout: Layout, *, title: str, name: str = "paired") -> Table:
    """The lines of `paired.compare` or `paired.contrast`: ratio, interval, seeds lower, p-values.

    Sure changes come first, the largest ratio on top; lines that are identical at every seed are one line, and named
    below.
    """
    by_method = "model" in compared.columns
    rows: list[Any] = []
    same: list[str] = []
    for line in sorted(compared.to_dict("records"), key=_by_change):
        label = [layout.dataset(line["dataset"]), question_name((line["query"], line["metric"]), short=True)]
        method = []
        if by_method:
            key = (line["model"], line["variant"])
            method = [layout.method(key) + layout.mark(key, line["dataset"])]
        if line["change"] == IDENTICAL:
            same.append(" ".join([*label, *method]))
            continue
        seeds = f"{line['n_a']} vs {line['n_b']}"
        if line["change"] not in ("only a", "only b") and line["paired"]:
            seeds = f"{int(line['a_lower'])}/{line['n']}"
        change = f"{_ARROWS.get(line['change'], '')} {line['change']}".strip()
        rows.append([*label, *method, change, *_ratio(line), seeds, number(line["p"]), number(line["q"])])
    if same:
        cells = f"{len(same)} {'cell' if len(same) == 1 else 'cells'}, below"
        rows.append([cells, "", *([""] if by_method else []), IDENTICAL, "1", DASH, DASH, DASH, DASH])
    columns = [
        "SCM",
        "score",
        *(["method"] if by_method else []),
        "change",
        "ratio",
        "95 % interval",
        "seeds lower",
        "p",
        "q",
    ]
    notes = [
        "ratio: geometric mean over common seeds of first / second, Student's t interval; change: lower ↓ or higher ↑ "
        f"where it leaves out 1 at {MARKED} or more seeds. seeds lower: k of n.",
        "p: of the same test; q: adjusted over all lines (Benjamini-Hochberg). k vs l seeds: unpaired.",
        *([f"Identical at every seed: {', '.join(same)}."] if same else []),
        *(layout.marks() if by_method else []),
    ]
    return Table(name, title, columns, rows, notes, 3 + by_method)
