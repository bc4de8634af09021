"""Tables of verdicts: counts, every cell that is not reproduced, shares of the floor, comparisons by seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ...judging.cells import NOT_RUN
from ...judging.verdict import counts
from ..layout import Layout, question_name
from ..render import DASH, Table, Text, number
from .scores import Line, by_cell, in_units


def count_table(verdicts: pd.DataFrame, layout: Layout) -> Table:
    """How many published cells have each verdict, by method and query, with totals; methods not run are left out."""
    run = [method in set(layout.methods) for method in zip(verdicts["model"], verdicts["variant"], strict=True)]
    table = counts(verdicts[run])
    words = [c for c in table.columns if c not in ("model", "variant", "query")]
    rows: list[Any] = []
    for line in table.to_dict("records"):
        numbers = [Text(str(line[w] or DASH), word=w if line[w] else "") for w in words]
        total = str(sum(line[w] for w in words))
        rows.append([layout.method((line["model"], line["variant"])), line["query"], *numbers, total])
    totals = table[words].sum()
    rows.append([Text(str(x), bold=True) for x in ("all", "", *totals, totals.sum())])
    left_out = int((verdicts["form"] != "").sum() - totals.sum())
    notes = [f"{left_out} published cells of methods that were not run are not counted."] if left_out else []
    return Table("counts", "Verdicts by method and query", ["method", "query", *words, "cells"], rows, notes, 2)


def unreproduced(verdicts: pd.DataFrame, layout: Layout, *, brief: bool = False) -> Table:
    """Every published cell that was run and is not reproduced: ours, theirs, interval, oracle, order of the methods.

    `brief` leaves out quartiles and order, for a terminal.
    """
    part = verdicts[(verdicts["form"] != "") & ~verdicts["verdict"].isin(["reproduced", NOT_RUN])]
    ranks = {word: i for i, word in enumerate(["worse", "better", "close", "undecided"])}
    part = part.assign(rank=[ranks.get(w, len(ranks)) for w in part["verdict"]]).sort_values("rank", kind="stable")
    rows: list[Any] = []
    for line in part.to_dict("records"):
        agrees = DASH if math.isnan(line["tau"]) else "yes" if line["order_agrees"] else f"no (τ = {line['tau']:.2f})"
        row = [
            Text(line["verdict"], word=line["verdict"]),
            layout.dataset(line["dataset"]),
            question_name((line["query"], line["metric"]), short=True),
            layout.method((line["model"], line["variant"])),
            *[number(layout.scale * line[s]) if brief else _spread(line, s, layout.scale) for s in ("ours", "theirs")],
            *_ratio(line),
            number(layout.scale * _floor(line)),
        ]
        rows.append(row if brief else [*row, agrees])
    columns = ["verdict", "SCM", "score", "method", "ours", "paper", "ratio", "95 % interval", "floor"]
    notes = [
        "ratio: our median over theirs (means where the paper gives means). floor: the oracle's score, what sampling "
        "alone costs (an MMD near it holds nothing but noise); for counterfactuals that of the posterior mean of the "
        "truth where it was run, the least error that any method can reach.",
        "same order: whether the methods of this row stand in the published order, else Kendall's τ of the two orders.",
    ]
    return Table(
        name="not_reproduced",
        title=in_units("Published cells that are not reproduced", layout),
        columns=columns if brief else [*columns, "same order"],
        rows=rows,
        notes=notes[:1] if brief else notes,
        left=4,
    )


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
    """The lines of `paired.compare` or `paired.contrast`: ratio, interval, seeds lower, p-values."""
    by_method = "model" in compared.columns
    rows: list[Any] = []
    for line in compared.to_dict("records"):
        label = [layout.dataset(line["dataset"]), question_name((line["query"], line["metric"]), short=True)]
        method = [layout.method((line["model"], line["variant"]))] if by_method else []
        seeds = f"{line['n_a']} vs {line['n_b']}"
        if line["change"] not in ("only a", "only b") and line["paired"]:
            seeds = f"{int(line['a_lower'])}/{line['n']}"
        rows.append([*label, *method, line["change"], *_ratio(line), seeds, number(line["p"]), number(line["q"])])
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
        "ratio: median over common seeds of first / second; change: lower or higher where the interval leaves out 1.",
        "p: Wilcoxon's signed-rank test; q: adjusted over all lines (Benjamini-Hochberg). k vs l seeds: unpaired.",
    ]
    return Table(name, title, columns, rows, notes, 3 + by_method)
