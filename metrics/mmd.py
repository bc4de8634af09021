"""Maximum mean discrepancy with Gaussian kernels: how the DCM paper measures it, and without bias.

Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A Kernel Two-Sample Test", JMLR 13, 2012. Throughout ``x (..., n, d)`` is
the truth, ``y (..., m, d)`` the answer, float64, and the result ``(...)``: leading dimensions are groups of rows, such
as the values of an intervention, each compared by itself. All of it is *squared* MMD. `MetricError` is raised for NaN,
infinity, another dtype or shapes that disagree.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .checks import MetricError, check_sample, check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Multiples of the truth's median squared distance that `mmd_unbiased` averages its kernel over."""


def mmd_paper(x: Tensor, y: Tensor) -> Tensor:
    """The DCM paper's score: `mmd2_biased` at `cross_median_gamma`, so that the answer moves its own yardstick.

    Two samples of one Gaussian score about 0.01 at n = m = 100, and 0.0013 at 1000: the floor.

    Args:
        x: The truth, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64.

    Returns:
        The squared MMD of each group, ``(...)``, at least 0.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.
    """
    return mmd2_biased(x, y, cross_median_gamma(x, y))


def mmd_unbiased(x: Tensor, y: Tensor) -> Tensor:
    """`mmd2_unbiased` at `truth_gammas`: 0 in expectation for a perfect answer, and one yardstick for all answers.

    Args:
        x: The truth, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64.

    Returns:
        The squared MMD of each group, ``(...)``; it may be negative.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree, a sample of a single row, or a truth whose
            rows are all the same.
    """
    return mmd2_unbiased(x, y, truth_gammas(x))


def mmd2_biased(x: Tensor, y: Tensor, gamma: Tensor | float) -> Tensor:
    """``mean k(x, x) + mean k(y, y) − 2 mean k(x, y)`` with ``k(a, b) = exp(−γ‖a − b‖²)``, at least 0.

    The V-statistic: its means include each row with itself.

    Args:
        x: The truth, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64.
        gamma: γ, ``(...)`` or a number.

    Returns:
        The squared MMD of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.

    References:
        Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A Kernel Two-Sample Test", JMLR 13, 2012, the square of
        equation 5.

    >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> mmd2_biased(x, x, gamma=1.0).item()
    0.0
    """
    check_samples(x, y)
    gamma = torch.as_tensor(gamma, dtype=x.dtype)
    xx, yy, xy = (_kernel(_squared_distances(a, b), gamma).mean((-2, -1)) for a, b in ((x, x), (y, y), (x, y)))
    return xx + yy - 2 * xy


def cross_median_gamma(x: Tensor, y: Tensor) -> Tensor:
    """``1 / median`` of the positive squared distances in the upper triangle, diagonal included, of ``‖x_i − y_j‖²``.

    The median heuristic as the DCM paper's released code applies it, between truth and answer.

    Args:
        x: The truth, ``(..., n, d)``, float64.
        y: The answer, ``(..., m, d)``, float64.

    Returns:
        γ for each group, ``(...)``, and 0 where no distance is positive: then both samples are one and the same point,
        and any γ gives their MMD, 0.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.
    """
    check_samples(x, y)
    i, j = torch.triu_indices(x.shape[-2], y.shape[-2])
    medians = _positive_medians(_squared_distances(x, y)[..., i, j])
    return torch.where(medians > 0, 1 / medians, 0.0)


def mmd2_unbiased(x: Tensor, y: Tensor, gammas: Tensor) -> Tensor:
    """``Σ_{i≠j} k(x_i, x_j) / n(n−1) + Σ_{i≠j} k(y_i, y_j) / m(m−1) − 2 mean k(x, y)``; may be negative.

    The U-statistic. k is the mean of b Gaussian kernels, which is characteristic as each one is, and sees differences
    at several scales.

    Args:
        x: The truth, ``(..., n, d)``, float64, n at least 2; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64, m at least 2.
        gammas: The γ of each kernel, ``(..., b)``.

    Returns:
        The squared MMD of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree or a sample of a single row.

    References:
        Gretton, Borgwardt, Rasch, Schölkopf, Smola, "A Kernel Two-Sample Test", JMLR 13, 2012, equation 3.
    """
    check_samples(x, y)
    n, m = x.shape[-2], y.shape[-2]
    if min(n, m) < 2:
        raise MetricError(f"an unbiased MMD needs two rows a sample at least, got {n} and {m}")
    terms = []
    for a, b, diagonal, pairs in ((x, x, n, n * (n - 1)), (y, y, m, m * (m - 1)), (x, y, 0, n * m)):
        sq = _squared_distances(a, b)
        total = torch.stack([_kernel(sq, gamma).sum((-2, -1)) for gamma in gammas.unbind(-1)]).mean(0)
        terms.append((total - diagonal) / pairs)
    return terms[0] + terms[1] - 2 * terms[2]


def truth_gammas(x: Tensor, factors: tuple[float, ...] = FACTORS) -> Tensor:
    """``1 / (f · median)`` for each of the `factors`, over the positive squared distances within ``x``: ``(..., b)``.

    Args:
        x: The truth, ``(..., n, d)``, float64.
        factors: Each f, b of them.

    Returns:
        The γ of b Gaussian kernels for each group, ``(..., b)``.

    Raises:
        MetricError: For NaN, infinity, another dtype, or where all rows of a group are the same, so that the truth has
            no scale.
    """
    check_sample(x, "the truth")
    i, j = torch.triu_indices(x.shape[-2], x.shape[-2], offset=1)
    medians = _positive_medians(_squared_distances(x, x)[..., i, j])
    if not (medians > 0).all():
        raise MetricError("all rows of the truth are the same: its distances give no bandwidth")
    return 1 / (medians[..., None] * torch.tensor(factors, dtype=x.dtype))


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    # Not by matrix product: equal rows have to be at distance 0 exactly, since the median skips them.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square_()


def _kernel(squared: Tensor, gamma: Tensor) -> Tensor:
    return torch.exp_(-gamma[..., None, None] * squared)


def _positive_medians(squared: Tensor) -> Tensor:
    """Median of the positive entries along the last dimension; 0 where there are none."""
    rows = squared.reshape(-1, squared.shape[-1]).numpy()
    medians = [np.median(row[row > 0]) if (row > 0).any() else 0.0 for row in rows]
    return torch.tensor(medians, dtype=torch.float64).reshape(squared.shape[:-1])
