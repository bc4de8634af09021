"""What a generator minimises: the energy score of its draws, given the parents."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch
from torch import Tensor

from ..training.objective import Objective


class EnergyScore(Objective):
    """``E|x - g| - E|g - g'|/2`` over independent draws g = g(pa, e), g' = g(pa, e'), e, e' ~ N(0, I).

    Strictly proper for laws of finite mean: it is least where g has the law of x given the parents (Gneiting, Raftery,
    "Strictly proper scoring rules, prediction, and estimation", 2007, eq. 21; Shen, Meinshausen, 2024). Two
    draws a row estimate it without bias. ``x (n, 1)`` and ``parents (n, p)`` are standardised, e has `noise` numbers.
    """

    def __init__(self, x: Tensor, parents: Tensor, noise: int, seed: int):
        self.noise = noise
        super().__init__(torch.cat([x, parents], 1), parents.shape[1] + noise, 1, seed)

    @property
    def kind(self) -> Hashable:
        """How many numbers e has."""
        return self.noise

    def batch(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The rows, and e beside e'."""
        return rows, torch.randn(len(rows), 2 * self.noise, generator=generator).to(rows)

    def loss(self, network: Callable[[Tensor], Tensor], *batch: Tensor) -> Tensor:
        """The estimates ``(K, n)``."""
        rows, e = batch
        x, parents = rows[..., 0], rows[..., 1:]
        both = torch.cat([torch.cat([parents, part], -1) for part in e.chunk(2, -1)], 1)
        one, other = network(both)[..., 0].chunk(2, 1)
        return ((x - one).abs() + (x - other).abs() - (one - other).abs()) / 2
