"""The tables of open questions, from committed runs of the suites that `MADE` names.

``python docs/catalogue.py`` writes them. Where there is no such run, a table is the sentence that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from queries import run
from scmbench.benchmarks.judging.cells import Method, text_columns
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.reporting.render import DASH, number
from scmbench.datasets.confounded import STRENGTHS
from scmbench.datasets.proxies import STRENGTHS as WITH_PROXIES
from shown import not_run, plain, table, there, write

OUT = Path(__file__).parent / "numbers" / "questions" / "tables"
CHANGES = ("dropped", "added", "reversed", "hidden")
MISSPECIFIED = re.compile(r"misspecified/(\w+)/(.+)")
DEPTHS = (1, 2, 3, 4)


def main() -> None:
    """Write the table of every question."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: that of the suite."""
    return {name: made(run(name).rows) if there(name) else not_run(name) for name, made in MADE.items()}


def by_seed(rows: pd.DataFrame, query: str, metric: str) -> pd.Series:
    """Scores by (dataset, model, variant, seed): the mean over all nodes that were set."""
    part = text_columns(rows, ["dataset", "model", "variant", "query", "metric"])
    part = part[(part["query"] == query) & (part["metric"] == metric)]
    return part.groupby(["dataset", "model", "variant", "seed"], sort=False)["score"].mean().dropna()


def geometric(values: pd.Series) -> float:
    """The geometric mean of numbers above 0; NaN without any."""
    return float(np.exp(np.log(values[values > 0]).mean())) if (values > 0).any() else float("nan")


def ratio(a: pd.Series, b: pd.Series) -> tuple[float, float, float]:
    """a over b, paired by their indices, and a 95 % interval from a bootstrap of pairs; NaN without a pair."""
    pairs = np.log((a / b).replace([0, np.inf], np.nan).dropna().to_numpy(dtype=float))
    if not len(pairs):
        return float("nan"), float("nan"), float("nan")
    draws = np.random.default_rng(0).choice(pairs, (2000, len(pairs))).mean(1)
    low, high = np.exp(np.quantile(draws, [0.025, 0.975]))
    return float(np.exp(pairs.mean())), float(low), float(high)


def over(a: pd.Series, b: pd.Series) -> str:
    """``1.07 [1.01, 1.13]``: `ratio` in words."""
    middle, low, high = ratio(a, b)
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]" if np.isfinite(middle) else DASH


def inversion(rows: pd.DataFrame) -> str:
    """A line a world and number of steps: the counterfactual error by DDIM inversion, and what others are to it."""
    errors = by_seed(rows, "counterfactual", "mse_first")
    told = []
    for dataset in dict.fromkeys(errors.index.get_level_values("dataset")):
        by_label = {m: x.droplevel("model") for m, x in _one(errors, dataset).groupby(level="model", sort=False)}
        steps = [int(label.partition("T=")[2]) for label in by_label if label.startswith("ddim T=")]
        for t in sorted(steps):
            ddim = by_label[f"ddim T={t}"]
            beside = [over(by_label[f"{name} T={t}"], ddim) for name in ("implicit", "belm")]
            told.append([plain(dataset), str(t), number(100 * float(ddim.median())), *beside])
    head = ["world", "T", "DDIM inversion, MSE (×10⁻²)", "exact / DDIM", "BELM / DDIM"]
    return table(head, told)


def depth(rows: pd.DataFrame) -> str:
    """A line a world and method: the error of counterfactual rows, over all descendants and by distance."""
    metrics = ["rmse", *(f"rmse_depth{k}" for k in DEPTHS)]
    scores = {metric: by_seed(rows, "counterfactual", metric) for metric in metrics}
    effect, told = by_seed(rows, "interventional", "energy"), []
    for dataset, method in _methods(scores["rmse"]):
        middle = [_median(scores[metric], dataset, method) for metric in metrics]
        shown = [number(x) if np.isfinite(x) else DASH for x in (*middle, _median(effect, dataset, method))]
        told.append([plain(dataset), plain(title(*method)), *shown])
    head = ["world", "method", "rows, RMSE", *(f"at distance {k}" for k in DEPTHS), "under do, energy"]
    return table(head, told, left=2)


def confounding(rows: pd.DataFrame) -> str:
    """A line a method, with and without what closes the back door; a column a strength of confounding."""
    told = []
    for query, metric, words in (
        ("interventional", "mean_effect", "mean effect"),
        ("counterfactual", "rmse", "rows, RMSE"),
    ):
        scores = by_seed(rows, query, metric)
        for method in dict.fromkeys(one for _, one in _methods(scores)):
            for kind, named in (("closed", "yes"), ("open", "no")):
                middle = [_median(scores, f"confounded/{kind}-{s}", method) for s in STRENGTHS]
                shown = [number(x) if np.isfinite(x) else DASH for x in middle]
                told.append([words, plain(title(*method)), named, *shown])
    return table(["error", "method", "adjusted", *(f"strength {s}" for s in STRENGTHS)], told, left=3)


def proxies(rows: pd.DataFrame) -> str:
    """A line a method; a column a strength of confounding, in worlds that have two proxies of the hidden cause."""
    told = []
    for query, metric, words in (
        ("interventional", "mean_effect", "mean effect"),
        ("interventional", "energy", "under do, energy"),
        ("counterfactual", "rmse", "rows, RMSE"),
    ):
        scores = by_seed(rows, query, metric)
        for method in dict.fromkeys(one for _, one in _methods(scores)):
            middle = [_median(scores, f"proxies/{s}", method) for s in WITH_PROXIES]
            shown = [number(x) if np.isfinite(x) else DASH for x in middle]
            told.append([words, plain(title(*method)), *shown])
    return table(["error", "method", *(f"strength {s}" for s in WITH_PROXIES)], told, left=2)


def wrong(rows: pd.DataFrame) -> str:
    """A line a method: its errors under the right graph, and by what factor each change makes them worse."""
    told = []
    for query, metric, words in (
        ("counterfactual", "rmse", "rows, RMSE"),
        ("interventional", "energy", "under do, energy"),
    ):
        by_change = _by_change(rows, query, metric)
        for who in dict.fromkeys(by_change[""].index.droplevel(["world", "seed", "node"])):
            mine = _of(by_change, "", who)
            if not (mine > 0).any():
                continue  # the oracle's counterfactuals have no error to multiply
            factors = [over(*_asked_of_both(by_change, who, change)) for change in CHANGES]
            told.append([words, plain(title(*who)), number(geometric(mine)), *factors])
    return table(["error", "method", "right graph", *CHANGES], told, left=2)


def intervals(rows: pd.DataFrame) -> str:
    """A line a world and method: how often intervals hold the truth, their width and their score."""
    scores = {metric: by_seed(rows, "interval", metric) for metric in ("coverage", "width", "interval_score")}
    told = []
    for dataset, method in _methods(scores["coverage"]):
        coverage, width, score = (_median(each, dataset, method) for each in scores.values())
        told.append([plain(dataset), plain(title(*method)), f"{100 * coverage:.0f} %", number(width), number(score)])
    return table(["world", "method", "truth inside", "width", "interval score"], told, left=2)


def factor(rows: pd.DataFrame, who: Method, change: str, query: str, metric: str) -> tuple[float, float, float]:
    """By what factor a change makes a method's error worse, with its interval."""
    return ratio(*_asked_of_both(_by_change(rows, query, metric), who, change))


def _by_change(rows: pd.DataFrame, query: str, metric: str) -> dict[str, pd.Series]:
    """Scores by change, empty for the right graph, each by world, method, seed and node."""
    part = rows[(rows["query"] == query) & (rows["metric"] == metric)]
    part = text_columns(part, ["dataset", "model", "variant", "node"])
    split = [MISSPECIFIED.fullmatch(name) for name in part["dataset"]]
    part = part.assign(
        change=[found[1] if found else "" for found in split],
        world=[found[2] if found else name for found, name in zip(split, part["dataset"], strict=True)],
    )
    keys = ["world", "model", "variant", "seed", "node"]
    none = pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[]] * 5, names=keys))
    return {"": none} | {str(c): x.set_index(keys)["score"] for c, x in part.groupby("change")}


def _of(by_change: dict[str, pd.Series], change: str, who: Method) -> pd.Series:
    """A method's scores under a change, by world, seed and node; none where it was not asked."""
    scores = by_change.get(change, by_change[""][:0])
    index = scores.index
    mine = (index.get_level_values("model") == who[0]) & (index.get_level_values("variant") == who[1])
    return scores[mine].droplevel(["model", "variant"])


def _asked_of_both(by_change: dict[str, pd.Series], who: Method, change: str) -> tuple[pd.Series, pd.Series]:
    """A method's scores under a change and under the right graph, of what is asked under both."""
    wrong, right = _of(by_change, change, who), _of(by_change, "", who)
    joint = right.index.intersection(wrong.index)
    return _of_worlds(wrong[joint]), _of_worlds(right[joint])


def _of_worlds(scores: pd.Series) -> pd.Series:
    """The mean over nodes, by world and seed."""
    return scores.groupby(["world", "seed"]).mean()


def _one(scores: pd.Series, dataset: str) -> pd.Series:
    return scores.xs(dataset, level="dataset").droplevel("variant")


def _methods(scores: pd.Series) -> list[tuple[str, Method]]:
    index = scores.index.droplevel("seed").drop_duplicates()
    return [(dataset, (model, variant)) for dataset, model, variant in index]


def _median(scores: pd.Series, dataset: str, method: Method) -> float:
    try:
        return float(scores.loc[(dataset, *method)].median())
    except KeyError:
        return float("nan")


MADE: dict[str, Callable[[pd.DataFrame], str]] = {
    "inversion": inversion,
    "depth": depth,
    "confounding": confounding,
    "proxies": proxies,
    "wrong-graph": wrong,
    "intervals": intervals,
}
"""What is made of which suite's rows."""


if __name__ == "__main__":
    main()
