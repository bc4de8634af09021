"""What a velocity network learns: the straight way from noise to a row, given where it is, the parents and the time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..training import Regression
from ..training.counter import uniform
from ..training.regression import Drawn

FREQUENCIES = 4
"""Of the Fourier features of time."""


def time_features(t: Tensor) -> Tensor:
    """``(..., 9)`` of times ``t (..., 1)``: t, and sine and cosine of π k t for k = 1..4."""
    angles = math.pi * t * torch.arange(1, FREQUENCIES + 1, device=t.device, dtype=t.dtype)
    return torch.cat([t, angles.sin(), angles.cos()], dim=-1)


class Matching(Regression):
    """Predict x - e from ((1 - t) e + t x, parents, features of t), t ~ U[0, 1), e ~ N(0, I).

    Lipman, Chen, Ben-Hamu, Nickel, Le, "Flow Matching for Generative Modeling", 2023, eq. 23 with sigma_min = 0,
    conditioned on the parents. The minimiser is v(z, pa, t) = E[x - e | z, pa, t], whose flow takes N(0, I) to the law
    of x given the parents. Every row is visited once an epoch with a fresh e and t.

    `x (n, d)` and `parents (n, p)` are standardised.
    """

    def __init__(self, x: Tensor, parents: Tensor, seed: int):
        self.data = torch.cat([x, parents], dim=1)
        self.rows, self.outputs = x.shape
        self.inputs, self.seed = self.data.shape[1] + 1 + 2 * FREQUENCIES, seed

    def epoch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows in random order, each with a fresh time and noise."""
        n, d, device = self.rows, self.outputs, self.data.device
        order = torch.randperm(n, generator=generator).to(device)
        t = torch.rand(n, 1, generator=generator).to(device)
        e = torch.randn(n, d, generator=generator).to(device)
        data = self.data.index_select(0, order)
        x, parents = data[:, :d], data[:, d:]
        return torch.cat([(1 - t) * e + t * x, parents, time_features(t)], dim=1), x - e

    @classmethod
    def together(cls, regressions: Sequence[Matching]) -> Drawn:
        """All of them, drawn on their device."""
        return _Together(regressions)


class _Together(Drawn):
    """Flow matching problems."""

    def __init__(self, regressions: Sequence[Matching]):
        tables, seeds = [r.data for r in regressions], [r.seed for r in regressions]
        super().__init__(tables, seeds, outputs=regressions[0].outputs, told=1 + 2 * FREQUENCIES)

    def mix(self, own: Tensor, parents: Tensor, epoch: int, words: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        e, t = self.noise(epoch, words), uniform(words[0])[..., None]
        return (1 - t) * e + t * own, time_features(t), parents, own - e
