"""Distance correlation: its definition, its invariances, and a test of independence that keeps its level."""

from __future__ import annotations

import pytest
import torch
from scmbench.metrics import MetricError
from scmbench.metrics.dependence import distance_correlation, independence


def normal(n, d=1, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_is_the_definition_worked_out_by_hand():
    x, y = torch.tensor([[0.0], [1.0], [3.0]]).double(), torch.tensor([[0.0], [2.0], [2.0]]).double()

    def centred(z):
        d = [[abs(float(a - b)) for b in z] for a in z]
        mean = [sum(row) / 3 for row in d]
        total = sum(mean) / 3
        return [[d[i][j] - mean[i] - mean[j] + total for j in range(3)] for i in range(3)]

    def product(a, b):
        return sum(p * q for r, s in zip(centred(a), centred(b), strict=True) for p, q in zip(r, s, strict=True))

    expected = product(x, y) / (product(x, x) * product(y, y)) ** 0.5
    assert float(distance_correlation(x, y)) == pytest.approx(expected)


def test_rotations_shifts_and_scales_do_not_matter():
    x, y = normal(60, 3), normal(60, 2, seed=1)
    y[:, 0] += x[:, 0] ** 2
    Q = torch.linalg.qr(normal(3, 3, seed=2)).Q
    assert float(distance_correlation(x, y)) == pytest.approx(float(distance_correlation(5 * x @ Q + 3, -y)))
    assert float(distance_correlation(x, x)) == pytest.approx(1)


def test_a_constant_depends_on_nothing():
    assert float(distance_correlation(normal(20), torch.ones(20, 1).double())) == 0


def test_dependence_without_correlation_is_found_and_independence_is_not():
    x = normal(200)
    stream = torch.Generator().manual_seed(3)
    _, p = independence(x, x**2, permutations=99, generator=stream)
    assert p == 0.01
    levels = []
    for seed in range(60):
        pair = normal(40, 2, seed=seed + 10)
        levels.append(independence(pair[:, :1], pair[:, 1:], permutations=19, generator=stream)[1])
    assert 0.35 < sum(levels) / len(levels) < 0.7  # uniform on 1/20, …, 1 under independence


def test_other_samples_are_refused():
    with pytest.raises(MetricError, match=r"expected \(n, d\) and \(n, e\)"):
        distance_correlation(normal(5), normal(6))
    with pytest.raises(MetricError, match="the second sample has NaN"):
        distance_correlation(normal(5), torch.full((5, 1), torch.nan).double())
