"""Errors of counterfactual images: one number a group of rows, never one a pixel column.

A pixel of the border hardly varies: in units of its own standard deviation its noise would weigh as much as a stroke.
All pixels count alike here, and the yardstick, where one is needed, is how far the truth is from the factual image.
"""

from __future__ import annotations

from torch import Tensor

from ..checks import MetricError
from .checks import check_paired

VERSION = 1
"""Counts changes of what these functions return; part of the key of every record of images."""

_ROW, _GROUP = (-3, -2, -1), (-4, -3, -2, -1)


def cf_mse(truth: Tensor, answer: Tensor) -> Tensor:
    """``mean (x_cf - x*)²`` over rows, channels and pixels: ``(..., n, c, h, w), (..., n, c, h, w) -> (...)``.

    Args:
        truth: What the images would have been.
        answer: The model's answer for the same rows.

    Returns:
        The error of each group, at least 0, float64.

    Raises:
        MetricError: For NaN, infinity, what is no image, or shapes that differ.
    """
    x, y = check_paired(truth, answer, "the truth", "the answer")
    return (y - x).square().mean(_GROUP)


def cf_mae(truth: Tensor, answer: Tensor) -> Tensor:
    """``mean |x_cf - x*|`` over rows, channels and pixels: ``(..., n, c, h, w), (..., n, c, h, w) -> (...)``.

    Args:
        truth: What the images would have been.
        answer: The model's answer for the same rows.

    Returns:
        The error of each group, at least 0, in the unit of a pixel, float64.

    Raises:
        MetricError: For NaN, infinity, what is no image, or shapes that differ.
    """
    x, y = check_paired(truth, answer, "the truth", "the answer")
    return (y - x).abs().mean(_GROUP)


def cf_relative(truth: Tensor, answer: Tensor, factual: Tensor) -> Tensor:
    """``mean (x_cf - x*)² / mean (x - x*)²``: the error in units of doing nothing, ``(...)``.

    The oracle scores 0, the factual image itself 1; above 1 an answer is worse than none. It is a ratio of two means
    over a group, so that rows on which the intervention does little have no say beyond their own error.

    Args:
        truth: What the images would have been, ``(..., n, c, h, w)``.
        answer: The model's answer for the same rows.
        factual: The images as they were.

    Returns:
        The relative error of each group, at least 0, float64.

    Raises:
        MetricError: For NaN, infinity, what is no image, shapes that differ, or a group in which the intervention
            changes no pixel: doing nothing is right there, and gives the error no unit.
    """
    x, before = check_paired(truth, factual, "the truth", "the factual image")
    error, unit = cf_mse(truth, answer), (before - x).square().mean(_GROUP)
    if (unit == 0).any():
        where = f"group {tuple((unit == 0).nonzero()[0].tolist())}" if unit.ndim else "it"
        raise MetricError(f"the truth is the factual image in every row of {where}: the error has no unit")
    return error / unit


def l1(x: Tensor, y: Tensor) -> Tensor:
    """``mean |x - y|`` of every image over its channels and pixels: ``(..., n, c, h, w) -> (..., n)``, float64.

    The distance of composition, reversibility and minimality, which papers call L1 (Monteiro et al. 2023, section 3).

    Args:
        x: Images, such as the factual ones.
        y: As many others.

    Returns:
        A distance a row, at least 0, in the unit of a pixel.

    Raises:
        MetricError: For NaN, infinity, what is no image, or shapes that differ.
    """
    a, b = check_paired(x, y, "the first image", "the second image")
    return (a - b).abs().mean(_ROW)
