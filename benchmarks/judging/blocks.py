"""Blocks: the scores of a run by rung, world, seed and method, ranked; what rankings and contests are counted from.

A *world* is a dataset; on each rung it is one block. At every seed and question that counts (`COUNTED`) the methods are
ranked by their scores, 1 the best, ties sharing; the mean of these ranks over seeds and questions is ranked once more,
so that a world gives each method one rank, whatever its number of questions. Its skill (`judging.skill`) is a ratio of
means over seeds, averaged over questions.

What is missing: a method that does not support a question, or was not run there, is not ranked there; an answer that
failed, or is not finite, has the last rank and the skill `LOWEST`. Each question's skill counts no less than `LOWEST`,
so that one world in which a method diverges does not decide a mean alone. Floors and ceilings are what skills are read
between, and are not ranked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .cells import CELL, FAILED, QUESTION, UNSUPPORTED, Method, Question, roles, statuses, text_columns
from .methods import METHOD
from .paired import LEAST
from .skill import defined, parts

RUNGS = ("observational", "interventional", "counterfactual")

RUNG_OF = {"likelihood": "observational", "predictive": "interventional"}
"""Queries that do not bear the name of their rung."""

_DISTANCES = ("mmd", "energy", "sliced_wasserstein", "total_variation")
COUNTED: Mapping[str, Sequence[Sequence[str]]] = {
    "observational": [_DISTANCES, ("nll",)],
    "interventional": [_DISTANCES, ("abs_error",)],
    "counterfactual": [("rmse", "label_error"), ("mse_all",), ("cf_relative",), ("mse_first",)],
}
"""Metrics that count, by rung: the first of these groups of which a world has any. A part of a score that is counted
already, such as the error at one depth, does not count again."""

LOWEST = -1.0
"""A question's skill counts no less: as far below the floor as the ceiling is above it."""


@dataclass(frozen=True)
class World:
    """One block: `ranks` ``(seeds, methods)``, means over questions, NaN where a method is not ranked; `gains`
    ``(questions, seeds, methods)`` and `gaps` ``(questions, seeds)`` of the questions that have a skill; how many
    answers `failed` ``(methods,)``.
    """

    name: str
    seeds: Sequence[int]
    ranks: NDArray = field(repr=False)
    gains: NDArray = field(repr=False)
    gaps: NDArray = field(repr=False)
    failed: NDArray = field(repr=False)

    def block(self, drawn: NDArray) -> NDArray:
        """Ranks ``(k, methods)`` over the seeds `drawn`, positions ``(k, s)``."""
        return stats.rankdata(mean(self.ranks[drawn], 1), axis=1, nan_policy="omit")

    def skill(self, drawn: NDArray) -> NDArray:
        """Skills ``(k, methods)`` over the seeds `drawn`; NaN where no question has any."""
        gain, gap = self.gains[:, drawn], self.gaps[:, drawn, None]
        paired = ~np.isnan(gain) & ~np.isnan(gap)
        above, below = (np.where(paired, x, 0.0).sum(2) for x in np.broadcast_arrays(gain, gap))
        ratio = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
        return mean(np.maximum(ratio, LOWEST), 0)


@dataclass(frozen=True)
class Rung:
    """The methods that answer a rung and the worlds that ask it."""

    name: str
    methods: Sequence[Method]
    worlds: Sequence[World]

    @property
    def enough(self) -> bool:
        """Whether anything may be marked: at least five worlds, of at least five seeds each."""
        return len(self.worlds) >= LEAST and min(len(w.seeds) for w in self.worlds) >= LEAST

    @cached_property
    def blocks(self) -> NDArray:
        """Rank by world and method, ``(worlds, methods)``."""
        return np.concatenate([w.block(np.arange(len(w.seeds))[None]) for w in self.worlds])

    @cached_property
    def skills(self) -> NDArray:
        """Skill by world and method, ``(worlds, methods)``."""
        return np.concatenate([w.skill(np.arange(len(w.seeds))[None]) for w in self.worlds])


def rungs(
    scores: pd.DataFrame,
    provenance: pd.DataFrame | None = None,
    *,
    higher: Collection[Question] = (),
    only: Collection[str] = RUNGS,
) -> list[Rung]:
    """The rungs of a run that have methods to rank; `scores` are of `seed_scores`, `higher` as for `skills`."""
    all_scores = text_columns(scores, CELL)
    scores = all_scores.assign(rung=all_scores["query"].replace(dict(RUNG_OF)))
    known = roles(provenance)
    competes = [known.get(m, METHOD) == METHOD for m in zip(scores["model"], scores["variant"], strict=True)]
    scores = scores[pd.Series(competes, index=scores.index, dtype=bool)]
    own = parts(all_scores, provenance, higher=higher)
    skilled = {(str(d), str(q), str(m)): part for (d, q, m), part in own.groupby(QUESTION, sort=False)}
    told = _statuses(provenance)
    found = []
    for rung in (r for r in RUNGS if r in only):
        asked = scores[scores["rung"] == rung]
        answered = asked[asked["score"].notna()]
        broke = [key[1:3] for key, state in told.items() if state == FAILED and RUNG_OF.get(key[3], key[3]) == rung]
        methods = list(dict.fromkeys([*zip(answered["model"], answered["variant"], strict=True), *broke]))
        worlds = [
            _world(str(name), counted, skilled, methods, higher, told)
            for name, part in asked.groupby("dataset", sort=False)
            if len(counted := _counted(part, rung))
        ]
        if methods and worlds:
            found.append(Rung(rung, methods, worlds))
    return found


Statuses = Mapping[tuple[str, str, str, str, int], str]
"""By dataset, model, variant, query (empty: the whole record) and seed."""


def _statuses(provenance: pd.DataFrame | None) -> Statuses:
    told = statuses(provenance)
    keys = told[["dataset", "model", "variant", "query", "seed"]].itertuples(index=False, name=None)
    return dict(zip(keys, told["status"], strict=True))


def _counted(part: pd.DataFrame, rung: str) -> pd.DataFrame:
    group = next((g for g in COUNTED[rung] if part["metric"].isin(g).any()), ())
    return part[part["metric"].isin(group)]


def _world(
    name: str,
    part: pd.DataFrame,
    skilled: Mapping[tuple[str, str, str], pd.DataFrame],
    methods: Sequence[Method],
    higher: Collection[Question],
    told: Statuses,
) -> World:
    seeds = sorted(set(part["seed"]))
    ranks, gains, gaps, failed = [], [], [], np.zeros(len(methods), dtype=int)
    for question, group in part.groupby(["query", "metric"], sort=False):
        query, metric = map(str, question)  # type: ignore[call-overload]
        table = (-1.0 if (query, metric) in higher else 1.0) * _wide(group, "score", seeds, methods)
        there = _wide(group.assign(there=1.0), "there", seeds, methods) == 1
        known = [[told.get((name, *m, q, s), "") for q in (query, "")] for s in seeds for m in methods]
        state = np.array([own or whole for own, whole in known]).reshape(table.shape)
        lost = ~np.isfinite(table) & (there & (state != UNSUPPORTED) | (state == FAILED))
        table[lost] = np.inf
        failed += lost.sum(0)
        ranks.append(stats.rankdata(table, axis=1, nan_policy="omit"))
        own = skilled.get((name, query, metric))
        if own is None:
            continue
        gap = own.drop_duplicates("seed").set_index("seed")["gap"].reindex(seeds).to_numpy(dtype=float)
        if defined(gap[np.isfinite(gap)]):
            gains.append(np.where(lost, LOWEST * gap[:, None], _wide(own, "gain", seeds, methods)))
            gaps.append(gap)
    shape = len(gaps), len(seeds), len(methods)
    stacked = np.array(gains).reshape(shape), np.array(gaps).reshape(shape[:2])
    return World(name, seeds, mean(np.array(ranks), 0), *stacked, failed)


def _wide(part: pd.DataFrame, column: str, seeds: Sequence[int], methods: Sequence[Method]) -> NDArray:
    """A column by seed and method, ``(seeds, methods)``, NaN where there is no line."""
    row, place = ({key: i for i, key in enumerate(keys)} for keys in (seeds, methods))
    wide = np.full((len(seeds), len(methods)), np.nan)
    for seed, model, variant, x in zip(*(part[c] for c in ("seed", "model", "variant", column)), strict=True):
        if (model, variant) in place and seed in row:
            wide[row[seed], place[model, variant]] = x
    return wide


def mean(x: NDArray, axis: int) -> NDArray:
    """The mean of what is there; NaN where nothing is."""
    there = ~np.isnan(x)
    count = there.sum(axis)
    total = np.where(there, x, 0.0).sum(axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
