"""Schedules and deterministic diffusion: published numbers, one loop both ways, what each clamp does."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from scmbench.models.images.ddim import walk
from scmbench.models.images.schedule import alpha_bar, cut, exact_path, offset_path, spaced

COSINE = alpha_bar("cosine")


def test_the_published_schedules():
    wanted = {0: 0.99995872, 499: 0.49384359, 998: 2.42877e-6, 999: 2.42877e-9}
    assert {t: float(COSINE[t]) for t in wanted} == pytest.approx(wanted, rel=1e-5)
    linear = alpha_bar("linear")
    assert float(linear[0]) == pytest.approx(1 - 1e-4)
    assert float(linear[-1]) == pytest.approx(4.0358e-5, rel=1e-4)
    with pytest.raises(ValueError, match="schedule='cubic': choose one of"):
        alpha_bar("cubic")


def jumps(path):
    return [math.sqrt(step.there / step.here) for step in path]


def test_the_cut_schedule_has_no_jump_and_the_whole_one_has():
    assert len(cut(COSINE)) == 979
    assert max(jumps(exact_path(cut(COSINE), 100, forward=False))) <= 2.1
    assert max(jumps(exact_path(COSINE, 1000, forward=False))) == pytest.approx(31.6, abs=0.1)
    assert max(jumps(exact_path(COSINE, 50, forward=False))) > 500


def test_the_exact_path_comes_back_the_way_it_went():
    there, back = (exact_path(COSINE, 7, forward=forward) for forward in (True, False))
    assert there[0].here == back[-1].there == 1
    assert [(s.here, s.there) for s in there] == [(s.there, s.here) for s in reversed(back)]
    assert [s.t for s in back] == [s for s in reversed(spaced(1000, 7))]
    assert [s.t for s in there] == [spaced(1000, 7)[0], *spaced(1000, 7)[:-1]]  # at the clean image level 1 stands in


def test_the_path_of_the_released_code_is_off_by_a_level():
    there, back = (offset_path(COSINE, 1000, forward=forward) for forward in (True, False))
    assert there[0].here == float(COSINE[0])
    assert there[-1].there == 0
    assert back[0].here == float(COSINE[999])
    assert back[-1].there == 1
    assert [s.t for s in there] == [s.t for s in reversed(back)] == list(range(1000))


@pytest.mark.parametrize("levels", [0, 11])
def test_levels_are_of_the_times(levels):
    with pytest.raises(ValueError, match=f"levels={levels}: choose 1 to 10"):
        exact_path(COSINE[:10], levels, forward=True)


X = torch.linspace(-0.9, 0.9, 64, dtype=torch.float64).reshape(4, 1, 4, 4)


def test_a_noise_that_does_not_depend_on_the_image_is_taken_back_exactly():
    fixed = torch.randn(X.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    abar = cut(COSINE)
    u = walk(X, exact_path(abar, 40, forward=True), lambda x, t: fixed)
    x = walk(u, exact_path(abar, 40, forward=False), lambda x, t: fixed)
    torch.testing.assert_close(x, X, rtol=0, atol=1e-9)


def gaussian(sd: float):
    """The true noise in images whose pixels are N(0, sd^2): ``sqrt(1 - abar) x / (abar sd^2 + 1 - abar)``."""

    def eps(x, t):
        abar = COSINE[t]
        return (1 - abar).sqrt() * x / (abar * sd**2 + 1 - abar)

    return eps


def test_the_round_trip_of_a_true_network_gets_better_with_levels():
    errors = []
    for levels in (10, 40, 160, 640):
        u, x = (exact_path(cut(COSINE), levels, forward=forward) for forward in (True, False))
        back = walk(walk(X, u, gaussian(0.5)), x, gaussian(0.5))
        errors.append(float((back - X).abs().max()))
    assert all(b < a / 2 for a, b in pairwise(errors)), errors
    assert errors[-1] < 0.01


def test_what_is_encoded_is_standard_normal_where_the_network_is_true():
    x = 0.5 * torch.randn(1000, 1, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u = walk(x, exact_path(cut(COSINE), 200, forward=True), gaussian(0.5))
    assert float(u.std()) == pytest.approx(1, abs=0.05)


def test_the_clamp_keeps_what_is_within_and_moves_what_is_beyond():
    path = exact_path(cut(COSINE), 20, forward=True)
    silent = lambda x, t: torch.zeros_like(x)  # noqa: E731
    torch.testing.assert_close(walk(X, path, silent), walk(X, path, silent, clip=True))
    assert not torch.allclose(walk(X + 1, path, silent), walk(X + 1, path, silent, clip=True))


def test_a_score_moves_the_image_up_its_slope_and_none_is_no_score():
    path = exact_path(cut(COSINE), 20, forward=False)
    u = torch.randn(X.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    plain = walk(u, path, gaussian(0.5))
    torch.testing.assert_close(walk(u, path, gaussian(0.5), score=lambda x, t: torch.zeros_like(x)), plain)
    assert bool((walk(u, path, gaussian(0.5), score=lambda x, t: torch.ones_like(x)) > plain).all())
