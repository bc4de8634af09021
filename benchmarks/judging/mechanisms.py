"""Fitted mechanisms, one a line: what is seen of their abduction beside their true error; laws, exceptions, a split.

From records of the protocol `theory` (`questions.theory`), for the page on the open questions of the DCM paper.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scmbench.datasets.seeds import generator

from .cells import named, text_columns
from .intervals import LEVEL

MECHANISM = ["dataset", "node", "model", "variant", "seed"]
"""What names a fitted mechanism."""

SEEN = ["hsic", "hsic_p", "reconstruction", "monotone_share"]
"""What is seen without the truth; NaN where a method does not show it."""

ERROR = "rmse"
"""The true counterfactual error under other parents, in standard deviations."""

LEAST = 1e-6
"""Where reconstruction errors begin to count, in standard deviations: an exact inverse has 10⁻¹⁶, by rounding alone."""

ALPHA, NEAR, ORDER, FAR = 0.05, 0.05, 0.99, 0.5
"""What passes: p above, reconstruction below, share above; and from which true error on that is a counterexample."""

DRAWS = 2000
"""Bootstrap samples of an interval."""


def mechanisms(rows: pd.DataFrame) -> pd.DataFrame:
    """A line a fitted mechanism: columns ``MECHANISM + SEEN + [ERROR]``, from scores in long form.

    Lines without a true error are left out. Raises `ValueError` for a missing column.
    """
    needed = [*MECHANISM, "metric", "score"]
    if missing := [c for c in needed if c not in rows.columns and c != "variant"]:
        raise ValueError(f"rows lack the column(s) {missing}; there are {list(rows.columns)}")
    rows = text_columns(rows, ["dataset", "node", "model", "variant", "metric"])
    wide = rows[rows["metric"].isin([*SEEN, ERROR])].pivot_table(index=MECHANISM, columns="metric", values="score")
    wide = wide.reindex(columns=[*SEEN, ERROR]).reset_index()
    return wide[np.isfinite(wide[ERROR].to_numpy(dtype=float))].reset_index(drop=True)


def passes(lines: pd.DataFrame) -> pd.Series:
    """Whether all that is seen of a mechanism is as Theorem 1 assumes; false where a part is not shown."""
    return (lines["hsic_p"] > ALPHA) & (lines["reconstruction"] < NEAR) & (lines["monotone_share"] > ORDER)


def counterexamples(lines: pd.DataFrame) -> pd.DataFrame:
    """Mechanisms that pass and are wrong all the same, at how many seeds, and their median error; the worst first."""
    found = lines[passes(lines) & (lines[ERROR] > FAR)]
    grouped = found.groupby(MECHANISM[:-1])[ERROR].agg(seeds="count", error="median")
    return grouped.reset_index().sort_values("error", ascending=False, ignore_index=True)


def law(lines: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """``log error = a + b log HSIC + c log(reconstruction)`` by least squares: b and c with 95 % intervals.

    Reconstruction errors below `LEAST` count as that. Intervals are percentiles of a bootstrap that draws worlds, not
    lines: methods and seeds on one world share what is hard about it.

    Returns:
        Lines ``hsic`` and ``reconstruction``, columns ``slope, low, high, n, worlds``; slopes are NaN where a term does
        not vary or there are fewer lines than three.
    """
    worlds, where = np.unique(_shown(lines)["dataset"].to_numpy(dtype=str), return_inverse=True)
    terms, y = _logs(lines)
    slopes, drawn = _slopes(terms, y), np.full((DRAWS, 2), math.nan)
    if len(worlds) > 1:
        picks = torch.randint(len(worlds), (DRAWS, len(worlds)), generator=generator(seed, "worlds")).numpy()
        members = [np.flatnonzero(where == k) for k in range(len(worlds))]
        for i, pick in enumerate(picks):
            chosen = np.concatenate([members[k] for k in pick])
            drawn[i] = _slopes(terms[chosen], y[chosen])
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    ends = [np.quantile(d[np.isfinite(d)], tails) if np.isfinite(d).any() else [math.nan] * 2 for d in drawn.T]
    table = [[slope, *end, len(y), len(worlds)] for slope, end in zip(slopes, ends, strict=True)]
    return pd.DataFrame(table, index=["hsic", "reconstruction"], columns=["slope", "low", "high", "n", "worlds"])


def explained(lines: pd.DataFrame) -> float:
    """The share of the variance of the log error that both terms explain together, by the least squares of `law`.

    NaN for fewer lines than three, or an error that does not vary.
    """
    terms, y = _logs(lines)
    if len(y) < 3 or np.ptp(y) == 0:
        return math.nan
    slopes = np.nan_to_num(_slopes(terms, y))
    rest = y - terms @ slopes
    return 1 - float(rest.var() / y.var())


def _logs(lines: pd.DataFrame) -> tuple[NDArray, NDArray]:
    """Both terms ``(n, 2)`` and the error ``(n,)`` in logs, of lines that show all three."""
    told = _shown(lines)
    terms = np.log(np.stack([told["hsic"], told["reconstruction"].clip(lower=LEAST)], 1).astype(float))
    return terms, np.log(told[ERROR].to_numpy(dtype=float))


def _shown(lines: pd.DataFrame) -> pd.DataFrame:
    told = lines.dropna(subset=["hsic", "reconstruction", ERROR])
    return told[(told["hsic"] > 0) & (told[ERROR] > 0)]


def _slopes(terms: NDArray, y: NDArray) -> NDArray:
    """Slopes ``(2,)`` of ``y (n,)`` in ``terms (n, 2)``; NaN for terms that do not vary."""
    slopes = np.full(2, math.nan)
    varies = np.ptp(terms, axis=0) > 1e-9 if len(y) > 2 else np.zeros(2, dtype=bool)
    if varies.any():
        design = np.column_stack([np.ones(len(y)), terms[:, varies]])
        slopes[varies] = np.linalg.lstsq(design, y, rcond=None)[0][1:]
    return slopes


def split(lines: pd.DataFrame, provenance: pd.DataFrame | None = None) -> pd.DataFrame:
    """The mean squared error of every method on every world in three parts, means over nodes and seeds.

    ``total = unavoidable + price + estimation``: what the factual row does not tell (`posterior`), what assuming that
    mechanisms rise costs (`monotone` minus `posterior`), and the rest, which may be negative where a method profits
    from not being monotone. `share` is ``unavoidable / total``. Worlds without both ceilings are left out, and so are
    these and the oracle, whose errors are given.
    """
    squares = lines.assign(total=lines[ERROR] ** 2).groupby(["dataset", "model", "variant"])["total"].mean()
    ceilings = {name: named(provenance, name) for name in ("posterior", "monotone", "oracle")}
    given = set().union(*ceilings.values())
    told = []
    for dataset, part in squares.groupby(level="dataset"):
        own = {(m, v): float(x) for (_, m, v), x in part.items()}  # type: ignore[misc]
        least, best = (next((own[m] for m in own if m in ceilings[name]), None) for name in ("posterior", "monotone"))
        if least is None or best is None:
            continue
        for (model, variant), total in own.items():
            if (model, variant) in given:
                continue
            parts = [least, best - least, total - best, total]
            told.append([dataset, model, variant, *parts, least / total if total > 0 else math.nan])
    columns = ["dataset", "model", "variant", "unavoidable", "price", "estimation", "total", "share"]
    return pd.DataFrame(told, columns=columns)
