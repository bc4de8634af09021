"""Scores of discrete nodes, whose values have no distances that mean something: laws of labels, and wrong labels."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def total_variation(x: Tensor, y: Tensor) -> Tensor:
    """``½ Σ_a |#{x_i = a}/n − #{y_j = a}/m|`` over all rows a that occur, in [0, 1]: 0 for equal frequencies.

    The total variation distance between the empirical laws; rows of several columns are one label. Two samples of one
    law with probabilities p_a score about ``Σ_a √(p_a (1 − p_a) (1/n + 1/m) / 2π)``: the floor, 0.018 for a fair coin
    at n = m = 1000. It grows with the number of labels, and says nothing where no value occurs twice.

    Args:
        x: The truth, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        y: The answer, ``(..., m, d)``, float64.

    Returns:
        The distance of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that disagree.

    References:
        Levin, Peres, Wilmer, "Markov Chains and Mixing Times", 2009, proposition 4.2.

    >>> x, y = torch.tensor([[[0.0], [0.0], [1.0], [1.0]], [[0.0], [1.0], [1.0], [1.0]]]).double()
    >>> total_variation(x, y).item()
    0.25
    """
    check_samples(x, y)
    n, m, d = x.shape[-2], y.shape[-2], x.shape[-1]
    found = [_variation(a, b) for a, b in zip(x.reshape(-1, n, d), y.reshape(-1, m, d), strict=True)]
    return torch.stack(found).reshape(x.shape[:-2])


def label_error(truth: Tensor, answer: Tensor) -> Tensor:
    """``#{i : answer_i ≠ truth_i} / n``, the share of rows with another label: ``(..., n, d), (..., n, d) -> (...)``.

    The zero-one loss of a counterfactual label. Where the noise cannot be told from the row, no method reaches 0.

    Args:
        truth: What the labels would have been, ``(..., n, d)``, float64.
        answer: The model's answer for the same rows, ``(..., n, d)``, float64.

    Returns:
        The error rate of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that differ.

    References:
        Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 2009, section 2.4, zero-one loss.
    """
    check_samples(truth, answer, paired=True)
    return (answer != truth).any(-1).double().mean(-1)


def _variation(x: Tensor, y: Tensor) -> Tensor:
    _, label = torch.unique(torch.cat([x, y]), dim=0, return_inverse=True)
    one, other = (torch.bincount(part, minlength=int(label.max()) + 1) for part in (label[: len(x)], label[len(x) :]))
    return (one.double() / len(x) - other.double() / len(y)).abs().sum() / 2
