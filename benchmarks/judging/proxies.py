"""Do proxies agree with the truth? Rank correlation over methods, and which method each proxy would have chosen."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy import stats

from .intervals import LEVEL
from .methods import Method

TRUTH = "cf_relative"
"""The error against the true counterfactual image, in units of doing nothing."""

PROXIES = {
    "validity": True,
    "im1": False,
    "im1_median": False,
    "im2": False,
    "im2_median": False,
    "cld": False,
    "cld_weighted": False,
    "frechet64": False,
    "l1": False,
    "composition_1": False,
}
"""Scores that papers report where no truth is known, and whether higher is better."""

LEAST = 4
"""Methods below which a rank correlation has no interval."""

QUESTIONS = ("counterfactual", "composition", "interventional")
"""Where a proxy is scored under several questions, the first of these counts."""


def by_method(scores: pd.DataFrame, dataset: str, *, without: Collection[Method] = ()) -> pd.DataFrame:
    """Median over seeds of the truth's and the proxies' scores: a row a method, a column a metric.

    `scores` are those of `seed_scores`; `without` are methods to leave out, such as ceilings.
    """
    part = scores[(scores["dataset"] == dataset) & scores["metric"].isin([TRUTH, *PROXIES])]
    part = part[np.isfinite(part["score"].to_numpy(dtype=float))]
    out = [method in without for method in zip(part["model"], part["variant"], strict=True)]
    part = part[~np.array(out, dtype=bool)]
    order = {query: i for i, query in enumerate(QUESTIONS)}
    first = part["query"].map(lambda query: order.get(query, len(order)))
    part = part[first == first.groupby([part["model"], part["variant"], part["metric"]]).transform("min")]
    table = part.pivot_table(index=["model", "variant"], columns="metric", values="score", aggfunc="median", sort=False)
    return table.reindex(columns=[name for name in (TRUTH, *PROXIES) if name in table.columns])


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """One line a proxy: its rank correlation with the truth over the methods of `by_method`, and its choice.

    Columns: `proxy`; `rho`, Spearman's coefficient of the two errors (a proxy of which higher is better is turned
    round), its 95 % interval `low` and `high`, and `n`, the methods with both; `chosen`, the method that is best by the
    proxy, with its true error `chosen_error`; `best`, the truly best one, with `best_error`. The interval is Fisher's z
    with the variance 1.06 / (n - 3) of a rank correlation (Fieller, Hartley, Pearson, "Tests for rank correlation
    coefficients I", Biometrika 44, 1957); none below four methods or where one of the two never varies.
    """
    lines = []
    for proxy in [name for name in PROXIES if name in table.columns and TRUTH in table.columns]:
        both = table[[TRUTH, proxy]].dropna()
        if both.empty:
            continue
        truth, error = both[TRUTH], -both[proxy] if PROXIES[proxy] else both[proxy]
        varies = len(both) >= 2 and truth.nunique() > 1 and error.nunique() > 1
        rho = float(stats.spearmanr(truth, error).statistic) if varies else math.nan
        low, high = interval(rho, len(both))
        chosen, best = error.idxmin(), truth.idxmin()
        lines.append(
            {
                "proxy": proxy,
                **{"rho": rho, "low": low, "high": high, "n": len(both)},
                **{"chosen": chosen, "chosen_error": float(truth[chosen])},
                **{"best": best, "best_error": float(truth[best])},
            }
        )
    columns = ["proxy", "rho", "low", "high", "n", "chosen", "chosen_error", "best", "best_error"]
    return pd.DataFrame(lines, columns=columns)


def interval(rho: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rank correlation over n pairs; NaN where there is none.

    Two orders that agree in full have no finite z: their interval ends at 1, and begins where that of two neighbours
    exchanged would.

    >>> [round(x, 2) for x in interval(0.5, 20)], [round(x, 2) for x in interval(1, 5)]
    ([0.06, 0.78], [0.05, 1.0])
    """
    if n < LEAST or math.isnan(rho):
        return math.nan, math.nan
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(1.06 / (n - 3))
    most = 1 - 12 / (n * (n**2 - 1))
    z = math.atanh(min(max(rho, -most), most))
    low, high = math.tanh(z - half), math.tanh(z + half)
    return (-1.0 if rho < -most else low), (1.0 if rho > most else high)
