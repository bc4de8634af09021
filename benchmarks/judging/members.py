"""Problems with members, such as patients, whose rows are a time series: intervals that respect both.

Rows of one series depend on each other, so they are resampled in blocks of successive rows; members are resampled as
wholes. Two methods are compared on the same draws of rows and members, which cancels what they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .cells import Method, in_order, text_columns
from .intervals import Estimate as Mean

BLOCK, DRAWS = 10, 1000
"""Rows a block (half a minute of fMRI volumes), and how many draws an interval rests on."""

_SEED = 20_200_514  # one stream for all methods, so that their draws of rows are the same


@dataclass(frozen=True)
class Estimate:
    """A mean over members of the median over rows, with its uncertainty.

    `se` is the standard error over members (sample standard deviation of their scores / √members). `rows` is the 95 %
    interval from resampling blocks of rows within the given members: how sure are we about these members? (NaN where a
    member has one row only, as in a committed run.) `both` resamples members too: what about others of their kind?
    Where there are no rows to resample it is Student's t interval over the members, honest for few of them.
    """

    mean: float
    se: float
    rows: tuple[float, float]
    both: tuple[float, float]
    members: int


def series(rows: pd.DataFrame) -> dict[Method, dict[str, NDArray]]:
    """Errors by method and member, ``(seeds, rows)`` each, in the order of `rows` (one dataset, query and metric).

    Raises `ValueError` where the rows of a member differ in number between seeds or methods, and where there is more
    than one question.
    """
    rows = text_columns(rows, ["model", "variant", "member"])
    if len(rows[["dataset", "query", "metric"]].drop_duplicates()) > 1:
        raise ValueError("errors of one question at a time: choose one dataset, query and metric")
    found: dict[Method, dict[str, NDArray]] = {}
    for key, group in rows.groupby(["model", "variant", "member"], sort=False):
        model, variant, member = map(str, key)
        by_seed = [part["score"].to_numpy(dtype=float) for _, part in group.groupby("seed", sort=True)]
        if len({len(part) for part in by_seed}) > 1:
            raise ValueError(f"{model}: the rows of {member} differ in number between seeds")
        found.setdefault((model, variant), {})[member] = np.stack(by_seed)
    lengths = {(member, e.shape[1]) for errors in found.values() for member, e in errors.items()}
    if len(lengths) > len({member for member, _ in lengths}):
        raise ValueError("the rows of a member differ in number between methods")
    return found


def member_scores(rows: pd.DataFrame) -> pd.DataFrame:
    """The median over rows of each member, averaged over seeds: a line a member, a column a method."""
    found = series(rows)
    columns = {method: {member: _median(e) for member, e in errors.items()} for method, errors in found.items()}
    table = pd.DataFrame(columns)
    return table.loc[in_order(table.index)]


def estimate(errors: Mapping[str, NDArray], *, block: int = BLOCK, draws: int = DRAWS) -> Estimate:
    """One method's `Estimate` from its errors by member."""
    drawn = np.stack([_resampled(e, m, block, draws) for m, e in errors.items()])
    return _estimate(np.array([_median(e) for e in errors.values()]), drawn, _longest(errors))


def difference(
    a: Mapping[str, NDArray], b: Mapping[str, NDArray], *, block: int = BLOCK, draws: int = DRAWS
) -> Estimate:
    """The `Estimate` of method a minus method b, on the same draws of rows and members. Raises `ValueError` where their
    members differ.
    """
    if set(a) != set(b):
        raise ValueError(f"the methods have different members: {sorted(set(a) ^ set(b))}")
    scores = np.array([_median(a[m]) - _median(b[m]) for m in a])
    drawn = [_resampled(a[m], m, block, draws) - _resampled(b[m], m, block, draws) for m in a]
    return _estimate(scores, np.stack(drawn), _longest(a))


def _estimate(scores: NDArray, drawn: NDArray, longest: int) -> Estimate:
    """From the members' scores ``(members,)``, their draws ``(members, draws)``, and the longest series."""
    count, draws = drawn.shape
    chosen = np.random.default_rng(_SEED).integers(0, count, (count, draws))
    both = np.take_along_axis(drawn, chosen, axis=0).mean(0)
    se = float(scores.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    rows = _interval(drawn.mean(0)) if longest > 1 else (float("nan"), float("nan"))
    others = _interval(both) if longest > 1 else Mean.of_mean(scores).interval()
    return Estimate(float(scores.mean()), se, rows, others, count)


def _longest(errors: Mapping[str, NDArray]) -> int:
    return max(e.shape[1] for e in errors.values())


def _median(errors: NDArray) -> float:
    return float(np.median(errors, axis=1).mean())


def _resampled(errors: NDArray, member: str, block: int, draws: int) -> NDArray:
    """Medians ``(draws,)`` of resampled blocks (circular, so that every row is as likely), averaged over seeds."""
    n = errors.shape[1]
    stream = np.random.default_rng([_SEED, *member.encode()])
    starts = stream.integers(0, n, (draws, -(-n // block)))
    index = ((starts[:, :, None] + np.arange(min(block, n))) % n).reshape(draws, -1)[:, :n]
    return np.mean([np.median(e[index], axis=1) for e in errors], axis=0)


def _interval(draws: NDArray) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
