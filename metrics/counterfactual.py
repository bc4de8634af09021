"""Errors of counterfactual rows: each answer against the one true value of its row."""

from __future__ import annotations

from torch import Tensor

from .checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def mse(truth: Tensor, answer: Tensor) -> Tensor:
    """Mean squared error over rows, a number a column: ``(..., n, d), (..., n, d) -> (..., d)``, float64.

    Args:
        truth: What the columns would have been, ``(..., n, d)``, float64.
        answer: The model's answer for the same rows, ``(..., n, d)``, float64.

    Returns:
        ``mean (answer − truth)²`` over the n rows, ``(..., d)``, in the squared unit of each column.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that differ.
    """
    check_samples(truth, answer, paired=True)
    return (answer - truth).square().mean(-2)


def relative_rmse(truth: Tensor, answer: Tensor) -> Tensor:
    """``√ mean ((answer − truth) / sd)²`` over rows and columns: ``(..., n, d), (..., n, d) -> (...)``, float64.

    The ``sd`` of a column is that of the truth over *all* rows of all groups, so that an intervention value under which
    a node hardly varies has no yardstick of its own; answering with the mean of the truth scores about 1.

    Args:
        truth: What the columns would have been, ``(..., n, d)``, float64.
        answer: The model's answer for the same rows, ``(..., n, d)``, float64.

    Returns:
        A number without unit for each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that differ, or a column of the truth that is constant.
    """
    check_samples(truth, answer, paired=True)
    sd = truth.reshape(-1, truth.shape[-1]).std(0, correction=0)
    if (sd == 0).any():
        raise MetricError(f"column {int((sd == 0).nonzero()[0])} of the truth is constant: it gives the error no unit")
    return ((answer - truth) / sd).square().mean((-2, -1)).sqrt()
