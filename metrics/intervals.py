"""Intervals against the truth that they should hold: how often they do, how wide they are, and one score of both."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def coverage(truth: Tensor, low: Tensor, high: Tensor, *, slack: Tensor | float = 0.0) -> Tensor:
    """The share of entries that lie in their interval, ends included: ``(..., n, d)`` thrice to ``(...)``, float64.

    Args:
        truth: What the entries are, ``(..., n, d)``, float64.
        low: Lower ends, of the same shape.
        high: Upper ends, of the same shape.
        slack: By how much an interval may miss and still count, in the unit of the data, a number or ``(d,)``: a right
            answer without width misses by its rounding.

    Returns:
        A share for each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that differ, or an upper end below its lower one.
    """
    _check(truth, low, high)
    return ((low - slack <= truth) & (truth <= high + slack)).double().mean((-2, -1))


def width(low: Tensor, high: Tensor) -> Tensor:
    """The mean of ``high − low`` over rows and columns: ``(..., n, d), (..., n, d) -> (...)``, float64.

    Args:
        low: Lower ends, ``(..., n, d)``, float64.
        high: Upper ends, of the same shape.

    Returns:
        A width for each group, ``(...)``, in the unit of the data.

    Raises:
        MetricError: As `coverage`.
    """
    _check(low, low, high)
    return (high - low).mean((-2, -1))


def interval_score(truth: Tensor, low: Tensor, high: Tensor, *, level: float) -> Tensor:
    """The mean interval score, lower is better: ``(..., n, d)`` thrice to ``(...)``, float64.

    With ``α = 1 − level``, an interval ``[l, u]`` and the truth x,

        S(l, u; x) = (u − l) + 2/α (l − x) 1{x < l} + 2/α (x − u) 1{x > u} :

    its width, and a fine for missing in proportion to how far. Of all intervals, the one between the quantiles α/2 and
    1 − α/2 of x's law has the least expected score, so that neither being wide nor being bold pays.

    Args:
        truth: What the entries are, ``(..., n, d)``, float64.
        low: Lower ends, of the same shape.
        high: Upper ends, of the same shape.
        level: How likely an interval should hold the truth, above 0 and below 1.

    Returns:
        A score for each group, ``(...)``, in the unit of the data.

    Raises:
        MetricError: As `coverage`, and for a level outside of 0 to 1.

    References:
        Gneiting, Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", JASA 2007, eq. 43; Winkler, "A
        decision-theoretic approach to interval estimation", JASA 1972.
    """
    _check(truth, low, high)
    if not 0 < level < 1:
        raise MetricError(f"level={level!r}: expected a number above 0 and below 1")
    missed = (low - truth).clamp(min=0) + (truth - high).clamp(min=0)
    return (high - low + 2 / (1 - level) * missed).mean((-2, -1))


def _check(truth: Tensor, low: Tensor, high: Tensor) -> None:
    check_samples(truth, low, paired=True)
    check_samples(truth, high, paired=True)
    if bool(torch.any(low > high)):
        raise MetricError("an interval has its upper end below its lower one")
