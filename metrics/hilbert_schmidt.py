"""Are two samples of the same rows independent? The Hilbert-Schmidt independence criterion and its permutation test.

The distance correlation of `dependence` is the same criterion with the kernel of distances in place of a Gaussian
(Sejdinovic, Sriperumbudur, Gretton, Fukumizu, "Equivalence of distance-based and RKHS-based statistics in hypothesis
testing", Annals of Statistics 41, 2013). The package `hyppo` has a test of this kind, too; it draws permutations from
NumPy's streams, not from a generator of ours, and is much to install for these lines.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import MetricError, check_pair

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""

ROUNDING = 1e-12
"""What is below it, of a kernel's unit, is not told from 0."""


def hsic(x: Tensor, y: Tensor) -> Tensor:
    """``tr(K H L H) / n²``, 0 or more; in the population 0 only under independence.

    ``K_ij = exp(−‖x_i − x_j‖² / 2σ²)``, L the same of `y`, ``H = I − 1/n``. Each σ is the median distance between rows
    of its sample that differ, so that shifts and scales do not matter; where columns have different units, scale them
    before. It is biased: n independent rows score about ``(1 − mean K)(1 − mean L) / n``. A constant depends on
    nothing and scores 0.

    Args:
        x: One sample, ``(n, d)``, float64.
        y: The other, ``(n, e)``, float64; its rows belong to those of `x`.

    Returns:
        The criterion, a tensor of one number.

    Raises:
        MetricError: For NaN, infinity, other shapes or dtypes.

    References:
        Gretton, Bousquet, Smola, Schölkopf, "Measuring statistical dependence with Hilbert-Schmidt norms", ALT 2005,
        definition 2 (with n² for (n − 1)², as in the test below).

    >>> x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
    >>> bool(hsic(x, x**2) > 10 * hsic(x, x[torch.randperm(101, generator=torch.Generator().manual_seed(0))]))
    True
    """
    check_pair(x, y)
    return (_centred(_gram(x)) * _gram(y)).mean()


def hsic_test(x: Tensor, y: Tensor, *, permutations: int, generator: torch.Generator) -> tuple[float, float]:
    """`hsic` of ``x (n, d)`` and ``y (n, e)``, and the p-value of independence by permuting rows of `y`.

    ``p = (1 + #{permuted ≥ observed}) / (1 + permutations)``: under independent rows no level is exceeded more often
    than it says, whatever n and the laws are.

    Args:
        x: One sample, ``(n, d)``, float64.
        y: The other, ``(n, e)``, float64; its rows belong to those of `x`.
        permutations: How many random permutations of the rows of `y` are compared with, at least 1.
        generator: Where the permutations are drawn from.

    Returns:
        The criterion, and p.

    Raises:
        MetricError: As `hsic` raises it, and for a number of permutations that is none.

    References:
        Gretton, Fukumizu, Teo, Song, Schölkopf, Smola, "A kernel statistical test of independence", NIPS 2007.
    """
    check_pair(x, y)
    if type(permutations) is not int or permutations < 1:
        raise MetricError(f"permutations={permutations!r}: expected a whole number above 0")
    a, b = _features(_gram(x)), _features(_gram(y))
    observed = _product(a, b)
    orders = (torch.randperm(len(y), generator=generator) for _ in range(permutations))
    # The same terms in another order differ by rounding, which makes no smaller value.
    beaten = sum(bool(_product(a, b[order]) >= observed - ROUNDING) for order in orders)
    return float(observed), (1 + beaten) / (1 + permutations)


def _gram(x: Tensor) -> Tensor:
    """The Gaussian kernel matrix ``(n, n)`` at the median distance between rows that differ."""
    distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    apart = distance[distance > 0]  # each pair twice, which leaves the median where it is
    width = apart.median() if len(apart) else distance.new_ones(())
    return torch.exp(-distance.square() / (2 * width.square()))


def _centred(gram: Tensor) -> Tensor:
    """``H K H``."""
    return gram - gram.mean(0) - gram.mean(1, keepdim=True) + gram.mean()


def _features(gram: Tensor) -> Tensor:
    """``F (n, r)`` with ``F Fᵀ = H K H``: a Gaussian's few eigenvalues above rounding, so that permuting is cheap."""
    values, vectors = torch.linalg.eigh(_centred(gram))
    kept = values > ROUNDING * len(gram)  # the trace of K is n
    return vectors[:, kept] * values[kept].sqrt()


def _product(a: Tensor, b: Tensor) -> Tensor:
    """``tr(A Aᵀ B Bᵀ) / n²``."""
    return (a.T @ b).square().sum() / len(a) ** 2
