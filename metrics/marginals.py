"""Distances between the laws of single columns: the largest gap of distribution functions, the area between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from .checks import check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def ks(truth: Tensor, answer: Tensor) -> Tensor:
    """``sup_t |F(t) − G(t)|`` of each column's empirical distribution functions, its mean over columns: from 0 to 1.

    Two samples of n and m rows of one continuous law have about ``0.87 √(1/n + 1/m)``. Where a law has atoms, an answer
    that misses them by any distance, however small, is off by their mass.

    Args:
        truth: Rows of the world, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        answer: Rows of the model, ``(..., m, d)``, float64.

    Returns:
        The distance of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.

    References:
        Smirnov, "Table for estimating the goodness of fit of empirical distributions", Annals of Mathematical
        Statistics 19, 1948; by scipy's ``ks_2samp``.

    >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> ks(x, x + 1).item()
    0.5
    """
    return _by_column(truth, answer, lambda x, y: stats.ks_2samp(x, y, method="asymp").statistic)


def w1(truth: Tensor, answer: Tensor) -> Tensor:
    """``∫ |F(t) − G(t)| dt`` of each column, Wasserstein's distance of order 1, its mean over columns, in their unit.

    Args:
        truth: Rows of the world, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        answer: Rows of the model, ``(..., m, d)``, float64.

    Returns:
        The distance of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.

    References:
        Vallender, "Calculation of the Wasserstein distance between probability distributions on the line", Theory of
        Probability and its Applications 18, 1974; by scipy's ``wasserstein_distance``.

    >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> w1(x, x + 1).item()
    1.0
    """
    return _by_column(truth, answer, stats.wasserstein_distance)


def _by_column(truth: Tensor, answer: Tensor, distance: Callable[..., float]) -> Tensor:
    check_samples(truth, answer)
    groups = zip(_columns(truth), _columns(answer), strict=True)
    each = [float(np.mean([distance(a, b) for a, b in zip(x.T, y.T, strict=True)])) for x, y in groups]
    return torch.tensor(each, dtype=torch.float64).reshape(truth.shape[:-2])


def _columns(x: Tensor) -> np.ndarray:
    """Groups of rows ``(g, n, d)``."""
    return x.reshape(-1, *x.shape[-2:]).numpy()
