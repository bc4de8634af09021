"""The effect of one intervention against another: a difference of means, with a bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scmbench.datasets.seeds import generator

DRAWS = 1000


@dataclass(frozen=True)
class Effect:
    """``E[outcome | do] - E[outcome | versus]`` over `n` rows: both means, their difference, its 95 % interval.

    The interval is that of the rows (percentile bootstrap, `DRAWS` draws of pairs): the fitted model is taken as it is,
    so what its own error adds is not in it.

    Attributes:
        outcome: The node whose mean is compared.
        mean: Its mean under `do`.
        mean_versus: Its mean under `versus`.
        difference: The first mean less the second.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: How many rows the means are over.
    """

    outcome: str
    mean: float
    mean_versus: float
    difference: float
    low: float
    high: float
    n: int


def effect_of(outcome: str, under: np.ndarray, versus: np.ndarray, *, seed: int) -> Effect:
    """The effect from the outcome's values ``(n,)`` under both interventions, row by row the same seed or unit."""
    apart = torch.tensor(np.asarray(under, dtype="float64") - np.asarray(versus, dtype="float64"))
    stream, n = generator(seed, "effect", outcome), len(apart)
    means = torch.stack([apart[torch.randint(n, (n,), generator=stream)].mean() for _ in range(DRAWS)])
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Effect(outcome, float(np.mean(under)), float(np.mean(versus)), float(apart.mean()), low, high, n)
