"""Ranking: the methods of a run by rung, mean rank and mean skill over worlds, with intervals over worlds and seeds.

Ranks and skills of a world are those of `judging.blocks`; a rung's mean rank and mean skill are the means over worlds.

Intervals are percentiles of a hierarchical bootstrap: worlds are drawn with replacement, then in each drawn world its
seeds, everything paired between methods and rungs. The draw of seeds within drawn worlds counts their noise twice, so
that intervals are wide rather than narrow. With fewer than five worlds or five seeds a bootstrap is not honest (see
`judging.intervals`): then numbers are given, and nothing is marked as surely better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scmbench.datasets.seeds import derive

from .blocks import Rung, World, mean

DRAWS = 2000

RANKS = [
    *("rung", "model", "variant", "rank", "rank_low", "rank_high", "skill", "skill_low", "skill_high"),
    *("best", "worlds", "of", "seeds", "failed"),
]


class Draws:
    """Hierarchical draws of worlds and of their seeds, the same for every method and rung.

    `seeds` is the number of seeds by world.
    """

    def __init__(self, seeds: Mapping[str, int], draws: int = DRAWS):
        self.stream = derive(0, "ranking")
        self.draws, names = draws, list(seeds)
        places = np.random.default_rng(self.stream).integers(0, len(names), (draws, len(names)))
        self.where = {name: np.nonzero(places == i) for i, name in enumerate(names)}
        self.drawn: dict[str, NDArray] = {}
        for name, n in seeds.items():
            own = np.random.default_rng(derive(self.stream, name))
            self.drawn[name] = own.integers(0, n, (len(self.where[name][0]), n))
        self.shape = (draws, len(names))

    @classmethod
    def of(cls, rungs: Sequence[Rung], draws: int = DRAWS) -> Draws:
        """Draws of all worlds of some rungs."""
        return cls({w.name: len(w.seeds) for rung in rungs for w in rung.worlds}, draws)

    def means(self, rung: Rung, statistic: Callable[[World, NDArray], NDArray]) -> NDArray:
        """The mean over drawn worlds of a statistic of drawn seeds, ``(draws, methods)``."""
        every = np.full((*self.shape, len(rung.methods)), np.nan)
        for world in rung.worlds:
            every[self.where[world.name]] = statistic(world, self.drawn[world.name])
        return mean(every, 1)


def ranks(found: Sequence[Rung], *, draws: int = DRAWS) -> pd.DataFrame:
    """The ranking: a line a rung and method, the lowest mean rank first within a rung.

    Returns:
        Columns `RANKS`: `rank` and `skill` with their 95 % intervals; `best`, the share of bootstrap draws in which the
        method has the lowest mean rank; `worlds` in which it is ranked, `of` how many; `seeds`, the fewest in a world;
        how many answers `failed`.
    """
    lines, drawn = [], Draws.of(found, draws) if found else None
    for rung in found:
        assert drawn is not None
        rank, skill = (drawn.means(rung, statistic) for statistic in (World.block, World.skill))
        least = rank == np.nanmin(rank, axis=1, keepdims=True)
        best = (least / least.sum(1, keepdims=True)).mean(0)
        middle = mean(rung.blocks, 0), mean(rung.skills, 0)
        seeds = min(len(w.seeds) for w in rung.worlds)
        failed = np.sum([w.failed for w in rung.worlds], axis=0)
        for j in np.argsort(middle[0], kind="stable"):
            ends = [x for i, value in enumerate((rank, skill)) for x in (middle[i][j], *interval(value[:, j]))]
            there = int((~np.isnan(rung.blocks[:, j])).sum())
            line = [*ends, best[j], there, len(rung.worlds), seeds, int(failed[j])]
            lines.append([rung.name, *rung.methods[j], *line])
    return pd.DataFrame(lines, columns=RANKS)


def interval(draws: NDArray) -> tuple[float, float]:
    """The 95 % percentiles of draws ``(n,)``, those left out that say nothing (NaN)."""
    there = draws[~np.isnan(draws)]
    if not len(there):
        return np.nan, np.nan
    low, high = np.quantile(there, [0.025, 0.975])
    return float(low), float(high)
