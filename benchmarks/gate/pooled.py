"""Many small moves of one sign: the signed moves of a method, pooled over its cells and seeds.

With m the move of a cell at a seed (`moves.py`) and T the cell's tolerance, the *drift* of a method at a rung is

    mean over its cells and seeds of  m / T,

at most 1 in absolute value while every cell holds. Harmless variation moves some cells up and others down, which the
mean averages out; a change of the method often moves most of them one way, each by less than it may. How far harmless
variation lets the mean drift is measured from the same runs, and by the same rule, as the tolerances of cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..judging.cells import CELL
from .moves import percent

GROUP = ["model", "variant", "query"]
"""What is pooled: a method's answers to one kind of question."""

FLOOR = 0.1
"""The least tolerance of a drift: a tenth of what the cells may move, for most cells a mean move of 1e-4."""

KEYS = [*GROUP, "moves", "how"]
"""Columns of a table of drifts beside the tolerance and what was measured."""

MEASURED, BOUNDED = "measured", "bounded"
"""How a tolerance came about: from the drift in harmless runs, or from a bound on it (`bounded`)."""

HELD, DRIFTED, PART, UNMEASURED = "held", "drifted", "part", "unmeasured"
RED = (DRIFTED, UNMEASURED)

WHY = {
    DRIFTED: "the cells of a method moved one way: each perhaps by less than it may, together by more",
    PART: "not judged: a part of what was measured was run, whose mean scatters more",
    UNMEASURED: "the drift has no tolerance: scmbench committed tolerances measures it",
}


def loose(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Methods ``(model, variant)`` with a drift that is only bounded, and so may drift further than measured."""
    found = table[(table["how"] == BOUNDED) & (table["tolerance"] > FLOOR)]
    return list(dict.fromkeys(zip(found["model"], found["variant"], strict=True)))


def drifts(moved: pd.DataFrame, tolerances: pd.DataFrame) -> pd.DataFrame:
    """One line per group of `moves.moves`: ``GROUP + [moves, drift]``, `moves` the number of cells times seeds.

    A move that is not known, or whose cell has no tolerance, is left out of both.
    """
    allowed = moved[CELL].merge(tolerances[[*CELL, "tolerance"]], on=CELL, how="left")["tolerance"].to_numpy()
    shares = moved[GROUP].assign(share=moved["move"].to_numpy(dtype=float) / allowed)
    with np.errstate(invalid="ignore"):  # +∞ and -∞ have no mean
        table = shares.groupby(GROUP, sort=False)["share"].agg(moves="count", drift="mean")
    return table.reset_index()


def measure(committed_moves: Mapping[str, pd.DataFrame], tolerances: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Tolerances from the moves of harmless runs: ``GROUP + [moves, tolerance, how]``, then the drift in each run."""
    columns = {
        name: drifts(moved, tolerances).set_index([*GROUP, "moves"])["drift"] for name, moved in committed_moves.items()
    }
    return _with_tolerance(pd.DataFrame(columns), factor, MEASURED)


def bounded(table: pd.DataFrame, committed: pd.DataFrame, factor: float) -> pd.DataFrame:
    """The same where only the largest |move| of each cell and run was kept: their mean bounds the drift of a run.

    `table` is of `tolerance.measure`, `committed` are the committed seed scores.
    """
    seeds = committed.groupby(CELL, sort=False).size().rename("seeds").reset_index()
    cells = table.merge(seeds, on=CELL)
    runs = [name for name in table.columns if name not in (*CELL, "tolerance")]
    shares = cells[runs].div(cells["tolerance"], axis=0).mul(cells["seeds"], axis=0)
    keys = [cells[name] for name in GROUP]
    weights = shares.notna().mul(cells["seeds"], axis=0).groupby(keys, sort=False).sum()
    means = shares.groupby(keys, sort=False).sum() / weights.where(weights > 0)
    means["moves"] = cells["seeds"].groupby(keys, sort=False).sum()
    return _with_tolerance(means.set_index("moves", append=True), factor, BOUNDED)


def _with_tolerance(runs: pd.DataFrame, factor: float, how: str) -> pd.DataFrame:
    if runs.empty:
        return pd.DataFrame(columns=[*KEYS, "tolerance"])
    table = runs.dropna(axis=1, how="all")
    allowed = np.maximum(FLOOR, factor * table.abs().max(axis=1))
    return pd.concat([allowed.rename("tolerance"), table], axis=1).assign(how=how).reset_index()


def judge(moved: pd.DataFrame, tolerances: pd.DataFrame, allowed: pd.DataFrame) -> pd.DataFrame:
    """One line per group: ``GROUP``, `state` (this module's names), `moves`, `drift`, `tolerance`, `used`.

    `allowed` has ``GROUP + [moves, tolerance]``.
    """
    table = drifts(moved, tolerances)
    table = table.merge(allowed[[*GROUP, "moves", "tolerance"]], on=GROUP, how="left", suffixes=("", "_measured"))
    states = []
    for line in table.to_dict("records"):
        if math.isnan(line["tolerance"]):
            states.append(UNMEASURED)
        elif line["moves"] != line["moves_measured"]:
            states.append(PART)
        else:
            states.append(HELD if abs(line["drift"]) <= line["tolerance"] else DRIFTED)
    table["used"] = table["drift"].abs() / table["tolerance"]
    return table.assign(state=states)[[*GROUP, "state", "moves", "drift", "tolerance", "used"]]


def describe(line: Mapping[Any, Any]) -> str:
    """One line of `judge` in words.

    >>> describe({"model": "carefl", "variant": "reference", "query": "counterfactual", "moves": 30, "drift": -0.41,
    ...     "tolerance": 0.25, "state": "drifted"})
    'carefl (reference), counterfactual: 30 moves drifted by -41% of their tolerances, 25% allowed'
    """
    model = f"{line['model']} ({line['variant']})" if line["variant"] else line["model"]
    if line["state"] != DRIFTED:
        return f"{model}, {line['query']}: {WHY[line['state']]}"
    drifted, may = percent(line["drift"], sign=True), percent(line["tolerance"])
    return f"{model}, {line['query']}: {line['moves']} moves drifted by {drifted} of their tolerances, {may} allowed"
