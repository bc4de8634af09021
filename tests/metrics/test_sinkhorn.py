"""Sinkhorn divergence and the MMD of the TM-SCM paper: known answers, laws that hold for all, what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scmbench.metrics import MetricError, mmd2_biased, mmd_by_block, sinkhorn, sinkhorn_divergence


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def defined(x: torch.Tensor, y: torch.Tensor, epsilon: float) -> float:
    """``OT_ε`` by its definition: the coupling itself, scaled until both margins hold, and its cost."""
    cost = torch.cdist(x, y).square() / 2
    n, m = cost.shape
    kernel = torch.exp(-cost / epsilon) / (n * m)
    a, b = x.new_ones(n), x.new_ones(m)
    for _ in range(2000):
        a = (1 / n) / (kernel @ b)
        b = (1 / m) / (kernel.T @ a)
    plan = a[:, None] * kernel * b
    return float((plan * cost).sum() + epsilon * (plan * (plan * n * m).log()).sum())


def test_two_points_are_half_their_squared_distance_apart():
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    for shift in ([3.0, 4.0], [0.3, 0.4], [0.003, 0.004]):
        moved = x + torch.tensor(shift, dtype=torch.float64)
        assert float(sinkhorn_divergence(x, moved)) == pytest.approx(math.hypot(*shift) ** 2 / 2, rel=1e-9)


def test_the_same_rows_in_any_order_are_at_zero():
    x = normal(60, 3)
    assert float(sinkhorn_divergence(x, x)) == 0
    assert float(sinkhorn_divergence(x, x.flip(0))) == pytest.approx(0, abs=1e-12)
    one = x[:1].expand(7, 3)
    assert float(sinkhorn_divergence(one, one)) == pytest.approx(0, abs=1e-12)


def test_moving_a_cloud_costs_half_the_squared_way():
    x = normal(200, 2)
    for shift in (0.5, 3.0):
        assert float(sinkhorn_divergence(x, x + torch.tensor([0.0, shift]))) == pytest.approx(shift**2 / 2, rel=0.02)


def test_it_is_its_definition_where_the_steps_are_enough():
    x, y = normal(30, 2), 0.7 * normal(20, 2, seed=1) + 0.5
    expected = defined(x, y, 1.0) - defined(x, x, 1.0) / 2 - defined(y, y, 1.0) / 2
    assert float(sinkhorn_divergence(x, y, blur=1.0, scaling=0.95)) == pytest.approx(expected, rel=1e-4)


def test_without_a_blur_it_is_the_cost_of_the_best_assignment():
    x, y = normal(40, 2), normal(40, 2, seed=1) + 1
    cost = torch.cdist(x, y).square().numpy() / 2
    best = cost[linear_sum_assignment(cost)].mean()
    assert float(sinkhorn_divergence(x, y, blur=1e-3, scaling=0.99)) == pytest.approx(best, rel=1e-2)


def test_it_does_not_know_order_sides_units_or_where_zero_is():
    x, y = normal(50, 3), 1.5 * normal(40, 3, seed=1)
    found = float(sinkhorn_divergence(x, y))
    assert float(sinkhorn_divergence(y, x)) == pytest.approx(found, rel=1e-9)
    assert float(sinkhorn_divergence(x.flip(0), y.roll(7, 0))) == pytest.approx(found, rel=1e-9)
    assert float(sinkhorn_divergence(x + 100, y + 100)) == pytest.approx(found, rel=1e-6)
    assert float(sinkhorn_divergence(10 * x, 10 * y, blur=0.5)) == pytest.approx(100 * found, rel=1e-9)


def test_groups_and_rows_in_parts_give_what_each_gives_alone(monkeypatch):
    x, y = normal(2, 3, 20, 2), normal(2, 3, 15, 2, seed=1)
    found = sinkhorn_divergence(x, y)
    assert found.shape == (2, 3)
    assert float(found[1, 2]) == float(sinkhorn_divergence(x[1, 2], y[1, 2]))
    monkeypatch.setattr(sinkhorn, "PAIRS", 40)
    torch.testing.assert_close(sinkhorn_divergence(x, y), found, rtol=1e-12, atol=0)


def test_temperatures_fall_from_the_diameter_to_the_blur():
    found = sinkhorn._epsilons(3.0, 0.5, 0.5)  # 3, 1.5, 0.75, each squared: the next would be below the blur
    assert found == pytest.approx([9, 9, 2.25, 0.5625, 0.25])
    assert sinkhorn._epsilons(0.0, 0.5, 0.5) == [0.25]


def test_numbers_of_the_code_that_papers_use():
    """GeomLoss 0.3.1, ``SamplesLoss("sinkhorn", p=2, backend="tensorized")``, on rows that need no random stream."""
    k = torch.arange(120, dtype=torch.float64).reshape(40, 3)
    x, y = (1.7 * k).sin(), 1.4 * (2.3 * k[:30] + 1).cos() + 0.2
    assert float(sinkhorn_divergence(x, y)) == pytest.approx(0.42390672282231456, rel=1e-9)


def test_equal_medians_give_an_mmd_with_one_wide_kernel():
    x = normal(40, 3)
    y = x @ torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]], dtype=torch.float64) + 0.5  # turned: the same distances
    width = 2 * torch.pdist(x).median()
    assert float(mmd_by_block(x, y)) == pytest.approx(float(mmd2_biased(x, y, 1 / (2 * width**2))), rel=1e-9)


def test_three_kernels_are_no_distance():
    """A tenth of the answers is eight times too wide: it scores below a perfect answer, and one kernel sees it."""
    x, narrow, wide = normal(2000, 1), normal(2000, 1, seed=1), 8 * normal(2000, 1, seed=2)
    y = torch.where(torch.rand(2000, 1, generator=torch.Generator().manual_seed(3)) < 0.9, narrow, wide)
    width = 2 * torch.pdist(x).median()
    assert float(mmd_by_block(x, y)) < -1e-4
    assert float(mmd_by_block(x, narrow)) > 0
    one = 1 / (2 * width**2)
    assert float(mmd2_biased(x, y, one)) > 20 * float(mmd2_biased(x, narrow, one))


@pytest.mark.parametrize("score", [sinkhorn_divergence, mmd_by_block])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (normal(5, 2), normal(5, 3), r"truth has shape \(5, 2\), the answer \(5, 3\)"),
        (normal(5, 2), normal(5, 2) / 0, "the answer has NaN or infinity"),
        (normal(5, 2).float(), normal(5, 2), "the truth is torch.float32"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(score, x, y, message):
    with pytest.raises(MetricError, match=message):
        score(x, y)


def test_settings_out_of_range_and_samples_without_a_width_are_refused():
    for wrong in ({"blur": 0.0}, {"blur": math.inf}, {"scaling": 1.0}, {"scaling": 0.0}):
        with pytest.raises(MetricError, match="expected a blur above 0 and a scaling within"):
            sinkhorn_divergence(normal(3, 1), normal(3, 1), **wrong)
    with pytest.raises(MetricError, match="two rows a sample at least, got 1"):
        mmd_by_block(normal(3, 1), normal(1, 1))
    with pytest.raises(MetricError, match="half of the distances within the answer are 0"):
        mmd_by_block(normal(3, 1), torch.ones(3, 1, dtype=torch.float64))
