"""Energy distance and sliced Wasserstein distance against SciPy and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from scmbench.metrics import energy_distance, sliced_wasserstein


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("n", "m"), [(30, 30), (20, 50), (50, 7)])
def test_on_the_line_both_are_scipys(n, m):
    x, y = normal(n, 1), normal(m, 1, seed=1) * 2 + 1
    u, v = x[:, 0].numpy(), y[:, 0].numpy()
    assert float(energy_distance(x, y)) == pytest.approx(stats.energy_distance(u, v) ** 2, rel=1e-9)
    assert float(sliced_wasserstein(x, y)) == pytest.approx(stats.wasserstein_distance(u, v), rel=1e-9)


def test_energy_in_the_plane_by_hand():
    x = torch.tensor([[0.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    y = torch.tensor([[3.0, 0.0]], dtype=torch.float64)
    assert float(energy_distance(x, y)) == pytest.approx(2 * (3 + 5) / 2 - (4 + 4) / 4)


def test_sliced_wasserstein_is_the_mean_over_directions_of_scipys():
    x, y = normal(20, 3), normal(35, 3, seed=1) + 1
    stream = torch.Generator().manual_seed(5)
    theta = torch.randn(3, 16, generator=stream, dtype=torch.float64)
    theta = theta / theta.norm(dim=0)
    each = [stats.wasserstein_distance((x @ t).numpy(), (y @ t).numpy()) for t in theta.T]
    assert float(sliced_wasserstein(x, y, directions=16, seed=5)) == pytest.approx(sum(each) / 16, rel=1e-9)


def test_a_shift_in_the_plane_costs_its_length_times_the_mean_cosine():
    x = normal(50, 2)
    shifted = x + torch.tensor([3.0, 4.0], dtype=torch.float64)
    assert float(sliced_wasserstein(x, shifted, directions=20_000)) == pytest.approx(5 * 2 / math.pi, rel=0.02)


def test_directions_come_from_the_seed_alone():
    x, y = normal(20, 3), normal(20, 3, seed=1)
    before = torch.random.get_rng_state()
    first = sliced_wasserstein(x, y)
    assert first.equal(sliced_wasserstein(x, y, seed=0))
    assert not first.equal(sliced_wasserstein(x, y, seed=1))
    assert torch.random.get_rng_state().equal(before)


@pytest.mark.parametrize("distance", [energy_distance, sliced_wasserstein])
def test_what_a_distance_has_to_be(distance):
    x, y = normal(2, 3, 20, 4), normal(2, 3, 25, 4, seed=1) + 0.3
    together = distance(x, y)
    assert together.shape == (2, 3)
    assert (together > 0).all()
    torch.testing.assert_close(together, distance(y, x))
    torch.testing.assert_close(together, distance(x.flip(-2), y))
    torch.testing.assert_close(distance(7 * x + 100, 7 * y + 100), 7 * together)
    torch.testing.assert_close(together[1, 2], distance(x[1, 2], y[1, 2]))
    assert float(distance(x, x).abs().max()) < 1e-12
