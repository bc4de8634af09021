"""The MMD of two papers on flows as SCMs: its kernel has a bandwidth of its own in each of three parts."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what this function returns; part of every record's key."""


def mmd_by_block(x: Tensor, y: Tensor) -> Tensor:
    """``mean k(x, x) + mean k(y, y) − 2 mean k(x, y)``, ``k(a, b) = exp(−‖a_i − b_j‖² / 2(m(a) + m(b))²)``.

    m(a) is the median distance between the rows of a. So the three parts have three kernels: k(x, x) has the width
    2 m(x), k(y, y) has 2 m(y), k(x, y) has their sum. This is no distance: it may be negative, and an answer that is
    too wide or too narrow widens or narrows the kernel that it is compared with itself by. Where both samples have the
    same median it is `mmd2_biased`, with a wide kernel. Kept to check numbers that were made with it.

    Args:
        x: The truth, ``(..., n, d)``, float64, n at least 2; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64, m at least 2.

    Returns:
        The score of each group, ``(...)``; it may be negative.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree, a sample of a single row, or one in which
            half of all distances are 0.

    References:
        The code published with Chen, Du, "Exogenous Isomorphism for Counterfactual Identifiability", ICML 2025, and
        that published with Javaloy, Sánchez-Martín, Valera, "Causal normalizing flows", NeurIPS 2023.

    >>> x = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)
    >>> mmd_by_block(x, x).item()
    0.0
    """
    check_samples(x, y)
    if (fewest := min(x.shape[-2], y.shape[-2])) < 2:
        raise MetricError(f"a median distance needs two rows a sample at least, got {fewest}")
    of_x, of_y = _median(x, "the truth"), _median(y, "the answer")
    return _mean(x, x, 2 * of_x) + _mean(y, y, 2 * of_y) - 2 * _mean(x, y, of_x + of_y)


def _median(x: Tensor, name: str) -> Tensor:
    groups = [torch.pdist(rows).median() for rows in x.reshape(-1, *x.shape[-2:])]
    medians = torch.stack(groups).reshape(x.shape[:-2])
    if not (medians > 0).all():
        raise MetricError(f"half of the distances within {name} are 0: they give no bandwidth")
    return medians


def _mean(x: Tensor, y: Tensor, width: Tensor) -> Tensor:
    distance = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.exp(-(distance / width[..., None, None]).square() / 2).mean((-2, -1))
