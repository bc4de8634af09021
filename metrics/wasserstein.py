"""Sliced Wasserstein distance between two samples."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import check_samples

VERSION = 1
"""Counts changes of what this function returns; part of every record's key."""


def sliced_wasserstein(x: Tensor, y: Tensor, *, directions: int = 128, seed: int = 0) -> Tensor:
    """``mean_θ W₁(⟨x, θ⟩, ⟨y, θ⟩)`` over random unit directions θ, in the unit of the data.

    On the line W₁ is ``∫₀¹ |F⁻¹(q) − G⁻¹(q)| dq``, computed exactly for any n and m; at d = 1 the result is W₁ itself.

    Args:
        x: The truth, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64.
        directions: How many θ are averaged over.
        seed: Where the directions come from; they are the same for all groups.

    Returns:
        The distance of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.

    References:
        Bonneel, Rabin, Peyré, Pfister, "Sliced and Radon Wasserstein Barycenters of Measures", Journal of Mathematical
        Imaging and Vision 51, 2015, with W₁ in place of W₂ because some worlds have heavy tails.

    >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> sliced_wasserstein(x, x + 3).item()
    3.0
    """
    check_samples(x, y)
    stream = torch.Generator().manual_seed(seed)
    theta = torch.randn(x.shape[-1], directions, generator=stream, dtype=torch.float64)
    theta = theta / theta.norm(dim=0)
    i, j, weights = _coupling(x.shape[-2], y.shape[-2])
    a, b = (torch.sort(z @ theta, dim=-2).values for z in (x, y))
    gaps = (a[..., i, :] - b[..., j, :]).abs()
    return (gaps * weights[:, None]).sum(-2).mean(-1)


def _coupling(n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sorted rows ``i`` of n and ``j`` of m that share an interval of quantiles, and the length of each interval."""
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).unique()
    starts = torch.cat([torch.zeros(1, dtype=torch.long), ends[:-1]])
    return starts // m, starts // n, (ends - starts).double() / (n * m)
