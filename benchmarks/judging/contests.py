"""Contests: what a ranking says of pairs, rungs, home worlds and cost, and how much it takes to say more.

Everything here reads the blocks of `blocks.Rung`, a rank a world and method.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .blocks import Rung, World, mean
from .cells import Method, text_columns
from .intervals import LEVEL
from .paired import LEAST
from .ranking import DRAWS, Draws, interval

HOMES: Mapping[str, Sequence[str]] = {"dcm": ("dcm",), "causal-nf": ("cnf",)}
"""Model of the registry to the papers (first part of a world's name) whose worlds it came with."""

POWER = 0.8
"""The share of experiments of a size that would tell the two apart."""


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of methods that do not differ, and Nemenyi's critical difference of two mean ranks.

    `ranks` are the mean ranks of the methods that answer everywhere, over the `worlds` in which all of these do, best
    first. `distance` is the critical difference

        CD = q(0.95; k, ∞) / √2 · √(k (k + 1) / 6 N)

    for k methods and N worlds, q the quantile of the studentized range (Demšar, Statistical comparisons of classifiers
    over multiple data sets, JMLR 2006). `cliques` are the largest groups of neighbours that it does not tell apart;
    `marked` says whether worlds and seeds suffice to call anything better.
    """

    rung: str
    ranks: Mapping[Method, float]
    worlds: int
    statistic: float
    p: float
    distance: float
    marked: bool

    @property
    def cliques(self) -> list[list[Method]]:
        """Groups of at least two methods, by rank, none of them within another."""
        order, found = list(self.ranks), list[list[Method]]()
        for i, first in enumerate(order):
            group = [m for m in order[i:] if self.ranks[m] - self.ranks[first] <= self.distance]
            if len(group) > 1 and not (found and set(group) <= set(found[-1])):
                found.append(group)
        return found

    def leads(self) -> list[Method]:
        """The best with all that are not told from it; nobody where nothing may be marked."""
        least = min(self.ranks.values(), default=math.nan)
        told = self.marked and self.p < 1 - LEVEL
        return [m for m, rank in self.ranks.items() if rank - least <= self.distance] if told else []


def friedman(rung: Rung) -> Friedman:
    """Friedman's test and Nemenyi's critical difference over the worlds of a rung.

    Methods are left out that answer in less than half of the worlds, then worlds in which one of the others does not
    answer. The statistic takes ties into account, and needs three methods; the distance two.
    """
    there = ~np.isnan(rung.blocks)
    often = there.mean(0) >= 0.5
    rows = there[:, often].all(1)
    blocks = stats.rankdata(rung.blocks[rows][:, often], axis=1)
    n, k = blocks.shape
    methods = [m for m, kept in zip(rung.methods, often, strict=True) if kept]
    means = blocks.mean(0) if n else np.full(k, np.nan)
    order = np.argsort(means, kind="stable")
    statistic, p = math.nan, math.nan
    if n and k >= 3:
        varies = (np.ptp(blocks, axis=1) > 0).any()
        statistic, p = map(float, stats.friedmanchisquare(*blocks.T)) if varies else (0.0, 1.0)
    distance = math.inf
    if n and k >= 2:
        distance = _studentized(k) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))
    ranks = {methods[j]: float(means[j]) for j in order}
    return Friedman(rung.name, ranks, n, statistic, p, distance, rung.enough and n >= LEAST)


@cache
def _studentized(k: int) -> float:
    """The quantile of the range of k standard normals."""
    return float(stats.studentized_range.ppf(LEVEL, k, np.inf))


def wins(rung: Rung) -> pd.DataFrame:
    """How often the row's method is ranked before the column's, methods by methods, as (model, variant).

    The share of seeds (ties count half) in each world that both answer, then the mean over these worlds; NaN where
    there is none, and on the diagonal.
    """
    k = len(rung.methods)
    shares = [_ahead(world.ranks) for world in rung.worlds]
    table = mean(np.array(shares).reshape(-1, k, k), 0)
    np.fill_diagonal(table, np.nan)
    index = pd.MultiIndex.from_tuples(rung.methods, names=["model", "variant"])
    return pd.DataFrame(table, index=index, columns=index)


def _ahead(ranks: NDArray) -> NDArray:
    difference = ranks[:, None, :] - ranks[:, :, None]  # (seeds, row, column): above 0 where the row is ahead
    return mean(np.where(np.isnan(difference), np.nan, (np.sign(difference) + 1) / 2), 0)


def taus(rungs: Sequence[Rung], *, draws: int = DRAWS) -> pd.DataFrame:
    """What one rung predicts of another: Kendall's tau of the mean ranks of the methods on both.

    Columns ``a, b`` (rungs), `tau` with its 95 % bootstrap interval `low, high`, and the number of `methods`. NaN with
    fewer than three methods on both.
    """
    drawn = Draws.of(rungs, draws) if rungs else None
    lines = []
    for i, a in enumerate(rungs):
        for b in rungs[i + 1 :]:
            both = [m for m in a.methods if m in b.methods]
            if len(both) < 3 or drawn is None:
                lines.append([a.name, b.name, *[math.nan] * 3, len(both)])
                continue
            sides = [(r, [r.methods.index(m) for m in both]) for r in (a, b)]
            x, y = (mean(r.blocks, 0)[columns] for r, columns in sides)
            one, other = (drawn.means(r, World.block)[:, columns] for r, columns in sides)
            lines.append([a.name, b.name, float(tau(x, y)), *interval(tau(one, other)), len(both)])
    return pd.DataFrame(lines, columns=["a", "b", "tau", "low", "high", "methods"])


def tau(x: NDArray, y: NDArray) -> NDArray:
    """Kendall's tau-b along the last axis, ``(…, k)`` to ``(…,)``; NaN where one side is all ties or holds a NaN."""
    a, b = (np.sign(z[..., :, None] - z[..., None, :]) for z in (x, y))
    norm = np.sqrt((a * a).sum((-1, -2)) * (b * b).sum((-1, -2)))
    return np.divide((a * b).sum((-1, -2)), norm, out=np.full(norm.shape, np.nan), where=norm > 0)


@dataclass(frozen=True)
class Needed:
    """What it takes to tell two methods apart by their mean ranks, with 5 % of false and 80 % of true findings.

    `difference` is the mean over worlds of rank a minus rank b; `between` and `within` are the standard deviations of
    that difference between worlds and between seeds of one world; `worlds` is how many worlds with as many seeds as now
    would do, `seeds` how many seeds in as many worlds as now. Infinite where no number does.
    """

    a: Method
    b: Method
    difference: float
    between: float = field(default=math.nan)
    within: float = field(default=math.nan)
    worlds: float = field(default=math.inf)
    seeds: float = field(default=math.inf)


def needed(rung: Rung, a: Method, b: Method, *, most: int = 1000) -> Needed:
    """How many worlds or seeds tell method a from method b, by the variances of a nested design.

    The variance of the mean difference over W worlds of S seeds is ``between² / W + within² / (W S)``; it is told from
    0 by Student's t over worlds with power 0.8 where the difference exceeds ``t(0.975) + t(0.8)`` standard errors.
    Numbers above `most` are infinite.
    """
    i, j = rung.methods.index(a), rung.methods.index(b)
    each = [x[~np.isnan(x)] for x in (w.ranks[:, i] - w.ranks[:, j] for w in rung.worlds)]
    each = [x for x in each if len(x)]
    means = np.array([x.mean() for x in each])
    difference = float(means.mean()) if len(means) else math.nan
    several = [x for x in each if len(x) > 1]
    if len(means) < 2 or not several:
        return Needed(a, b, difference)
    within2, seeds = float(np.mean([x.var(ddof=1) for x in several])), float(np.mean([len(x) for x in each]))
    between2 = max(float(means.var(ddof=1)) - within2 / seeds, 0.0)
    spread = math.sqrt(between2), math.sqrt(within2)
    if difference == 0:
        return Needed(a, b, difference, *spread)
    counts = np.arange(2, most + 1)
    errors = (stats.t.ppf((1 + LEVEL) / 2, counts - 1) + stats.t.ppf(POWER, counts - 1)) / np.sqrt(counts)
    enough = counts[errors * math.sqrt(between2 + within2 / seeds) <= abs(difference)]
    # With these worlds, the variance of a world's difference that still lets the difference be told.
    room = (difference / float(errors[min(len(means), most) - 2])) ** 2 - between2
    more = math.ceil(within2 / room) if room > 0 else math.inf
    worlds = float(enough[0]) if len(enough) else math.inf
    return Needed(a, b, difference, *spread, worlds, float(max(more, 1)) if more <= most else math.inf)


def home(rung: Rung, names: Mapping[Method, str], *, draws: int = DRAWS) -> pd.DataFrame:
    """The advantage of home: rank on the worlds of a method's own paper minus its rank elsewhere; below 0 is better.

    `names` gives each method's name in the registry. Columns ``model, variant, home, away`` (mean ranks), `advantage`
    with its 95 % bootstrap interval `low, high`, and how many worlds there are `at_home`; methods without a home of
    several worlds, and several elsewhere, are left out.
    """
    lines = []
    for j, method in enumerate(rung.methods):
        papers = HOMES.get(names.get(method, method[0]), ())
        own = [w for w in rung.worlds if w.name.split("/")[0] in papers]
        other = [w for w in rung.worlds if w not in own]
        if min(len(own), len(other)) < 2:
            continue
        parts = [Rung(rung.name, rung.methods, worlds) for worlds in (own, other)]
        at, away = (float(mean(part.blocks, 0)[j]) for part in parts)
        low, high = interval(np.subtract(*(Draws.of([p], draws).means(p, World.block)[:, j] for p in parts)))
        lines.append([*method, at, away, at - away, low, high, len(own)])
    return pd.DataFrame(lines, columns=["model", "variant", "home", "away", "advantage", "low", "high", "at_home"])


def costs(rung: Rung, provenance: pd.DataFrame) -> pd.DataFrame:
    """CPU seconds and mean rank by method, and whether it is on the Pareto `front`: none cheaper is ranked as well.

    Columns ``model, variant, cpu_s`` (mean over the records of this rung's worlds, fit and answers to all rungs),
    ``rank, front``, cheapest first. Methods whose records tell no cost are left out.
    """
    told = text_columns(provenance, ["dataset", "model", "variant"]) if "cpu_s" in provenance.columns else None
    if told is None:
        return pd.DataFrame(columns=["model", "variant", "cpu_s", "rank", "front"])
    told = told[told["dataset"].isin([w.name for w in rung.worlds])]
    seconds = told.groupby(["model", "variant"])["cpu_s"].mean()
    ranks = dict(zip(rung.methods, mean(rung.blocks, 0), strict=True))
    lines = sorted((float(seconds[m]), float(rank), m) for m, rank in ranks.items() if m in seconds.index)
    best, rows = math.inf, []
    for cpu, rank, method in lines:
        rows.append([*method, cpu, rank, rank < best])
        best = min(best, rank)
    return pd.DataFrame(rows, columns=["model", "variant", "cpu_s", "rank", "front"])
