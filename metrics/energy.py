"""Energy distance between two samples."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import check_samples

VERSION = 1
"""Counts changes of what this function returns; part of every record's key."""


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """``2 mean ‖x − y‖ − mean ‖x − x'‖ − mean ‖y − y'‖``, at least 0, in the unit of the data.

    The means include each row with itself.

    Args:
        x: The truth, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64.

    Returns:
        The distance of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.

    References:
        Székely, Rizzo, "Energy statistics: A class of statistics based on distances", Journal of Statistical Planning
        and Inference 143, 2013, the two-sample statistic without its factor nm/(n + m).

    >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    >>> energy_distance(x, x + 3).item()
    5.0
    """
    check_samples(x, y)
    exact = "donot_use_mm_for_euclid_dist"  # the default loses half the digits of rows that are close together
    xy, xx, yy = (torch.cdist(a, b, compute_mode=exact).mean((-2, -1)) for a, b in ((x, y), (x, x), (y, y)))
    return 2 * xy - xx - yy
