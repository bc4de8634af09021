"""Can a classifier tell two samples apart? Its accuracy on rows that it has not seen, above chance."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits
from torch import Tensor

from .checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what this function returns; part of every record's key."""

TREES, HELD_OUT, LEAST = 100, 0.2, 3


def c2st_forest(truth: Tensor, answer: Tensor, *, seed: int = 0) -> Tensor:
    """``|accuracy − 1/2|`` of a random forest on a fifth of the rows, as many of either sample: from 0 to 1/2.

    With k held-out rows, two samples of one law have about ``0.4 / √k``, not 0: print the oracle beside it.

    Args:
        truth: Rows of the world, ``(..., n, d)``, float64; leading dimensions are groups, each compared by itself.
        answer: Rows of the model, ``(..., m, d)``, float64.
        seed: Where the forest, and the choice of rows, come from.

    Returns:
        The accuracy above chance of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree, or fewer than 3 rows a sample.

    References:
        Lopez-Paz, Oquab, "Revisiting classifier two-sample tests", ICLR 2017, section 3, with a forest for the network.

    >>> x = torch.linspace(0, 1, 100, dtype=torch.float64)[:, None]
    >>> c2st_forest(x, x + 5).item()
    0.5
    """
    check_samples(truth, answer)
    least = min(truth.shape[-2], answer.shape[-2])
    if least < LEAST:
        raise MetricError(f"a classifier needs at least {LEAST} rows a sample, got {least}")
    groups = zip(*(x.reshape(-1, *x.shape[-2:]).numpy() for x in (truth, answer)), strict=True)
    with threadpool_limits(1):
        each = [_above_chance(x, y, seed) for x, y in groups]
    return torch.tensor(each, dtype=torch.float64).reshape(truth.shape[:-2])


def _above_chance(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    n, stream = min(len(x), len(y)), np.random.RandomState(seed)
    rows = np.concatenate([sample[stream.permutation(len(sample))[:n]] for sample in (x, y)])
    label = np.repeat([0, 1], n)
    known, asked, known_label, label = train_test_split(rows, label, test_size=HELD_OUT, random_state=seed)
    forest = RandomForestClassifier(n_estimators=TREES, random_state=seed).fit(known, known_label)
    return abs(float((forest.predict(asked) == label).mean()) - 0.5)
