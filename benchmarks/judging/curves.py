"""Published curves: a score over an option, compared by its shape. A CSV of points and, beside it, a TOML file.

The TOML has::

    kind = "curve"
    title = "…"                       # what it shows
    datasets = ["image/mnist*"]       # patterns of the data sets of ours that it stands beside
    x = "s"                           # the columns of the CSV
    y = "cld"
    model = "diff-scm"                # our model (in the registry), its option, and our score
    option = "scale"
    query = "counterfactual"
    metric = "cld"
    argmin = [0.5, 1.0]               # where our lowest point has to lie
    rank_correlation = 0.8            # least rank correlation of ours with theirs
    how = "…"                         # how the numbers were read
    notes = ["…"]
    [source]                          # as in published_file.py

**The rule.** Ours are compared at the values of the option that we ran within the range of the published curve, which
is drawn straight between its points. In this order: *undecided* below `LEAST` values; *reproduced* where our lowest
point lies within `argmin` and Spearman's rank correlation of both curves is at least `rank_correlation`; *not
reproduced* otherwise.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from .published import located, names
from .published_file import CURVE, PublishedError, citation, read_about
from .published_file import beside as beside_file

LEAST = 5
"""Values of the option below which two curves have no shape to compare."""

_NEEDED: dict[str, type] = {
    **dict.fromkeys(("x", "y", "model", "option", "query", "metric"), str),
    **{"datasets": list, "argmin": object, "rank_correlation": float},
}


@dataclass(frozen=True)
class Curve:
    """A published curve: `y` over `x`, ascending; what of ours it is compared with; and the rule's numbers."""

    name: str
    title: str
    x: Sequence[float]
    y: Sequence[float]
    datasets: Sequence[str]
    model: str
    option: str
    query: str
    metric: str
    argmin: tuple[float, float]
    rank_correlation: float
    source: Mapping[str, Any]
    how: str = ""
    notes: tuple[str, ...] = ()

    def cite(self) -> str:
        """Where it is from."""
        return citation(self.source)


@dataclass(frozen=True)
class CurveVerdict:
    """The rule's word for a curve of ours: `lowest` is the value of the option at its lowest point, `rho` the rank
    correlation with the published one over `n` values; NaN where there is none."""

    word: str
    lowest: float
    rho: float
    n: int


def judge(curve: Curve, x: Sequence[float], y: Sequence[float]) -> CurveVerdict:
    """The rule (this module's first lines) for our scores `y` at the values `x` of the option.

    Raises `ValueError` for lists of different lengths, and for a number that is not finite.
    """
    ours = np.array(sorted(zip(x, y, strict=True)), dtype=float).reshape(-1, 2)
    if not np.isfinite(ours).all():
        raise ValueError(f"a curve of {curve.metric} over {curve.option} has a number that is not finite")
    ours = ours[(ours[:, 0] >= curve.x[0]) & (ours[:, 0] <= curve.x[-1])]
    n = len(ours)
    lowest = float(ours[ours[:, 1].argmin(), 0]) if n else math.nan
    if n < LEAST:
        return CurveVerdict("undecided", lowest, math.nan, n)
    theirs = np.interp(ours[:, 0], curve.x, curve.y)
    varies = len(set(ours[:, 1])) > 1
    rho = float(stats.spearmanr(ours[:, 1], theirs).statistic) if varies else math.nan
    low, high = curve.argmin
    right = low <= lowest <= high and rho >= curve.rank_correlation  # false without a correlation
    return CurveVerdict("reproduced" if right else "not reproduced", lowest, rho, n)


def beside(dataset: str) -> list[Curve]:
    """The published curves that stand beside this data set."""
    return [c for c in map(load, names(CURVE)) if any(fnmatchcase(dataset, pattern) for pattern in c.datasets)]


def load(name: str | Path) -> Curve:
    """The curve called `name`, or that at a path to its TOML file.

    Raises `PublishedError` that names the file and the line or key that is wrong.
    """
    with located(name, "curve", CURVE) as path:
        return _load(path)


def _load(path: Path) -> Curve:
    about = read_about(path, _NEEDED, {}, kind=CURVE)
    limits, least = about["argmin"], about["rank_correlation"]
    numbers = isinstance(limits, list) and [type(x) for x in limits if isinstance(x, int | float)]
    if not numbers or len(limits) != 2 or len(numbers) != 2 or limits[0] > limits[1]:
        raise PublishedError(f"{path}: argmin must be two ascending numbers, found {limits!r}")
    if not -1 <= least <= 1:
        raise PublishedError(f"{path}: rank_correlation must be from -1 to 1, found {least!r}")
    x, y = _points(path, about["x"], about["y"])
    return Curve(
        name=path.stem,
        x=x,
        y=y,
        argmin=(float(limits[0]), float(limits[1])),
        how=" ".join(about.get("how", "").split()),
        notes=tuple(about.get("notes", ())),
        **{k: about[k] for k in ("title", "datasets", "model", "option", "query", "metric", "source")},
        rank_correlation=least,
    )


def _points(path: Path, x: str, y: str) -> tuple[list[float], list[float]]:
    reader, path = csv.DictReader(beside_file(path).splitlines()), path.with_suffix(".csv")
    if missing := [c for c in (x, y) if c not in (reader.fieldnames or [])]:
        raise PublishedError(f"{path}, line 1: missing column(s) {missing}; there are {reader.fieldnames or []}")
    points = []
    for row in reader:
        try:
            point = [float(row[column] or "") for column in (x, y)]
        except ValueError:
            raise PublishedError(f"{path}, line {reader.line_num}: {row[x]!r} or {row[y]!r} is no number") from None
        if not all(map(math.isfinite, point)) or (points and point[0] <= points[-1][0]):
            raise PublishedError(f"{path}, line {reader.line_num}: {point}: expected finite numbers, {x} ascending")
        points.append(point)
    if len(points) < 2:
        raise PublishedError(f"{path}: holds {len(points)} point(s); a curve has at least 2")
    return [p[0] for p in points], [p[1] for p in points]
