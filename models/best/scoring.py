"""Which of several fitted mechanisms predicts held-out rows best, and which cannot be told from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy import stats
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..contract.levels import nearest
from ..contract.nodewise import Mechanism, Task

DRAWS = 20
"""Draws a held-out row: the score is unbiased at any number, this one keeps its noise below that of the rows."""

LEVEL = 0.05
"""A mechanism stays unless it is worse than the best by a one-sided test at this level."""


def energy_scores(mechanism: Mechanism, task: Task) -> Tensor:
    """The energy score of every row of `task` under the mechanism's conditional law, ``(n,)``; lower is better.

    With draws ``y_1, …, y_m`` from the mechanism given the row's parents, in standard deviations of the task's x,

        mean_i ‖y_i − x‖ − 1 / (2 m (m − 1)) Σ_{i ≠ j} ‖y_i − y_j‖ ,

    whose expectation is least for the true law (Gneiting, Raftery, "Strictly Proper Scoring Rules, Prediction, and
    Estimation", JASA 2007, section 4.3). It takes draws alone, so that mechanisms with and without a density compare.
    Infinite where a draw is not finite.
    """
    n = len(task.x)
    given = task.parents.repeat_interleave(DRAWS, 0).to(mechanism.dtype)
    y = mechanism.draw(given, generator(task.seed, "draws")).double()
    if task.levels is not None and bool(torch.isfinite(y).all()):
        y = nearest(y, task.levels)
    sd = task.x.std(0, correction=0)
    unit = torch.where(sd > 0, sd, 1.0)
    y, x = y.reshape(n, DRAWS, -1) / unit, task.x[:, None] / unit
    between = torch.cdist(y, y).sum((-2, -1)) / (2 * DRAWS * (DRAWS - 1))
    score = (y - x).norm(dim=-1).mean(-1) - between
    return torch.where(torch.isfinite(y).all(-1).all(-1), score, torch.inf)


def contenders(scores: Mapping[str, Tensor]) -> list[str]:
    """The names whose mean score is not surely above the least one, best first.

    Rows are paired: a name falls out where Student's t of its differences to the best, row by row, is beyond the
    one-sided `LEVEL`, or where a score is not finite. Empty where all have one that is not.
    """
    finite = {name: s.numpy() for name, s in scores.items() if bool(torch.isfinite(s).all())}
    order = sorted(finite, key=lambda name: float(finite[name].mean()))
    return [name for name in order if name == order[0] or not _worse(finite[name] - finite[order[0]])]


def _worse(gap: np.ndarray) -> bool:
    n = len(gap)
    if n < 2:
        return False
    error = float(gap.std(ddof=1)) / n**0.5
    return float(gap.mean()) > float(stats.t.ppf(1 - LEVEL, n - 1)) * error


def members(names: Sequence[str], count: int) -> list[str]:
    """`count` names in turn: ``["a", "b"], 3`` gives ``a, b, a``."""
    return [names[i % len(names)] for i in range(count)]
