"""Fréchet distance between two samples of features, as if both were Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from ..checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what this function returns; part of the key of every record of images."""


def frechet_distance(x: Tensor, y: Tensor) -> Tensor:
    """``‖μ_x - μ_y‖² + tr(C_x + C_y - 2 (C_x C_y)^½)``, the squared 2-Wasserstein distance of two Gaussians.

    The famous FID is this on 2048 features of an Inception network trained on photographs. A score is named after its
    features: on the 64 of our judge it is ``frechet64`` and never FID. Samples must be of like size to be compared: the
    distance between two samples of one distribution falls with n and grows with d.

    Args:
        x: Features of true images, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: Features of the answers, ``(..., m, d)``.

    Returns:
        The distance of each group, ``(...)``, at least 0, in the squared unit of a feature.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree, or a sample of one row.

    References:
        Dowson, Landau, "The Fréchet distance between multivariate normal distributions", Journal of Multivariate
        Analysis 12, 1982; Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
        Equilibrium", NeurIPS 2017.
    """
    check_samples(x, y)
    if min(x.shape[-2], y.shape[-2]) < 2:
        raise MetricError(f"samples of {x.shape[-2]} and {y.shape[-2]} row(s) have no covariance; expected at least 2")
    means = (x.mean(-2) - y.mean(-2)).square().sum(-1)
    half = _root(_covariance(x))
    # The eigenvalues of C_x C_y are those of C_x^½ C_y C_x^½, which is symmetric.
    product = torch.linalg.eigvalsh(half @ _covariance(y) @ half).clamp(min=0).sqrt().sum(-1)
    traces = sum(z.var(-2).sum(-1) for z in (x, y))
    return (means + traces - 2 * product).clamp(min=0)


def _covariance(x: Tensor) -> Tensor:
    apart = x - x.mean(-2, keepdim=True)
    return apart.mT @ apart / (x.shape[-2] - 1)


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt()[..., None, :] @ vectors.mT
