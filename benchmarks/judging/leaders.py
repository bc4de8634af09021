"""Who leads a row of a table: the best method together with all that the data cannot tell from it; floors that win."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from .cells import QUESTION, Method, Question
from .intervals import MEDIAN, Estimate
from .methods import FLOOR, METHOD
from .paired import FEW, HIGHER, LEAST, LOWER, compare_cell
from .rule import spread, standard_error

Roles = Mapping[Method, str]
"""What the records of methods say they are (`cells.roles`); one that is not named competes."""

Row = tuple[str, str, str]
"""(dataset, query, metric)"""


def leaders(
    scores: pd.DataFrame, higher: Collection[Question] = (), roles: Roles = MappingProxyType({})
) -> dict[Row, set[Method]]:
    """By row, the method with the best median and every method that its seeds cannot tell from it, floors aside.

    `scores` are of `seed_scores`; `higher` are the questions of which higher scores are better. A row in which the best
    is alone, or shares fewer than five seeds with another method, has no leaders: nothing was compared that could be
    marked. Two methods are told apart by `paired.compare_cell`.
    """
    finite = scores[np.isfinite(scores["score"].to_numpy(dtype=float))]
    found: dict[Row, set[Method]] = {}
    for key, group in finite.groupby(QUESTION, sort=False):
        dataset, query, metric = map(str, key)
        by_method: dict[Method, dict[int, float]] = {
            (str(model), str(variant)): dict(zip(part["seed"], part["score"], strict=True))
            for (model, variant), part in group.groupby(["model", "variant"], sort=False)
            if roles.get((str(model), str(variant)), METHOD) == METHOD
        }
        found[dataset, query, metric] = _leaders(by_method, worse=LOWER if (query, metric) in higher else HIGHER)
    return found


def _leaders(by_method: Mapping[Method, Mapping[int, float]], worse: str) -> set[Method]:
    if len(by_method) < 2:
        return set()
    sign = -1 if worse == LOWER else 1
    best = min(by_method, key=lambda m: sign * float(np.median(list(by_method[m].values()))))
    changes = {m: compare_cell(own, by_method[best])["change"] for m, own in by_method.items() if m != best}
    if FEW in changes.values():
        return set()
    return {best, *(m for m, change in changes.items() if change != worse)}


def published_leaders(lines: Mapping[Method, Mapping[Any, Any]], *, higher: bool = False) -> set[Method]:
    """The same among published cells of one row: Welch's interval of the difference, from their spread and n.

    Logarithms are compared where all numbers are positive, plain numbers otherwise. Nobody leads where one method
    stands alone, or where one rests on fewer than five runs.
    """
    if len(lines) < 2 or min(line["n"] for line in lines.values()) < LEAST:
        return set()
    centres = {m: float(line["mean" if line["form"] == "moments" else "median"]) for m, line in lines.items()}
    positive = min(centres.values()) > 0

    def estimate(method: Method) -> Estimate:
        line, centre = lines[method], centres[method]
        if positive:
            return Estimate(math.log(centre), standard_error(line), line["n"] - 1)
        factor = 1.0 if line["form"] == "moments" else MEDIAN
        return Estimate(centre, factor * spread(line) / math.sqrt(line["n"]), line["n"] - 1)

    sign = -1 if higher else 1
    best = min(centres, key=lambda m: sign * centres[m])
    told = {m: estimate(m) - estimate(best) for m in lines if m != best}
    return {best, *(m for m, (low, high) in told.items() if low <= 0 <= high)}


def beaten(medians: Mapping[Method, float], roles: Roles, *, higher: bool = False) -> dict[Method, list[Method]]:
    """By floor (`marginal`, `identity`, …; ceilings know the truth): the methods whose median is worse than its own."""
    sign = -1 if higher else 1
    real = [m for m in medians if roles.get(m, METHOD) == METHOD]
    found = {
        floor: [m for m in real if sign * medians[m] > sign * medians[floor]]
        for floor in medians
        if roles.get(floor) == FLOOR
    }
    return {floor: methods for floor, methods in found.items() if methods}
