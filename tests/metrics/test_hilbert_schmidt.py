"""HSIC: its definition, its invariances, a test of independence that keeps its level and gains power."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from scmbench.metrics import MetricError, hsic, hsic_test


def normal(n, d=1, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pvalue(x, y, seed, permutations=99):
    return hsic_test(x, y, permutations=permutations, generator=torch.Generator().manual_seed(seed))[1]


def test_it_is_the_definition_worked_out_by_hand():
    x, y = normal(7, 2), normal(7, seed=1)

    def gram(z):
        d = [[float((a - b).norm()) for b in z] for a in z]
        width = sorted(d[i][j] for i in range(7) for j in range(i))[10]  # the median of 21
        return torch.tensor([[torch.e ** (-(b**2) / (2 * width**2)) for b in row] for row in d], dtype=torch.float64)

    H = torch.eye(7, dtype=torch.float64) - 1 / 7
    expected = torch.trace(gram(x) @ H @ gram(y) @ H) / 49
    assert float(hsic(x, y)) == pytest.approx(float(expected), rel=1e-9)


def test_shifts_scales_rotations_and_sides_do_not_matter():
    x, y = normal(40, 3), normal(40, 2, seed=1)
    y[:, 0] += x[:, 0] ** 2
    Q = torch.linalg.qr(normal(3, 3, seed=2)).Q
    assert float(hsic(x, y)) == pytest.approx(float(hsic(-y, 5 * x @ Q + 1e3)), rel=1e-6)


def test_the_test_compares_the_criterion_itself_with_that_of_permuted_rows():
    x, y = normal(30, 2), normal(30, seed=1) + normal(30, 2)[:, :1] / 2
    observed, p = hsic_test(x, y, permutations=50, generator=torch.Generator().manual_seed(3))
    stream = torch.Generator().manual_seed(3)
    others = [float(hsic(x, y[torch.randperm(30, generator=stream)])) for _ in range(50)]
    assert observed == pytest.approx(float(hsic(x, y)), rel=1e-9)
    assert p == (1 + sum(other >= observed for other in others)) / 51


def test_a_constant_depends_on_nothing():
    x, constant = normal(20), torch.ones(20, 1).double()
    assert float(hsic(x, constant)) == pytest.approx(0, abs=1e-12)
    assert pvalue(x, constant, 0) == 1


@pytest.mark.parametrize("law", ["normal", "cauchy", "levels"])
def test_p_values_are_uniform_under_independence(law):
    """Discrete ones on 1/20, …, 1: compared with the uniform law after smearing each over its step."""
    transform = {
        "normal": lambda z: z,
        "cauchy": lambda z: z / normal(len(z), seed=99).abs(),
        "levels": lambda z: (2 * z).round(),
    }[law]
    found = []
    for seed in range(200):
        pair = normal(25, 2, seed=seed)
        found.append(pvalue(transform(pair[:, :1]), pair[:, 1:], seed + 1000, permutations=19))
    steps = torch.rand(200, generator=torch.Generator().manual_seed(5), dtype=torch.float64) / 20
    assert stats.kstest(torch.tensor(found).double() - steps, "uniform").pvalue > 0.01


def test_power_grows_with_dependence_and_with_rows():
    def power(strength, n):
        found = 0
        for seed in range(40):
            x = normal(n, seed=seed)
            y = strength * x.square() + normal(n, seed=seed + 500)  # no correlation: only a test of dependence sees it
            found += pvalue(x, y, seed, permutations=39) <= 0.05
        return found / 40

    curve = [power(strength, 40) for strength in (0.0, 0.3, 0.6, 1.2)]
    assert curve == sorted(curve)
    assert curve[0] < 0.2
    assert curve[-1] > 0.9
    assert power(0.3, 120) > power(0.3, 40)


@pytest.mark.parametrize(
    ("x", "y", "permutations", "complaint"),
    [
        (normal(5), normal(6), 9, r"shapes \(5, 1\) and \(6, 1\); expected \(n, d\) and \(n, e\)"),
        (normal(5)[:, 0], normal(5), 9, "the first sample has shape"),
        (normal(5).float(), normal(5), 9, "the first sample is torch.float32; expected a float64 tensor"),
        (normal(5), torch.full((5, 1), torch.nan).double(), 9, "the second sample has NaN or infinity in 5 place"),
        (normal(5), normal(5), 0, "permutations=0: expected a whole number above 0"),
        (normal(5), normal(5), 9.5, "permutations=9.5: expected a whole number above 0"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_a_line(x, y, permutations, complaint):
    with pytest.raises(MetricError, match=complaint):
        hsic_test(x, y, permutations=permutations, generator=torch.Generator())
