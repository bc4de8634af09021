"""How far transported rows are from the rows they are transported to: the conditional maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..training.objective import Objective
from .maps import Maps

STATISTICS = ("U", "V")
FEW = 1000
"""Rows from which the kernel's width is taken."""

WATCHED = 128
"""Held-out rows that choose the epoch: the discrepancy takes the cube of them."""


class Discrepancy(Objective):
    """The mean over rows i of ``|| k(x_i, .) - mean_j k(T_ij x_j, .) ||²``, ``T_ij = m(pa_i) m(pa_j)^{-1}``.

    Dance, Bloem-Reddy, "Counterfactual cocycles", 2024: the norm is that of the kernel's Hilbert space, and but for a
    constant

        1/n² sum_jk k(T_ij x_j, T_ik x_k) - 2/n sum_j k(x_i, T_ij x_j),

    j and k over the rows of the batch. The statistic U leaves out j = k, j = i and k = i, and is unbiased; V takes all.
    The kernel is ``exp(-(x - y)² / 2 l²)``, l² half the median squared distance of two training rows: bounded, so that
    no row, however far out, counts for more than another.

    Rows are ``x (n, 1)`` beside what the network is shown. A short last batch is left out, and of fewer than three rows
    V is taken, as U has no pairs there.
    """

    def __init__(self, maps: Maps, x: Tensor, features: Tensor, seed: int, *, statistic: str, batch_size: int):
        super().__init__(torch.cat([x, features], 1), features.shape[1], maps.size, seed)
        self.held = self.held[:WATCHED]
        self.maps, self.statistic, self.batch_size = maps, statistic, batch_size
        self.twice_square = torch.full((1,), _median_square(x, seed), device=x.device)

    @property
    def kind(self) -> Hashable:
        """All that is no tensor."""
        return self.maps, self.statistic, self.batch_size

    def batches(self, batch_size: int) -> int:
        """Steps in an epoch: whole batches, at least one."""
        return max(1, len(self.rows) // batch_size)

    def batch(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Rows in whole batches, each with the width of the kernel."""
        rows = rows[: self.batches(self.batch_size) * self.batch_size]
        return rows, self.twice_square.expand(len(rows))

    def loss(self, network: Callable[[Tensor], Tensor], *batch: Tensor) -> Tensor:
        """The discrepancy ``(K, n)`` of every row, without the constant."""
        rows, twice_square = batch
        x, h = rows[..., 0], network(rows[..., 1:])
        z = self.maps.at(h).inv(x)
        there = self.maps.at(h[:, :, None])(z[:, None, :].expand(-1, z.shape[1], -1))
        return discrepancy(x, there, twice_square[:, :1, None], unbiased=self.statistic == "U" and z.shape[1] > 2)


def discrepancy(x: Tensor, there: Tensor, twice_square: Tensor, *, unbiased: bool) -> Tensor:
    """The discrepancy ``(K, n)`` of rows ``x (K, n)`` from ``there (K, n, n)``, row j transported to i's parents."""
    n = x.shape[1]
    if unbiased:  # all but the diagonal: row i keeps its n - 1 others, in order
        there = there.flatten(1)[:, 1:].unflatten(1, (n - 1, n + 1))[..., :-1].reshape(-1, n, n - 1)
    near = _kernel(x[..., None] - there, twice_square).mean(-1)
    m, own = there.shape[-1], int(unbiased)
    return (_Among.apply(there, twice_square) - own * m) / (m * (m - own)) - 2 * near


class _Among(torch.autograd.Function):
    """``sum_jk exp(-(x_j - x_k)² / s)`` of ``x (K, n, m)``: ``(K, n)``, its gradient two sums over the same kernel.

    With respect to x_j it is ``-4/s sum_k K_jk (x_j - x_k)``; what autograd would keep of (K, n, m, m) is not kept.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, s: Tensor) -> Tensor:
        kernel = (x[..., None] - x[..., None, :]).square_().mul_(-1 / s[..., None]).exp_()
        each = kernel.sum(-1)
        ctx.save_for_backward(4 / s * ((kernel @ x[..., None]).squeeze(-1) - x * each))
        return each.sum(-1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0][..., None] * slope, None


def _kernel(gap: Tensor, twice_square: Tensor) -> Tensor:
    return torch.exp(-gap.square() / twice_square)


def _median_square(x: Tensor, seed: int) -> float:
    """2 l²: the median of ``(x_i - x_j)²``; where most rows are equal its mean, and 1 where all are."""
    chosen = torch.randperm(len(x), generator=generator(seed, "kernel"))[:FEW].to(x.device)
    squares = torch.pdist(x[chosen].double()).square()
    for value in (squares.median(), squares.mean()) if len(squares) else ():
        if value > 0:
            return float(value)
    return 1.0
