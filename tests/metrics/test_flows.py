"""What papers on causal flows measure: KL by densities, errors of effects, norms of rows."""

from __future__ import annotations

import pytest
import torch
from scmbench.metrics import MetricError, ate_norm, kl, row_norm


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_kl_of_two_normals_is_the_formula():
    p, q = (torch.distributions.Normal(torch.tensor(m).double(), s) for m, s in ((0.0, 1.0), (0.5, 2.0)))
    x = normal(2, 200_000)
    found = kl(p.log_prob(x), q.log_prob(x))
    assert found.shape == (2,)
    expected = float(torch.distributions.kl_divergence(p, q))
    assert found.tolist() == pytest.approx([expected] * 2, abs=0.01)
    assert kl(p.log_prob(x), p.log_prob(x)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (normal(5), normal(6), r"shape \(5,\), the answer \(6,\)"),
        (normal(5).float(), normal(5), "the truth is torch.float32"),
        (normal(5), [0.0] * 5, "the answer is list"),
        (normal(0), normal(0), "at least one row"),
        (normal(5), normal(5).log(), "the answer has NaN"),
    ],
)
def test_kl_refuses_by_name(x, y, message):
    with pytest.raises(MetricError, match=message):
        kl(x, y)


def test_an_error_of_effects_by_hand():
    truth = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]]).double()  # effect (2, 3)
    answer = torch.tensor([[[0.0, 0.0]], [[1.0, -1.0]]]).double()  # effect (-1, 1)
    assert ate_norm(truth, answer).item() == pytest.approx((9 + 4) ** 0.5)


def test_effects_have_no_error_where_both_sides_are_off_alike():
    x = normal(4, 2, 30, 3)
    torch.testing.assert_close(ate_norm(x, x + 7), torch.zeros(4).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(ate_norm(3 * x, 3 * x.flip(-2)), torch.zeros(4).double(), atol=1e-12, rtol=0)


def test_what_the_truth_itself_scores():
    """Four means of n rows: an error of variance 4 / n a column."""
    x, y = normal(2000, 2, 100, 3), normal(2000, 2, 100, 3, seed=1)
    assert ate_norm(x, y).square().mean().item() == pytest.approx(4 * 3 / 100, rel=0.05)


def test_an_effect_is_of_two_interventions():
    with pytest.raises(MetricError, match=r"shape \(3, 5, 2\); expected \(..., 2, n, d\)"):
        ate_norm(normal(3, 5, 2), normal(3, 5, 2))


def test_the_norm_of_a_row_by_hand_and_its_properties():
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double()
    assert row_norm(x, x + torch.tensor([3.0, 4.0])).item() == 5
    y = normal(3, 20, 4)
    torch.testing.assert_close(row_norm(y, 2 * y), y.norm(dim=-1).mean(-1))
    order = torch.randperm(20)
    torch.testing.assert_close(row_norm(y[:, order], (y + y.sin())[:, order]), row_norm(y, y + y.sin()))
    with pytest.raises(MetricError, match="expected the same rows"):
        row_norm(y, y[:, :5])
