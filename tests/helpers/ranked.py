"""A rung of three methods on three worlds, whose ranks are known."""

from __future__ import annotations

import numpy as np
from scmbench.benchmarks.judging.blocks import Rung, World

METHODS = [("nsf", ""), ("dcm", "corrected"), ("linear", "")]


def world(name, order, seeds=5):
    ranks = np.tile(np.array(order, dtype=float), (seeds, 1))
    gains, gaps = np.tile(np.array([[[0.5, 0.25, -3.0]]]), (1, seeds, 1)), np.ones((1, seeds))
    return World(name, range(seeds), ranks, gains, gaps, np.zeros(3, dtype=int))


RUNG = Rung(
    "counterfactual",
    METHODS,
    [
        world("dcm/chain/nlin", [1, 2, 3]),
        world("drawn/5/2/gp/additive", [1, 2, 3]),
        world("drawn/10/2/linear/heavy", [3, 2, 1]),
    ],
)
