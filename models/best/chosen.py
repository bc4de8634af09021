"""One node's mechanism: candidates compared on held-out rows, the best of them fitted anew several times, averaged."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import derive, generator
from torch import Tensor

from ..contract.fields import FieldError, lift
from ..contract.nodewise import Mechanism, Task
from ..training.regressed import Diverged
from . import scoring

HELD_OUT = 0.2
MOST_HELD_OUT = 1000
"""Share and greatest number of training rows that choose."""

OF_PARENTS = frozenset({"additive"})
"""Candidates that are regressions on the parents: a root that is fitted has none, and chooses among the others."""


class Chosen(Mechanism):
    """``x = Σ_m w_m f_m(u_m, pa)``: fits of one or several families, a weight each.

    Noise is ``(n, M + M d)``: the weights of the M members, then their noises. A draw has one member by chance, at the
    weight 1, so that the law is the mixture of theirs. An abducted row has all of them at 1 / M: each member replays
    the row exactly, so their mean does, and its counterfactual is the mean of theirs.
    """

    dtype: ClassVar[torch.dtype] = torch.float64

    def __init__(self, candidates: Mapping[str, Mechanism], count: int):
        self.candidates, self.count = dict(candidates), count
        self.names: list[str] = []
        self.parts: list[Mechanism] = []

    def fit(self, task: Task) -> Self:
        """Choose and fit, a task alone."""
        [fitted] = self.fit_stack([task])
        vars(self).update(vars(fitted))
        return self

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Choose and fit for every task; each candidate learns all of its tasks in one stack."""
        chosen = self._choose(tasks)
        wanted = [
            (i, k, name) for i, names in enumerate(chosen) for k, name in enumerate(scoring.members(names, self.count))
        ]
        parts: dict[tuple[int, int], Mechanism] = {}
        for family, candidate in self.candidates.items():
            keys = [(i, k) for i, k, name in wanted if name == family]
            again = [replace(tasks[i], seed=derive(tasks[i].seed, "member", k)) for i, k in keys]
            parts.update(zip(keys, _fitted(candidate, again), strict=True))
        fitted = []
        for i in range(len(tasks)):
            mechanism = copy.copy(self)
            mechanism.names = [name for j, _, name in wanted if j == i]
            mechanism.parts = [parts[i, k] for k in range(self.count)]
            fitted.append(mechanism)
        return fitted

    def _choose(self, tasks: Sequence[Task]) -> list[list[str]]:
        """The names of the contenders of every task, best first; all of them where there are too few rows to tell."""
        if len(self.candidates) == 1:
            return [list(self.candidates) for _ in tasks]
        split = [_split(task) for task in tasks]
        scores: list[dict[str, Tensor]] = [{} for _ in tasks]
        for name, candidate in self.candidates.items():
            asked = [i for i, task in enumerate(tasks) if task.parents.shape[1] or name not in OF_PARENTS]
            for i, mechanism in zip(asked, _fitted(candidate, [split[i][0] for i in asked]), strict=True):
                held = split[i][1]
                try:
                    scores[i][name] = scoring.energy_scores(mechanism, held)
                except Diverged:
                    scores[i][name] = torch.full((len(held.x),), torch.inf)
        chosen = [scoring.contenders(own) for own in scores]
        if not all(chosen):
            raise Diverged(f"every candidate of a node diverged: {list(self.candidates)}; lower effort")
        return chosen

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Equal weights, and each member's noise of rows ``x (n, d)`` given ``parents (n, p)``."""
        weights = x.new_full((len(x), len(self.parts)), 1 / len(self.parts))
        noises = [part.encode(x.to(part.dtype), parents.to(part.dtype)).to(x) for part in self.parts]
        return torch.cat([weights, *noises], 1)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The weighted mean of the members' rows ``(n, d)``; one of weight 0 is not asked."""
        weights, noises = u[:, : len(self.parts)], u[:, len(self.parts) :].chunk(len(self.parts), 1)
        x = torch.zeros_like(noises[0])
        for w, noise, part in zip(weights.unbind(1), noises, self.parts, strict=True):
            asked = (w != 0).nonzero()[:, 0]
            if len(asked):
                rows = part.decode(noise[asked].to(part.dtype), parents[asked].to(part.dtype)).to(x)
                x = x.index_add(0, asked, w[asked, None] * rows)
        return x

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """A member by chance a row, and draws of all members' noises."""
        own = torch.randint(len(self.parts), (n,), generator=generator)
        weights = torch.nn.functional.one_hot(own, len(self.parts)).double()
        return torch.cat([weights, *(part.noise(n, generator).double() for part in self.parts)], 1)

    def cost(self) -> dict[str, int]:
        """Parameters over all members, gradient steps of the one that takes most."""
        costs = [part.cost() for part in self.parts]
        total = {"parameters": sum(c.get("parameters", 0) for c in costs)}
        return total | {"gradient_steps": max((c.get("gradient_steps", 0) for c in costs), default=0)}

    def saved(self) -> dict[str, Any]:
        """The members' families and their fields."""
        if not self.parts:
            raise FieldError("the mechanism has no 'parts': it is not fitted")
        return {"names": list(self.names), "parts": [part.saved() for part in self.parts]}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """A member of the family that is named for each of those that were saved."""
        if set(fields) != {"names", "parts"}:
            raise FieldError(f"a mechanism has the fields {sorted(fields)}, expected ['names', 'parts']")
        names, parts = lift(fields["names"], list[str], "names"), lift(fields["parts"], list[dict], "parts")
        if unknown := sorted(set(names) - set(self.candidates)):
            raise FieldError(f"names: no candidate {unknown[0]!r}; there are {sorted(self.candidates)}")
        if not len(names) == len(parts) == self.count:
            raise FieldError(f"{len(names)} names and {len(parts)} parts; expected {self.count} of both")
        self.names = names
        pairs = zip(names, parts, strict=True)
        self.parts = [copy.deepcopy(self.candidates[name]).restore(part) for name, part in pairs]
        return self


def _fitted(candidate: Mechanism, tasks: Sequence[Task]) -> Iterator[Mechanism]:
    """Copies of a candidate, fitted to the tasks in one stack, in the numbers it computes with."""
    if tasks:
        dtype = candidate.dtype
        cast = [replace(task, x=task.x.to(dtype), parents=task.parents.to(dtype)) for task in tasks]
        yield from copy.deepcopy(candidate).fit_stack(cast)


def _split(task: Task) -> tuple[Task, Task]:
    """Rows to learn from and rows to choose by, drawn by the task's seed; of a single row both."""
    n = len(task.x)
    count = min(max(1, int(HELD_OUT * n)), MOST_HELD_OUT) if n > 1 else 0
    order = torch.randperm(n, generator=generator(task.seed, "held out"))
    held, kept = (order[:count], order[count:]) if count else (order, order)
    return tuple(replace(task, x=task.x[i], parents=task.parents[i]) for i in (kept, held))  # type: ignore[return-value]
