"""One run against another, or one method against another, paired by seed.

Runs of one seed share their training data and queries, so their scores move together; the log-ratio of the two scores
of a seed cancels what they share. Per cell: the mean of the log-ratios over the common seeds (its exponential is the
geometric mean of the ratios), its 95 % interval by Student's t, and the p-value of the same test, also adjusted over
all cells compared (Benjamini-Hochberg false discovery rate). Where fewer than two seeds are common, the comparison is
unpaired: Welch's interval of the difference of the two mean logarithms.

Below five common seeds (five on either side where unpaired) nothing is called lower or higher, whatever the interval.
A score that is not positive has no logarithm; `intervals.mean_test` says what stands for the mean there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .cells import CELL, QUESTION, Method
from .intervals import Estimate, mean_test

IDENTICAL, LOWER, HIGHER, UNCLEAR = "identical", "lower", "higher", "unclear"
FEW = "too few seeds"

LEAST = 5
"""Seeds below which nothing is marked: with fewer, five per cent of false marks cost nearly all true ones."""


def log_ratios(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """log(a / b) elementwise; equal scores give 0 and a pair with a score <= 0 gives ±∞ by its order."""
    ratio = np.zeros(len(a))
    usable = (a > 0) & (b > 0)
    ratio[usable] = np.log(a[usable] / b[usable])
    ratio[~usable & (a > b)] = np.inf
    ratio[~usable & (a < b)] = -np.inf
    return ratio


def compare_cell(a: Mapping[int, float], b: Mapping[int, float]) -> dict[str, object]:
    """Scores by seed, a against b: see this module's first lines for what is computed.

    Keys: `paired`, `n`, `n_a`, `n_b`, `log_ratio, low, high`, `a_lower` (seeds at which a scores lower), `p`, and
    `change`: ``identical``; ``too few seeds`` below `LEAST`; ``lower`` or ``higher`` where the interval leaves out 0;
    else ``unclear``.
    """
    common = sorted(set(a) & set(b))
    paired = len(common) >= 2
    out: dict[str, object] = {"paired": paired, "n": len(common), "n_a": len(a), "n_b": len(b)}
    if paired:
        d = log_ratios(np.array([a[s] for s in common]), np.array([b[s] for s in common]))
        r, low, high, p = mean_test(d)
        same, lower, enough = bool((d == 0).all()), int((d < 0).sum()), len(common) >= LEAST
    else:
        x, y = np.array(list(a.values())), np.array(list(b.values()))
        r, low, high = _unpaired(x, y)
        same, lower, p = common == sorted(a) == sorted(b) and bool((x == y).all()), 0, math.nan
        enough = min(len(x), len(y)) >= LEAST
    word = UNCLEAR if enough else FEW
    if same:
        word = IDENTICAL
    elif enough and not low <= 0 <= high:
        word = LOWER if high < 0 else HIGHER
    return {**out, "log_ratio": r, "low": low, "high": high, "a_lower": lower, "p": p, "change": word}


def _unpaired(x: NDArray, y: NDArray) -> tuple[float, float, float]:
    """Log-ratio of two unrelated samples with its interval; without logarithms, of their medians, and none."""
    if (x > 0).all() and (y > 0).all():
        one, other = Estimate.of_mean(np.log(x)), Estimate.of_mean(np.log(y))
        return one.value - other.value, *(one - other)
    medians = np.array([np.median(x)]), np.array([np.median(y)])
    return float(log_ratios(*medians)[0]), -math.inf, math.inf


def compare(a: pd.DataFrame, b: pd.DataFrame, on: Sequence[str] = tuple(CELL)) -> pd.DataFrame:
    """Seed scores `a` against `b`, cell by cell of the columns `on`; cells that only one side has say so in `change`.

    Columns: `on`, those of `compare_cell`, and `q`, the adjusted p-value.
    """
    on = list(on)
    sides = [
        {key: dict(zip(g["seed"], g["score"], strict=True)) for key, g in side.groupby(on, sort=False)}
        for side in (a[np.isfinite(a["score"].to_numpy(float))], b[np.isfinite(b["score"].to_numpy(float))])
    ]
    lines = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        first, second = (side.get(key) for side in sides)
        if first and second:
            found = compare_cell(first, second)
        else:
            found = {
                "n": 0,
                "n_a": len(first or ()),
                "n_b": len(second or ()),
                "change": "only a" if first else "only b",
            }
        lines.append({**dict(zip(on, key, strict=True)), **found})
    names = ["paired", "n", "n_a", "n_b", "log_ratio", "low", "high", "a_lower", "p", "change"]
    table = pd.DataFrame(lines, columns=[*on, *names])
    table["q"] = np.nan
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "q"] = stats.false_discovery_control(table.loc[tested, "p"].to_numpy(float))
    return table


def contrast(scores: pd.DataFrame, a: tuple[str, str], b: tuple[str, str]) -> pd.DataFrame:
    """Method `a` against method `b`, each a (model, variant), on every question that both answered.

    Raises `ValueError` for a method without scores.
    """

    def of(method: tuple[str, str]) -> pd.DataFrame:
        chosen = scores[(scores["model"] == method[0]) & (scores["variant"] == method[1])]
        if chosen.empty:
            there = sorted(set(scores[["model", "variant"]].itertuples(index=False, name=None)))
            raise ValueError(f"no scores of {method}; there are {there}")
        return chosen

    table = compare(of(a), of(b), on=QUESTION)
    return table[~table["change"].isin(["only a", "only b"])].reset_index(drop=True)


def relatives(scores: pd.DataFrame, base: Method, methods: Sequence[Method]) -> pd.DataFrame:
    """`contrast` of each of the `methods` with `base`, columns ``model, variant`` first.

    `base` itself and methods without scores are left out. Raises `ValueError` where `base` has no scores.
    """
    frames, scored = [], set(zip(scores["model"], scores["variant"], strict=True))
    for method in methods:
        if method in scored and method != base:
            compared = contrast(scores, method, base)
            compared.insert(0, "variant", method[1])
            compared.insert(0, "model", method[0])
            frames.append(compared)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["model", "variant", *QUESTION])
