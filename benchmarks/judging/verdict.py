"""Does a cell come out as published? The rule, its interval, and a verdict per cell.

With our scores of n seeds and a published box (q1, m, q3 of n' runs), r = log(our median / m). The draws
log(median of our scores resampled with replacement / m) + Normal(0, s), s = 1.2533 (log q3 - log q1) / (1.349 √n'),
are a bootstrap of our median convolved with the standard error of theirs (of a sample median under normal noise, its
standard deviation estimated from the quartiles); their 2.5 % and 97.5 % quantiles are the interval. In simulations
where both sides draw from one log-normal, theirs 10 runs, it contains 0 in 94 to 95 % of cases with 5 or 10 seeds of
ours, and in 90 % with 3.
Against a published mean and sd: the same on means, with s = sd / (mean √n').

In this order:

* **reproduced**: the interval contains 0, and |r| <= log 1.5
* **undecided**: it contains 0, and its half-width exceeds log 2
* **close**: |r| <= log 2
* **better** or **worse**: otherwise, by the sign of r (lower is better)

A single seed has no bootstrap: undecided. A score that is zero or negative (an exact answer; an unbiased distance
near zero) has the logarithm -∞, which the rule takes as it is. A published number that is zero or negative has no
ratio: the cell is *not comparable*. A cell without both numbers says what it lacks: *no published number*, *not run*,
*failed*, *unsupported*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .cells import CELL, FLOORS, QUESTION, cells
from .published import Published

JUDGED = ["reproduced", "close", "undecided", "better", "worse"]
"""Words of the rule."""

UNPUBLISHED = "no published number"
INCOMPARABLE = "not comparable"
DRAWS = 20_000
_SEED = 20_230_427  # every cell uses this one stream, so that its verdict does not depend on which others are judged


def log(x: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithm with log(x) = -∞ for every x <= 0."""
    x = np.asarray(x, dtype=float)
    return np.log(x, out=np.full(x.shape, -np.inf), where=x > 0)


def bootstrap(scores: ArrayLike, statistic: Callable[..., Any] = np.median, *, draws: int = DRAWS) -> NDArray:
    """`statistic` of `draws` resamples with replacement; `scores` is ``(n,)``, the result ``(draws,)``."""
    x = np.asarray(scores, dtype=float)
    return statistic(x[_resamples(len(x), draws)], axis=1)


@lru_cache(maxsize=8)
def _resamples(n: int, draws: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, n, (draws, n))


def percentiles(draws: NDArray) -> tuple[float, float]:
    """The 95 % percentile interval of `draws`, infinite ones included."""
    low, high = np.quantile(draws, [0.025, 0.975], method="nearest")
    return float(low), float(high)


def standard_error(theirs: Mapping[str, Any]) -> float:
    """Standard error of the logarithm of a published median, or mean, from its quartiles, or sd, and n.

    Where the first quartile is not positive, (q3 - q1) / median stands for log q3 - log q1.
    """
    root = math.sqrt(theirs["n"])
    if theirs["form"] == "moments":
        return theirs["sd"] / (theirs["mean"] * root)
    spread = (theirs["q3"] - theirs["q1"]) / theirs["median"]
    if theirs["q1"] > 0:
        spread = math.log(theirs["q3"] / theirs["q1"])
    return 1.2533 * spread / 1.349 / root


def interval(scores: ArrayLike, theirs: Mapping[str, Any]) -> tuple[float, float, float]:
    """``(r, low, high)``: the log-ratio of ours to theirs and its 95 % interval (this module's first lines).

    `theirs` is a row of `Published.cells`: ``form, n`` and ``q1, median, q3`` or ``mean, sd``. With one score the
    interval is the whole line. Raises `ValueError` where the published number is not positive.
    """
    moments = theirs["form"] == "moments"
    statistic, centre = (np.mean, theirs["mean"]) if moments else (np.median, theirs["median"])
    if not centre > 0:
        raise ValueError(f"the published {'mean' if moments else 'median'} {centre} is not positive: it has no ratio")
    x = np.asarray(scores, dtype=float)
    r = float(log(statistic(x)) - math.log(centre))
    if len(x) < 2:
        return r, -math.inf, math.inf
    noise = np.random.default_rng(_SEED + 1).standard_normal(DRAWS)
    return r, *percentiles(log(bootstrap(x, statistic)) - math.log(centre) + standard_error(theirs) * noise)


def judge(r: float, low: float, high: float, *, seeds: int = 2) -> str:
    """The rule's word for a log-ratio and its interval."""
    covers = low <= 0 <= high
    if covers and seeds < 2:
        return "undecided"
    if covers and abs(r) <= math.log(1.5):
        return "reproduced"
    if covers and (high - low) / 2 > math.log(2):
        return "undecided"
    if abs(r) <= math.log(2):
        return "close"
    return "better" if r < 0 else "worse"


def verdicts(scores: pd.DataFrame, published: Published, provenance: pd.DataFrame | None = None) -> pd.DataFrame:
    """One line per published cell, then per cell of ours without a published number (floors excepted).

    `scores` are those of `seed_scores`. Columns: ``CELL``; `verdict`; `form`, `statistic` (median or mean, what is
    compared); `ours, ours_q1, ours_q3, ours_mean, ours_sd, n`, `missing` (seeds without a score);
    `theirs, theirs_q1, theirs_q3, theirs_sd, theirs_n`; `log_ratio, low, high`; `oracle` and `posterior`: the median
    scores of these two on the same question (what sampling alone costs; for counterfactuals the least error that the
    factual row allows); `order_agrees` and `tau`: whether the methods of this question stand in the published order,
    and Kendall's tau of the two orders (missing with fewer than two methods).
    """
    found = cells(scores, provenance, also=published.cells)
    both = found.merge(published.cells, on=CELL, how="left", suffixes=("", "_theirs"))
    both["form"] = both["form"].fillna("").astype(str)
    both = both[(both["form"] != "") | ~both["model"].isin(FLOORS)]
    finite = scores[np.isfinite(scores["score"].to_numpy(dtype=float))]
    by_cell: dict[Any, NDArray] = {
        key: group["score"].to_numpy(dtype=float) for key, group in finite.groupby(CELL, sort=False)
    }
    table = pd.DataFrame([_line(row, by_cell.get(tuple(row[c] for c in CELL))) for row in both.to_dict("records")])
    for floor in ("oracle", "posterior"):
        medians = found[found["model"] == floor].drop_duplicates(QUESTION).rename(columns={"median": floor})
        table = table.merge(medians[[*QUESTION, floor]], on=QUESTION, how="left")
    return table.merge(_orders(table), on=QUESTION, how="left")


def _line(row: dict[Any, Any], scores: NDArray | None) -> dict[str, Any]:
    statistic = "mean" if row["form"] == "moments" else "median"
    theirs = {"form": row["form"], **{k: row[f"{k}_theirs"] for k in ("n", "q1", "median", "q3", "mean", "sd")}}
    r = low = high = math.nan
    if not row["form"]:
        verdict = UNPUBLISHED if scores is not None else row["state"]
    elif scores is None:
        verdict = row["state"]
    elif not theirs[statistic] > 0:
        verdict = INCOMPARABLE
    else:
        r, low, high = interval(scores, theirs)
        verdict = judge(r, low, high, seeds=len(scores))
    ours = {"ours": row[statistic], **{f"ours_{k}": row[k] for k in ("q1", "q3", "mean", "sd")}}
    published = {"theirs": theirs[statistic], **{f"theirs_{k}": theirs[k] for k in ("q1", "q3", "sd", "n")}}
    return {
        **{name: row[name] for name in CELL},
        "verdict": verdict,
        "form": row["form"],
        "statistic": statistic,
        **ours,
        "n": row["n"],
        "missing": row["missing"],
        **published,
        "log_ratio": r,
        "low": low,
        "high": high,
    }


def _orders(table: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for question, group in table.groupby(QUESTION, sort=False):
        group = group.loc[(group["n"] > 0) & (group["form"] != "")]
        agrees, tau = None, math.nan
        if len(group) >= 2:
            ours, theirs = group["ours"].to_numpy(), group["theirs"].to_numpy()
            agrees = bool((np.argsort(ours, kind="stable") == np.argsort(theirs, kind="stable")).all())
            tau = float(stats.kendalltau(ours, theirs).statistic)
        lines.append([*question, agrees, tau])
    return pd.DataFrame(lines, columns=[*QUESTION, "order_agrees", "tau"])


def counts(table: pd.DataFrame, by: Sequence[str] = ("model", "variant", "query")) -> pd.DataFrame:
    """How many published cells have each verdict, by the columns `by`: the rule's words, then the states that occur."""
    table = table[table["form"] != ""]
    words = [*JUDGED, *sorted(set(table["verdict"]) - set(JUDGED))]
    one = table.assign(one=1).pivot_table(index=list(by), columns="verdict", values="one", aggfunc="sum", sort=False)
    return one.reindex(columns=words).fillna(0).astype(int).rename_axis(columns=None).reset_index()


def floor_shares(table: pd.DataFrame, metric: str = "mmd") -> pd.DataFrame:
    """How much of each distance is sampling alone: `ours_share` = oracle / ours, `theirs_share` = oracle / theirs.

    A biased distance between two samples of the same distribution is not zero; a share near 1 is a cell in which
    methods cannot be told apart.
    """
    part = table[table["metric"] == metric]
    part = part[[*CELL, "oracle", "ours", "theirs"]].copy()
    part["ours_share"] = part["oracle"] / part["ours"]
    part["theirs_share"] = part["oracle"] / part["theirs"]
    return part.reset_index(drop=True)


def as_json(table: pd.DataFrame, published: Published) -> dict[str, Any]:
    """Verdicts as plain JSON values: source, counts, and cells; numbers that are missing or infinite become null."""

    def plain(x: Any) -> Any:
        if isinstance(x, np.generic):
            x = x.item()
        return None if (isinstance(x, float) and not math.isfinite(x)) or x is pd.NaT else x

    records = [{k: plain(v) for k, v in row.items()} for row in table.to_dict("records")]
    return {
        "published": published.name,
        "source": published.cite(),
        "protocol": published.protocol,
        "counts": {str(k): int(v) for k, v in table.loc[table["form"] != "", "verdict"].value_counts().items()},
        "cells": records,
    }
