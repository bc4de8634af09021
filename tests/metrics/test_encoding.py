"""What is seen of an abduction: order of noise and values, and the three numbers of Theorem 1."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from scmbench.metrics import MetricError, encoding_scores, monotone_share


def normal(n, d=1, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scores(noise, parents, x, again, curves=None):
    stream = torch.Generator().manual_seed(0)
    return encoding_scores(x, parents, noise=noise, again=again, curves=curves, permutations=99, generator=stream)


def test_the_share_is_kendalls_tau():
    u, x = normal(30)[:, 0], normal(30, seed=1)[:, 0] + normal(30)[:, 0]
    tau = stats.kendalltau(u, x).statistic
    assert float(monotone_share(u, x[None])) == pytest.approx((1 + tau) / 2)


def test_only_the_order_counts_and_not_which_way_round_the_noise_is():
    u = normal(30)[:, 0]
    rising = torch.stack([u.exp(), u**3 - 7])
    assert float(monotone_share(u, rising)) == float(monotone_share(-u, rising)) == 1
    assert float(monotone_share(u, torch.stack([u, -u]))) == 0.5  # a mirror: one way here, the other way there
    fold = torch.linspace(-1, 1, 101).double()
    assert float(monotone_share(fold, fold.square()[None])) == pytest.approx(0.5, abs=0.01)


def test_ties_count_half():
    u = torch.arange(4).double()
    assert float(monotone_share(u, torch.tensor([[0.0, 0.0, 1.0, 1.0]]).double())) == pytest.approx((4 + 2 / 2) / 6)


def test_a_right_encoding_passes_and_each_fault_shows_in_its_number():
    pa, u = normal(300), normal(300, seed=1)
    x = pa.sin() + u
    curves = torch.stack([u[:50, 0] - 1, u[:50, 0] + 2])
    right = scores(u, pa, x, x, curves)
    assert right["hsic_p"] > 0.05
    assert (right["reconstruction"], right["monotone_share"]) == (0, 1)
    dependent = scores(x, pa, x, x, curves)  # noise that still holds its cause
    assert dependent["hsic_p"] == 0.01
    assert dependent["hsic"] > 5 * right["hsic"]
    assert scores(u, pa, x, x + 0.1 * x.std(correction=0))["reconstruction"] == pytest.approx(0.1)
    turned = torch.stack([curves[0], -curves[1]])
    assert scores(u, pa, x, x, turned)["monotone_share"] == pytest.approx(0.5)


def test_units_do_not_matter_and_noise_of_several_dimensions_has_no_order():
    pa, u = normal(80, 2), normal(80, 2, seed=1)
    x = u[:, :1] + pa[:, :1]
    here, there = scores(u, pa, x, x + 0.2), scores(u * 7, pa * torch.tensor([1e6, 1e-6]).double(), 9 * x, 9 * x + 1.8)
    assert here == pytest.approx(there, rel=1e-6)
    assert "monotone_share" not in scores(u, pa, x, x, x.T)


def test_what_a_model_does_not_show_is_left_out():
    pa, u = normal(30), normal(30, seed=1)
    assert scores(None, pa, u, u, u.T).keys() == {"reconstruction"}
    assert scores(u, pa, u, None).keys() == {"hsic", "hsic_p"}
    assert scores(None, pa, u, None) == {}


def test_a_constant_node_is_measured_in_its_own_unit():
    x = torch.full((20, 1), 3.0).double()
    assert scores(normal(20), normal(20, seed=1), x, x + 2)["reconstruction"] == 2


@pytest.mark.parametrize(
    ("u", "x", "complaint"),
    [
        (normal(5)[:, 0], normal(2, 4), r"the curves: shape \(2, 4\)"),
        (normal(5), normal(2, 5), r"the noise: shape \(5, 1\)"),
        (normal(1)[:, 0], normal(2, 1), r"the noise: shape \(1,\); .* at least two rows"),
        (normal(5)[:, 0], torch.full((2, 5), torch.inf).double(), "the curves has NaN or infinity"),
        (normal(5)[:, 0].float(), normal(2, 5), "the noise: got torch.float32; expected a float64 tensor"),
        ([0.0, 1.0], normal(1, 2), "the noise: got list; expected a float64 tensor"),
    ],
)
def test_curves_that_do_not_fit_are_refused_in_a_line(u, x, complaint):
    with pytest.raises(MetricError, match=complaint):
        monotone_share(u, x)
