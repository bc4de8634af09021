"""What every metric demands of its samples: float64, rows and columns, finite, alike."""

from __future__ import annotations

import torch
from torch import Tensor


class MetricError(ValueError):
    """Samples that cannot be compared: the message says which one, what is wrong with it, and where."""


def check_sample(x: Tensor, name: str) -> None:
    """Raise `MetricError` unless ``x`` is a finite float64 tensor ``(..., n, d)`` with n, d ≥ 1.

    Args:
        x: The sample.
        name: How the message calls it.

    Raises:
        MetricError: For what is no such tensor; it names the sample, what is wrong and where.
    """
    if not isinstance(x, Tensor) or x.dtype != torch.float64:
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise MetricError(f"{name} is {got}; expected a float64 tensor (..., n, d)")
    if x.ndim < 2 or 0 in x.shape:
        raise MetricError(f"{name} has shape {tuple(x.shape)}; expected (..., n, d) with at least one row and column")
    check_finite(x, name)


def check_finite(x: Tensor, name: str) -> None:
    """Raise `MetricError` for NaN or infinity; it names the sample and the first place."""
    bad = ~torch.isfinite(x)
    if bad.any():
        where = tuple(bad.nonzero()[0].tolist())
        raise MetricError(f"{name} has NaN or infinity in {int(bad.sum())} place(s), first at {where}")


def check_samples(x: Tensor, y: Tensor, *, paired: bool = False) -> None:
    """Raise `MetricError` unless ``x (..., n, d)`` and ``y (..., m, d)`` agree (in ``n = m`` too where `paired`).

    Args:
        x: The truth, ``(..., n, d)``, float64.
        y: The answer, ``(..., m, d)``, float64.
        paired: Whether row i of one belongs to row i of the other.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.
    """
    check_sample(x, "the truth")
    check_sample(y, "the answer")
    if x.shape[:-2] != y.shape[:-2] or x.shape[-1] != y.shape[-1] or (paired and x.shape != y.shape):
        rows = "the same rows" if paired else "any number of rows"
        raise MetricError(
            f"the truth has shape {tuple(x.shape)}, the answer {tuple(y.shape)}; expected {rows}, the rest alike"
        )


def check_pair(x: Tensor, y: Tensor) -> None:
    """Raise `MetricError` unless ``x (n, d)`` and ``y (n, e)`` are two samples of the same n rows.

    Args:
        x: One sample, float64.
        y: The other, float64; its rows belong to those of `x`.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.
    """
    check_sample(x, "the first sample")
    check_sample(y, "the second sample")
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise MetricError(f"samples of shapes {tuple(x.shape)} and {tuple(y.shape)}; expected (n, d) and (n, e)")
