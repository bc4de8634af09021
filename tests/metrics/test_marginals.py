"""Distances between single columns, and a classifier's: by hand, by scipy, groups, refusals."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from scmbench.metrics import MetricError, c2st_forest, ks, w1


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_hand():
    x = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    y = torch.tensor([[0.0], [10.0]], dtype=torch.float64)
    assert float(ks(x, y)) == 0.5
    assert float(w1(x, y)) == pytest.approx((0 + 1 + 8 + 7) / 4)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(ks, lambda a, b: stats.ks_2samp(a, b).statistic), (w1, stats.wasserstein_distance)]
)
def test_groups_and_columns(ours, theirs):
    x, y = normal(3, 40, 2), 0.5 + normal(3, 25, 2, seed=1)
    expected = [sum(theirs(x[g, :, d], y[g, :, d]) for d in range(2)) / 2 for g in range(3)]
    torch.testing.assert_close(ours(x, y), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("distance", [ks, w1, c2st_forest])
def test_one_sample_with_itself_and_samples_that_cannot_be_compared(distance):
    x = normal(60, 2)
    if distance is not c2st_forest:
        assert float(distance(x, x[torch.randperm(60, generator=torch.Generator().manual_seed(0))])) == 0
    assert distance(normal(2, 20, 1), normal(2, 30, 1)).shape == (2,)
    with pytest.raises(MetricError, match="NaN"):
        distance(x, torch.full_like(x, torch.nan))
    with pytest.raises(MetricError, match="shape"):
        distance(x, x[:, :1])


def test_atoms_that_are_missed_by_little():
    x = torch.tensor([[-1.0], [1.0]], dtype=torch.float64).repeat(50, 1)
    assert float(ks(x, x + 1e-9)) == 0.5
    assert float(w1(x, x + 1e-9)) < 1e-8


def test_a_forest_at_chance_and_sure():
    x = normal(400, 3)
    assert float(c2st_forest(x, normal(500, 3, seed=1))) < 0.12
    assert float(c2st_forest(x, normal(500, 3, seed=1) + 6)) == 0.5
    assert float(c2st_forest(x, x + 0.7)) == float(c2st_forest(x, x + 0.7)) > 0.1


def test_a_forest_needs_rows():
    with pytest.raises(MetricError, match="at least 3 rows"):
        c2st_forest(normal(2, 1), normal(50, 1))
