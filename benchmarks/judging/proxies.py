"""Do proxies agree with the truth? Rank correlation over methods, and which method each proxy would have chosen."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

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


def asks_no_truth(metric: str) -> bool:
    """Whether a floor may win a score without merit: proxies, axioms, and leaks, of which the factual image has none.

    >>> asks_no_truth("cld"), asks_no_truth("composition_10"), asks_no_truth("cf_relative")
    (True, True, False)
    """
    return metric in PROXIES or metric.startswith(("composition_", "reversibility", "leak_"))


LEAST = 4
"""Methods below which a rank correlation has no interval."""

QUESTIONS = ("counterfactual", "composition", "interventional")
"""Where a proxy is scored under several questions, the first of these counts."""

Pairs = Mapping[str, pd.DataFrame]
"""Proxy to a row a method, with the true error in the column `TRUTH` and the proxy's score in its own."""


def pairs(rows: pd.DataFrame, dataset: str, *, without: Collection[Method] = ()) -> Pairs:
    """Every proxy beside the true error of the same interventions, median over seeds: one row a method that has both.

    A proxy of ``do(digit)`` stands beside the error under ``do(digit)`` alone; one that is asked about no node, such as
    composition, beside that of all. `rows` are those of `Results`; `without` are methods to leave out, such as
    ceilings.
    """
    part = rows[(rows["dataset"] == dataset) & rows["metric"].isin([TRUTH, *PROXIES])]
    part = part[np.isfinite(part["score"].to_numpy(dtype=float))]
    part = part.assign(variant=part["variant"].fillna(""), node=part["node"].fillna(""))
    out = [method in without for method in zip(part["model"], part["variant"], strict=True)]
    part = part[~np.array(out, dtype=bool)]
    truth = part[(part["metric"] == TRUTH) & (part["query"] == QUESTIONS[0])]
    found = {}
    for proxy in PROXIES:
        own = part[part["metric"] == proxy]
        asked = min(own["query"], key=lambda q: QUESTIONS.index(q) if q in QUESTIONS else len(QUESTIONS), default="")
        own = own[own["query"] == asked]
        nodes = set(own["node"]) - {""}
        error = truth[truth["node"].isin(nodes)] if nodes else truth
        own = own[own["node"].isin(set(error["node"]))] if nodes else own
        both = pd.concat([_by_method(error).rename(TRUTH), _by_method(own).rename(proxy)], axis=1, join="inner")
        if len(both):
            found[proxy] = both
    return found


def _by_method(rows: pd.DataFrame) -> pd.Series:
    """Mean over nodes and values, then median over seeds: one number a method."""
    method = ["model", "variant"]
    nodes = rows.groupby([*method, "seed", "node"], sort=False)["score"].mean()
    seeds = nodes.groupby([*method, "seed"], sort=False).mean()
    return seeds.groupby(method, sort=False).median()


def agreement(found: Pairs) -> pd.DataFrame:
    """One line a proxy: its rank correlation with the truth over methods, and its choice.

    Columns: `proxy`; `rho`, Spearman's coefficient of the two errors (a proxy of which higher is better is turned
    round), its 95 % interval `low` and `high`, and `n`, the methods with both; `chosen`, the method that is best by the
    proxy, with its true error `chosen_error`; `best`, the truly best one, with `best_error`. The interval is Fisher's z
    with the variance 1.06 / (n - 3) of a rank correlation (Fieller, Hartley, Pearson, "Tests for rank correlation
    coefficients I", Biometrika 44, 1957); none below four methods or where one of the two never varies.
    """
    lines = []
    for proxy, both in found.items():
        truth, error = both[TRUTH], -both[proxy] if PROXIES[proxy] else both[proxy]
        varies = len(both) >= 2 and truth.nunique() > 1 and error.nunique() > 1
        rho = float(stats.spearmanr(truth, error).statistic) if varies else math.nan
        low, high = interval(rho, len(both))
        first, least = int(error.to_numpy().argmin()), int(truth.to_numpy().argmin())
        lines.append(
            {
                "proxy": proxy,
                **{"rho": rho, "low": low, "high": high, "n": len(both)},
                **{"chosen": both.index[first], "chosen_error": float(truth.iloc[first])},
                **{"best": both.index[least], "best_error": float(truth.iloc[least])},
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
