"""Scores: the MMD of an intervention's twenty values."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from scmbench.datasets.seeds import generator
from scmbench.metrics import mmd_paper
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

pytestmark = pytest.mark.benchmark(timer=time.process_time)


def plain_mmd(x: np.ndarray, y: np.ndarray) -> float:
    upper = euclidean_distances(x, y, squared=True)[np.triu_indices(len(x))]
    gamma = 1 / np.median(upper[upper > 0])
    return float(
        rbf_kernel(x, gamma=gamma).mean() + rbf_kernel(y, gamma=gamma).mean() - 2 * rbf_kernel(x, y, gamma).mean()
    )


@pytest.mark.parametrize(("groups", "rows"), [(20, 100), (1, 1000)])
def test_mmd(compare, groups, rows):
    x, y = torch.randn(2, groups, rows, 27, dtype=torch.float64, generator=generator(0, "speed"))
    pairs = list(zip(x.numpy(), y.numpy(), strict=True))
    assert mmd_paper(x, y).tolist() == pytest.approx([plain_mmd(*pair) for pair in pairs], rel=1e-6)
    compare(
        lambda: mmd_paper(x, y),
        lambda: [plain_mmd(*pair) for pair in pairs],
        unit=f"MMD of {groups} x {rows:,} rows, 27 columns",
        rounds=15,
    )
