"""What the markers of `docs/claims.py` may ask of the runs behind the open questions, beside what `queries` has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import entering
import experiments
import learning
import orders
import pandas as pd
import sizes
import theory
from queries import method, run
from scmbench.benchmarks.judging import mechanisms as fitted

RISING = list(theory.MONOTONE)
FOLDED = ["dcm/chain/nadd", "dcm/triangle/nadd", "check/sine"]
"""Worlds of `theory` in which two noises may give one value."""
MIRROR = ["violations/ctf2"]
INVERTED = ("dcm/triangle/nadd", "dcm/triangle/nlin", "dcm/chain/nadd", "dcm/chain/nlin")
"""Worlds of `inversion`."""
STEPS = (10, 25, 50, 100, 200)
DEEP = "drawn/{}/2/mlp/additive"
"""Worlds of `depth`, by their number of nodes."""


@cache
def _mechanisms() -> pd.DataFrame:
    return fitted.mechanisms(run(theory.SUITE).rows)


def _fitted(who: str | None, worlds: Sequence[str] | None, without: str = "") -> pd.DataFrame:
    lines = _mechanisms()
    lines = lines[lines["model"] != without]
    if who is not None:
        lines = lines[(lines["model"] == method(who)[0]) & (lines["variant"] == method(who)[1])]
    if worlds is not None:
        lines = lines[lines["dataset"].isin(worlds)]
    if lines.empty:
        raise ValueError(f"no mechanism of {who} on {worlds}")
    return lines


def seen(part: str, who: str | None, worlds: Sequence[str] | None) -> float:
    """The median of ``hsic``, ``reconstruction``, ``monotone_share`` or ``rmse`` over mechanisms and seeds."""
    return float(_fitted(who, worlds)[part].median())


def passing(who: str | None, worlds: Sequence[str] | None) -> tuple[int, int]:
    """How many mechanisms pass all that Theorem 1 asks for, of how many that show their noise."""
    lines = _fitted(who, worlds).dropna(subset=["hsic"])
    return int(fitted.passes(lines).sum()), len(lines)


def wrong_though_passing(worlds: Sequence[str] | None = None) -> tuple[int, int]:
    """How many of the mechanisms that pass err by more than `FAR`, of how many that pass."""
    lines = _fitted(None, worlds)
    lines = lines[fitted.passes(lines)]
    return int((lines[fitted.ERROR] > fitted.FAR).sum()), len(lines)


def slope(
    term: str, who: str | None = None, worlds: Sequence[str] | None = None, without: str = ""
) -> tuple[float, float, float]:
    """The slope of the log error in the log of ``hsic`` or ``reconstruction``, with its interval."""
    line = fitted.law(_fitted(who, worlds, without)).loc[term]
    return float(line["slope"]), float(line["low"]), float(line["high"])


def explained(worlds: Sequence[str] | None = None, without: str = "") -> float:
    """How much of the variance of the log error the two terms explain by least squares, in per cent."""
    lines = _fitted(None, worlds, without).dropna(subset=["hsic", "reconstruction"])
    return 100 * fitted.explained(lines)


def alarms(worlds: Sequence[str] | None = None, without: str = "") -> tuple[int, int]:
    """In how many mechanisms the test of dependence says p < `ALPHA`, of how many that show their noise."""
    p = _fitted(None, worlds, without)["hsic_p"].dropna()
    return int((p < fitted.ALPHA).sum()), len(p)


def node_error(who: str, world: str, node: str) -> float:
    """The median over seeds of a mechanism's true error."""
    lines = _fitted(who, [world])
    return float(lines[lines["node"] == node][fitted.ERROR].median())


def excess(who: str, worlds: Sequence[str]) -> tuple[float, float]:
    """The least and greatest ratio of true error to reconstruction error over worlds, medians over mechanisms."""
    ratios = [seen(fitted.ERROR, who, [world]) / seen("reconstruction", who, [world]) for world in worlds]
    return min(ratios), max(ratios)


def cheaper(a: str, b: str) -> tuple[int, int]:
    """On how many worlds of `theory` a has the lower mean squared error of two, of how many."""
    totals = [(parts_of(world, a)[3], parts_of(world, b)[3]) for world in _mechanisms()["dataset"].unique()]
    return sum(x < y for x, y in totals), len(totals)


def estimation(worlds: Sequence[str], *who: str) -> tuple[float, float]:
    """The least and greatest share of estimation in a method's mean squared error, in per cent."""
    shares = [100 * parts_of(world, one)[2] / parts_of(world, one)[3] for world in worlds for one in who]
    return min(shares), max(shares)


def parts_of(world: str, who: str) -> tuple[float, float, float, float]:
    """A method's mean squared error on a world: unavoidable, price of monotony, estimation, total."""
    table = fitted.split(_mechanisms(), run(theory.SUITE).provenance)
    keep = (table["dataset"] == world) & (table["model"] == method(who)[0]) & (table["variant"] == method(who)[1])
    (line,) = table[keep].to_dict("records")
    return line["unavoidable"], line["price"], line["estimation"], line["total"]


def inverted(name: str, steps: Sequence[int], worlds: Sequence[str] = INVERTED) -> tuple[float, float]:
    """The least and greatest ratio of the error by another inversion to that by DDIM's, over worlds and steps.

    Ratios are geometric means over seeds, paired.
    """
    errors = experiments.by_seed(run("inversion").rows, "counterfactual", "mse_first")
    ratios = [
        experiments.geometric(
            errors.loc[(world, f"{name} T={t}", "reference")] / errors.loc[(world, f"ddim T={t}", "reference")]
        )
        for world in worlds
        for t in steps
    ]
    return min(ratios), max(ratios)


def steps_cost(few: int, many: int, world: str) -> float:
    """How many times the median error of few diffusion steps is that of many, by DDIM inversion."""
    errors = experiments.by_seed(run("inversion").rows, "counterfactual", "mse_first")
    least, most = (float(errors.loc[(world, f"ddim T={t}", "reference")].median()) for t in (few, many))
    return least / most


def confounded(who: str, kind: str, strength: str) -> float:
    """A method's median error at a strength of confounding, with (``closed``) or without (``open``) adjustment."""
    scores = experiments.by_seed(run("confounding").rows, "counterfactual", "rmse")
    return float(scores.loc[(f"confounded/{kind}-{strength}", *method(who))].median())


def under_confounding(kind: str, strength: str, base: str, *who: str) -> tuple[float, float]:
    """The least and greatest factor, over methods, from one strength of confounding to another."""
    factors = [confounded(one, kind, strength) / confounded(one, kind, base) for one in who]
    return min(factors), max(factors)


def proxied(who: str, strength: str, query: str = "counterfactual", metric: str = "rmse") -> float:
    """A method's median error at a strength of confounding, where two proxies of the hidden cause are observed."""
    scores = experiments.by_seed(run("proxies").rows, query, metric)
    return float(scores.loc[(f"proxies/{strength}", *method(who))].median())


def deep(who: str, nodes: int, metric: str = "rmse", query: str = "counterfactual") -> float:
    """A method's median over seeds in the world of so many nodes of the suite `depth`."""
    scores = experiments.by_seed(run("depth").rows, query, metric)
    return float(scores.loc[(DEEP.format(nodes), *method(who))].median())


def of_the_effect(who: str, nodes: int, depth: int) -> float:
    """A method's median error at a distance over that of doing nothing there, which is the size of the effect."""
    metric = f"rmse_depth{depth}"
    return deep(who, nodes, metric) / deep("identity", nodes, metric)


def deep_ratio(a: str, b: str, nodes: Sequence[int], metric: str = "rmse") -> tuple[float, float]:
    """The least and greatest ratio of two methods' errors in `depth`, over worlds; geometric means, paired by seed."""
    scores = experiments.by_seed(run("depth").rows, "counterfactual", metric)
    pairs = [[scores.loc[(DEEP.format(n), *method(who))] for who in (a, b)] for n in nodes]
    ratios = [experiments.geometric((x / y).dropna()) for x, y in pairs]
    return min(ratios), max(ratios)


def misled(who: str, change: str, query: str = "counterfactual", metric: str = "rmse") -> tuple[float, float, float]:
    """The factor by which a change of the graph makes a method's error worse, with its interval."""
    return experiments.factor(run("wrong-graph").rows, method(who), change, query, metric)


def swapped(who: str, world: str, part: str = "rows", name: str = "vector-nodes") -> tuple[float, float]:
    """A method's median in a world of vector nodes as told, and reversed: the error of ``rows`` or the ``law``."""
    scores = orders.SUITES[name].scores(run(name).rows)[part]
    told, turned = (float(scores.loc[(each, *method(who))].median()) for each in (world, orders.reversed_name(world)))
    return told, turned


def by_rows(part: str, who: str, world: str, rows: int) -> float:
    """The median of ``hsic``, ``reconstruction`` or ``rmse`` over mechanisms and seeds with so many training rows."""
    return float(_of_size(who, world, rows)[part].median())


def alarms_by_rows(who: str, world: str, rows: int) -> tuple[int, int]:
    """In how many mechanisms with so many training rows the test of dependence says p < `ALPHA`, of how many."""
    p = _of_size(who, world, rows)["hsic_p"].dropna()
    return int((p < fitted.ALPHA).sum()), len(p)


def _of_size(who: str, world: str, rows: int) -> pd.DataFrame:
    lines = sizes.fitted(run(sizes.SUITE).rows)
    keep = (lines["model"] == method(who)[0]) & (lines["variant"] == method(who)[1])
    found = lines[keep & (lines["world"] == world) & (lines["rows"] == rows)]
    if found.empty:
        raise ValueError(f"no mechanism of {who} on {world} with {rows} training rows")
    return found


def covered(who: str, *worlds: str) -> tuple[float, float]:
    """The least and greatest share of rows, over worlds, whose truth a method's intervals hold, in per cent."""
    shares = [100 * interval(who, world, "coverage") for world in worlds]
    return min(shares), max(shares)


def interval(who: str, world: str, metric: str = "interval_score") -> float:
    """A method's median over seeds in the suite `intervals`: ``coverage``, ``width`` or ``interval_score``."""
    scores = experiments.by_seed(run("intervals").rows, "interval", metric)
    return float(scores.loc[(world, *method(who))].median())


def interval_ratio(a: str, b: str, world: str, metric: str = "interval_score") -> float:
    """How many times b's width or score the one of a is, on a world."""
    return interval(a, world, metric) / interval(b, world, metric)


def entered(entry: str, kind: str, part: str) -> float:
    """The median of ``hsic`` or ``rmse`` of an entry's mechanisms in worlds of a kind, in the suite `parents`."""
    return entering.median(run(entering.SUITE).rows, method(entry), kind, part)


def against_concat(entry: str, kind: str, part: str) -> tuple[float, float, float]:
    """An entry's ``hsic`` or ``rmse`` over that of concatenation, in worlds of a kind, with its interval."""
    return entering.over_concat(run(entering.SUITE).rows, method(entry), kind, part)


def learnt(who: str, world: str, rows: int) -> float:
    """The median error of counterfactual rows of a method that had so many rows to learn from, in `learning`."""
    found = learning.medians(run(learning.SUITE).rows, "counterfactual", "rmse")
    model, variant = method(who)
    keep = (found["model"] == model) & (found["variant"] == variant)
    return float(found[keep & (found["world"] == world) & (found["rows"] == rows)]["median"].item())


NAMES = {name: value for name, value in globals().items() if not name.startswith("_") and name != "annotations"}
"""What an expression may use."""
