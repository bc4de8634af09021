"""The twin of a mechanism that fits exactly as well and answers other counterfactuals: its noise turned on one side."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..contract.fields import FieldError, lift
from ..contract.nodewise import Mechanism, Task
from .chosen import Chosen

Turn = Callable[[Tensor], Tensor]
"""Reverses the order of noises ``(n, 1)`` and keeps their law."""

DRAWS, POINTS = 20_000, 401
"""Draws of a noise whose law is not known, and quantiles of them between which it is turned."""

LEAST = 1e-6
"""The least width of all quantiles' gaps together, in standard deviations: draws may repeat, and a turn must not."""


class Mirrored(Mechanism):
    """``x = f(s(pa) u, pa)``, where ``s`` turns the noise on one side of the parents: no data tell it from its part.

    ``s(pa)`` is -1 where an odd number of parents lies above the middle of its training values, else 1, so that moving
    one parent across its middle reverses the order of the rows. A noise N(0, 1) has the same law as its negative, and
    every other one the same law as its `Rank` from above, so that the law of x given pa is that of the part, whatever
    pa: all that is observed is the same, and so is every law under an intervention. Counterfactuals across a middle are
    not. The world ``violations/ctf2`` is such a twin of an additive one.

    A noise that repeats a few values, as residuals of a discrete node given discrete parents do, has a twin of nearly
    its law only: each value is turned as a whole, whatever its share.
    """

    dtype: ClassVar[torch.dtype] = torch.float64

    def __init__(self, part: Mechanism, turn: Turn | None = None):
        self.part, self.turn = part, turn
        self.middles = torch.empty(0, dtype=torch.float64)

    def fit(self, task: Task) -> Self:
        """Fit the part, and keep the middles of the parents."""
        dtype = self.part.dtype
        self.part.fit(Task(task.x.to(dtype), task.parents.to(dtype), task.seed, task.levels))
        return self.at(middles(task.parents))

    def at(self, middles: Tensor) -> Self:
        """With these middles ``(p,)``, of a part that is fitted; where no turn is given, that by rank."""
        self.middles = middles
        self.turn = self.turn or Rank.of(self.part)
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, 1)`` of rows ``x (n, 1)``: the part's, turned on one side."""
        u = self.part.encode(x.to(self.part.dtype), parents.to(self.part.dtype)).to(x)
        return self._turned(u, parents)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``(n, 1)`` of noise ``u (n, 1)`` given ``parents (n, p)``."""
        v = self._turned(u, parents)
        return self.part.decode(v.to(self.part.dtype), parents.to(self.part.dtype)).to(u)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """The part's."""
        return self.part.noise(n, generator).to(self.dtype)

    def _turned(self, u: Tensor, parents: Tensor) -> Tensor:
        assert self.turn
        odd = (parents > self.middles).sum(1, keepdim=True) % 2 == 1
        return torch.where(odd, self.turn(u), u)


class Rank:
    """``u -> Q(1 - F(u))``: the noise that is as far from the top as u is from the bottom, by quantiles of draws.

    Between the quantiles it is linear, and beyond them it goes on with slope -1, so that it undoes itself. It keeps the
    law of the draws up to their own scatter, unless these repeat a few values, each of which is turned as a whole.
    """

    def __init__(self, quantiles: Tensor):
        sd = float(quantiles.std(correction=0)) or 1.0
        self.quantiles = quantiles + LEAST * sd * torch.linspace(0, 1, len(quantiles), dtype=quantiles.dtype)

    @classmethod
    def of(cls, mechanism: Mechanism) -> Self:
        """By `DRAWS` draws of the mechanism's own noise, the same ones whenever it is asked."""
        drawn = mechanism.noise(DRAWS, generator(0, "law"))[:, 0].double()
        return cls(drawn.quantile(torch.linspace(0, 1, POINTS, dtype=torch.float64)))

    def __call__(self, u: Tensor) -> Tensor:
        """Noises ``(n, 1)``, turned."""
        q = self.quantiles
        inside = u.clamp(q[0], q[-1])
        cell = (torch.searchsorted(q, inside.contiguous(), right=True) - 1).clamp(0, len(q) - 2)
        share = (inside - q[cell]) / (q[cell + 1] - q[cell])
        top = len(q) - 1 - cell
        return q[top] - share * (q[top] - q[top - 1]) - (u - inside)


class Twins(Chosen):
    """Fits of the families that cannot be told from the best, each with its `Mirrored` twin at hand.

    As a mechanism it is what `Chosen` is; `only` gives one of its fits alone. `normal` names the families whose noise
    is N(0, 1).
    """

    middles: Tensor

    def __init__(self, candidates: Mapping[str, Mechanism], count: int, normal: Sequence[str] = ()):
        super().__init__(candidates, count)
        self.normal = frozenset(normal)

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """As `Chosen`, and keep the middles of the parents."""
        fitted = super().fit_stack(tasks)
        for mechanism, task in zip(fitted, tasks, strict=True):
            mechanism.middles = middles(task.parents)
        return fitted

    def only(self, member: int, *, mirrored: bool) -> Chosen:
        """The member of this number by itself, or its twin."""
        one, name, part = copy.copy(self), self.names[member], self.parts[member]
        if mirrored:
            part = Mirrored(part, torch.neg if name in self.normal else None).at(self.middles)
        one.names, one.parts, one.count = [name], [part], 1
        return one

    def saved(self) -> dict[str, Any]:
        """The members, and the middles of the parents."""
        return super().saved() | {"middles": self.middles}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """A member for each of those that were saved."""
        fields = dict(fields)
        self.middles = lift(fields.pop("middles", None), Tensor, "middles")
        if self.middles.ndim != 1 or self.middles.dtype != torch.float64:
            raise FieldError(f"middles is {self.middles.dtype} of shape {tuple(self.middles.shape)}")
        return super().restore(fields)


def middles(parents: Tensor) -> Tensor:
    """The median of the distinct values of every column ``(n, p)``, ``(p,)``: of 0 and 1 it is 0, and 1 lies above."""
    found = [column.unique().median() for column in parents.double().unbind(1)]
    return torch.stack(found) if found else parents.new_empty(0, dtype=torch.float64)
