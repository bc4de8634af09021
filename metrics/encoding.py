"""What can be seen of a mechanism's abduction without the truth: dependence, reconstruction, order."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import check_sample, check_samples
from .hilbert_schmidt import hsic_test
from .order import monotone_share

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def encoding_scores(
    noise: Tensor,
    parents: Tensor,
    x: Tensor,
    again: Tensor,
    curves: Tensor | None = None,
    *,
    permutations: int,
    generator: torch.Generator,
) -> dict[str, float]:
    """How far an encoder ``Z = g(x, pa)`` and decoder ``h(Z, pa)`` of one node are what Theorem 1 of DCM assumes.

    * ``hsic`` of Z and pa, columns scaled, and ``hsic_p``, the p-value of their independence.
    * ``reconstruction``: ``√ mean (h(Z, pa) − x)²`` in standard deviations of x, pooled over columns (of a constant, in
      its own unit).
    * ``monotone_share`` of ``Z ↦ h(Z, pa)`` over a few pa; left out where Z has several dimensions or no `curves` are
      given.

    The theorem: where Z is independent of pa, the world's ``x = f(pa, u)`` rises with its noise u, and g is invertible
    in x, the counterfactual ``h(Z, γ)`` is as far from the true ``f(γ, u)`` as the reconstruction of ``(f(γ, u), γ)``
    is from it, whatever u and γ. None of the three numbers sees whether f rises: that is the world's, not the model's.

    Args:
        noise: Z, ``(n, k)``, float64.
        parents: pa, ``(n, p)``, float64.
        x: The node's values, ``(n, d)``, float64.
        again: h(Z, pa), ``(n, d)``, float64.
        curves: h(Z, pa_k) for the first m rows of Z at g fixed values pa_k of the parents, ``(g, m)``, float64.
        permutations: How many permutations the p-value comes from.
        generator: Where these are drawn from.

    Returns:
        Name to number.

    Raises:
        MetricError: For NaN, infinity, shapes or dtypes that do not fit.

    References:
        Chao, Blöbaum, Patel, Kasiviswanathan, "Modeling causal mechanisms with diffusion models for interventional and
        counterfactual queries", TMLR 2024, Theorem 1.
    """
    check_samples(x, again, paired=True)
    value, p = hsic_test(scaled(noise), scaled(parents), permutations=permutations, generator=generator)
    unit = float(x.var(0, correction=0).mean().sqrt()) or 1.0
    found = {"hsic": value, "hsic_p": p, "reconstruction": float((again - x).square().mean().sqrt()) / unit}
    if curves is not None and noise.shape[1] == 1:
        found["monotone_share"] = float(monotone_share(noise[: curves.shape[-1], 0], curves))
    return found


def scaled(x: Tensor) -> Tensor:
    """Columns ``(n, d)`` at mean 0 and standard deviation 1, so that units do not matter; a constant one is all 0."""
    check_sample(x, "the columns to scale")
    sd = x.std(0, correction=0)
    return (x - x.mean(0)) / torch.where(sd > 0, sd, 1)
