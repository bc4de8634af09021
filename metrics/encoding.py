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
    x: Tensor,
    parents: Tensor,
    *,
    noise: Tensor | None,
    again: Tensor | None,
    curves: Tensor | None = None,
    permutations: int,
    generator: torch.Generator,
) -> dict[str, float]:
    """How far an encoder ``Z = g(x, pa)`` and decoder ``h(Z, pa)`` of one node are what Theorem 1 of DCM assumes.

    * ``hsic`` of Z and pa, columns scaled, and ``hsic_p``, the p-value of their independence.
    * ``reconstruction``: the `reconstruction_error` of h(Z, pa).
    * ``monotone_share`` of ``Z ↦ h(Z, pa)`` over a few pa, where Z has one dimension.

    What a model does not show is None, and the scores that need it are left out.

    The theorem: where Z is independent of pa, the world's ``x = f(pa, u)`` rises with its noise u, and g is invertible
    in x, the counterfactual ``h(Z, γ)`` is as far from the true ``f(γ, u)`` as the reconstruction of ``(f(γ, u), γ)``
    is from it, whatever u and γ. None of the three numbers sees whether f rises: that is the world's, not the model's.

    Args:
        x: The node's values, ``(n, d)``, float64.
        parents: pa, ``(n, p)``, float64.
        noise: Z, ``(n, k)``, float64.
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
    found: dict[str, float] = {}
    if noise is not None:
        pair = scaled(noise), scaled(parents)
        found["hsic"], found["hsic_p"] = hsic_test(*pair, permutations=permutations, generator=generator)
    if again is not None:
        found["reconstruction"] = reconstruction_error(x, again)
    if noise is not None and curves is not None and noise.shape[1] == 1:
        found["monotone_share"] = float(monotone_share(noise[: curves.shape[-1], 0], curves))
    return found


def reconstruction_error(x: Tensor, again: Tensor) -> float:
    """``√ mean (again − x)²`` over rows and columns ``(n, d)``, in standard deviations of x.

    Columns share one unit, the root of their mean variance; a constant x has none and is measured as it is.

    Raises:
        MetricError: For NaN, infinity, other dtypes or shapes that differ.
    """
    check_samples(x, again, paired=True)
    unit = float(x.var(0, correction=0).mean().sqrt()) or 1.0
    return float((again - x).square().mean().sqrt()) / unit


def scaled(x: Tensor) -> Tensor:
    """Columns ``(n, d)`` at mean 0 and standard deviation 1, so that units do not matter; a constant one is all 0."""
    check_sample(x, "the columns to scale")
    sd = x.std(0, correction=0)
    return (x - x.mean(0)) / torch.where(sd > 0, sd, 1)
