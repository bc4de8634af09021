"""Errors of effects: by hand, by scipy, in what they must not see, and where they have nothing to measure."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from scmbench.metrics import MetricError, mean_effect, rank_error, sign_error
from torch import Tensor


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_mean_effect_by_hand():
    x = torch.tensor([[[0.0, 1.0], [2.0, 1.0]], [[4.0, 1.0], [6.0, 1.0]]], dtype=torch.float64)
    y = x.clone()
    y[0, :, 0] += (
        1  # groups' means 2 and 5 instead of 1 and 5: both effects are off by 1/2; the second column is constant
    )
    assert mean_effect(x, y).tolist() == pytest.approx([0.5 / math.sqrt(5)] * 2)


def test_mean_effect_sees_neither_a_shift_nor_the_unit_of_a_column():
    x, y = normal(3, 50, 2), normal(3, 40, 2, seed=1)
    found = mean_effect(x, y)
    torch.testing.assert_close(mean_effect(x, y + torch.tensor([7.0, -3.0])), found)
    unit = torch.tensor([1e4, 1e-4], dtype=torch.float64)
    torch.testing.assert_close(mean_effect(unit * x, unit * y), found)


def test_two_samples_of_one_law_have_the_error_that_the_docstring_says():
    g, n = 4, 500
    found = torch.stack([mean_effect(normal(g, n, 3, seed=i), normal(g, n, 3, seed=100 + i)) for i in range(60)])
    assert found.mean().item() == pytest.approx(math.sqrt(4 * (1 - 1 / g) / (math.pi * n)), rel=0.08)


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (normal(1, 9, 2), "two groups or more"),
        (normal(9, 2), "two groups or more"),
        (torch.ones(2, 9, 2, dtype=torch.float64), "no column of the truth varies"),
        (normal(2, 9, 2).float(), "float64"),
    ],
)
def test_mean_effect_refuses_what_has_no_effects(x, what):
    with pytest.raises(MetricError, match=what):
        mean_effect(x, x)


def test_sign_error_counts_rows_with_an_effect_and_half_of_no_answer():
    x = torch.tensor([[[1.0, 0.0], [-1.0, 0.0], [3.0, 0.0], [0.0, 0.0]]], dtype=torch.float64)
    y = torch.tensor([[[2.0, 9.0], [1.0, 9.0], [0.0, 9.0], [5.0, 9.0]]], dtype=torch.float64)
    assert sign_error(x, y).item() == pytest.approx((0 + 1 + 0.5) / 3)  # the second column never has an effect
    assert sign_error(0 * x, y).tolist() == [0.0]
    assert sign_error(x, 1e-12 * x).item() == 0.5  # what rounding leaves of no effect is none


def test_a_coin_and_doing_nothing_score_a_half():
    x = normal(2, 4000, 3)
    assert sign_error(x, 0 * x).tolist() == [0.5, 0.5]
    assert rank_error(x, 0 * x).tolist() == [0.5, 0.5]
    assert sign_error(x, normal(2, 4000, 3, seed=1)).tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert rank_error(x, normal(2, 4000, 3, seed=1)).tolist() == pytest.approx([0.5, 0.5], abs=0.02)


def test_rank_error_is_scipys_spearman_with_ties():
    x, y = (normal(2, 30, 3, seed=i).mul(2).round() for i in (2, 3))
    rho = [[stats.spearmanr(x[g, :, k], y[g, :, k]).statistic for k in range(3)] for g in range(2)]
    torch.testing.assert_close(rank_error(x, y), (1 - torch.tensor(rho, dtype=torch.float64).mean(-1)) / 2)


def test_effects_that_are_alike_but_for_rounding_have_no_order():
    x = torch.full((1, 20, 2), 3.0, dtype=torch.float64)
    x[..., 0] += 1e-13 * normal(20)
    x[..., 1] = normal(20, seed=1)
    assert rank_error(x, -x).item() == 1  # of the second column alone
    assert rank_error(x[..., :1], normal(1, 20, 1)).tolist() == [0.0]


@pytest.mark.parametrize("score", [sign_error, rank_error])
def test_rows_may_be_permuted_and_units_changed(score):
    x, y = normal(2, 30, 2), normal(2, 30, 2, seed=1)
    order, found = torch.randperm(30, generator=torch.Generator().manual_seed(0)), score(x, y)
    torch.testing.assert_close(score(x[:, order], y[:, order]), found)
    torch.testing.assert_close(score(1e6 * x, 1e6 * y), found)


@pytest.mark.parametrize("score", [sign_error, rank_error])
def test_rows_that_do_not_belong_together_are_refused(score):
    with pytest.raises(MetricError, match="the same rows"):
        score(normal(2, 30, 2), normal(2, 29, 2))
