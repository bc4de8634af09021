"""MMD against scikit-learn's kernels, by hand, and at the level that two samples of one distribution reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scmbench.metrics import (
    MetricError,
    cross_median_gamma,
    mmd2_biased,
    mmd2_unbiased,
    mmd_paper,
    mmd_unbiased,
    truth_gammas,
)
from scmbench.metrics.mmd import FACTORS
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 3), (30, 50, 1), (50, 30, 27)])
def test_biased_mmd_is_three_means_of_scikit_learns_kernel(n, m, d):
    x, y, gamma = normal(n, d), normal(m, d, seed=1) * 2 + 1, 0.3
    expected = sum(
        weight * rbf_kernel(a.numpy(), b.numpy(), gamma=gamma).mean()
        for weight, a, b in ((1, x, x), (1, y, y), (-2, x, y))
    )
    assert float(mmd2_biased(x, y, gamma)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("n", "m", "d"), [(40, 40, 3), (30, 50, 2)])
def test_unbiased_mmd_leaves_out_each_row_with_itself_and_averages_its_kernels(n, m, d):
    x, y, gammas = normal(n, d), normal(m, d, seed=1) + 0.5, torch.tensor([0.1, 1.0], dtype=torch.float64)
    expected = []
    for gamma in gammas.tolist():
        xx, yy, xy = (rbf_kernel(a.numpy(), b.numpy(), gamma=gamma) for a, b in ((x, x), (y, y), (x, y)))
        off = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (xx, yy)]
        expected.append(sum(off) - 2 * xy.mean())
    assert float(mmd2_unbiased(x, y, gammas)) == pytest.approx(np.mean(expected), rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(31, 31), (32, 32), (20, 45), (45, 20)])
def test_the_bandwidth_is_the_median_of_the_upper_triangle_between_the_samples(n, m):
    x, y = normal(n, 4), normal(m, 4, seed=1)
    y[0], y[3] = x[0], x[2]  # distances of zero are skipped
    squared = euclidean_distances(x.numpy(), y.numpy(), squared=True)
    squared[0, 0] = squared[2, 3] = 0
    upper = [squared[i, j] for i in range(n) for j in range(m) if i <= j and squared[i, j] > 0]
    assert float(cross_median_gamma(x, y)) == pytest.approx(1 / np.median(upper), rel=1e-9)


def test_by_hand():
    x, y = (torch.tensor([[v]], dtype=torch.float64) for v in (0.0, 2.0))
    assert float(cross_median_gamma(x, y)) == 0.25
    assert float(mmd_paper(x, y)) == pytest.approx(2 - 2 * math.exp(-1))
    # two points each, all cross distances 3² but for the pairs at 2² and 4², of which the lower triangle is left out
    x, y = (torch.tensor(v, dtype=torch.float64)[:, None] for v in ([0.0, 1.0], [3.0, 4.0]))
    assert float(cross_median_gamma(x, y)) == pytest.approx(1 / 9)
    k = lambda d: math.exp(-d * d / 9)  # noqa: E731
    assert float(mmd_paper(x, y)) == pytest.approx(1 + k(1) - (2 * k(3) + k(4) + k(2)) / 2)


def test_the_answer_moves_the_papers_yardstick_but_not_ours():
    x, y = normal(50, 2), normal(50, 2, seed=1)
    assert float(cross_median_gamma(x, 10 * y)) < float(cross_median_gamma(x, y)) / 5
    assert truth_gammas(x).shape == (len(FACTORS),)
    middle = float(truth_gammas(x)[FACTORS.index(1.0)])
    pairs = torch.pdist(x).square()
    assert middle == pytest.approx(1 / np.median(pairs.numpy()))
    assert float(mmd_unbiased(x, y)) == pytest.approx(float(mmd2_unbiased(x, y, truth_gammas(x))))


@pytest.mark.parametrize("score", [mmd_paper, mmd_unbiased])
def test_groups_are_scored_each_by_itself(score):
    x, y = normal(2, 3, 20, 4), normal(2, 3, 25, 4, seed=1) + 0.3
    together = score(x, y)
    assert together.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            assert float(together[i, j]) == pytest.approx(float(score(x[i, j], y[i, j])), rel=1e-12)


@pytest.mark.parametrize("score", [mmd_paper, mmd_unbiased])
def test_shifts_rotations_and_units_of_both_samples_do_not_matter(score):
    x, y = normal(60, 3), normal(60, 3, seed=1) * 1.5
    rotation = torch.linalg.qr(normal(3, 3, seed=2)).Q
    moved = [7 * (z @ rotation) + 100 for z in (x, y)]
    assert float(score(*moved)) == pytest.approx(float(score(x, y)), rel=1e-8)


def test_the_order_of_rows_matters_only_through_the_papers_triangle():
    x, y = normal(80, 3), normal(80, 3, seed=1) + 0.5
    assert float(mmd_unbiased(x, y.flip(0))) == pytest.approx(float(mmd_unbiased(x, y)), rel=1e-10)
    gamma = cross_median_gamma(x, y)
    assert float(mmd2_biased(x, y.flip(0), gamma)) == pytest.approx(float(mmd2_biased(x, y, gamma)), rel=1e-10)


@pytest.mark.parametrize("d", [1, 3, 9, 27])
def test_two_samples_of_one_gaussian_score_at_the_known_floor(d):
    groups = 200
    small = mmd_paper(normal(groups, 100, d), normal(groups, 100, d, seed=1))
    error = 3 * float(small.std()) / math.sqrt(groups)
    assert 0.0097 - error < float(small.mean()) < 0.0127 + error
    large = mmd_paper(normal(6, 1000, d, seed=2), normal(6, 1000, d, seed=3))
    error = 3 * float(large.std()) / math.sqrt(6)
    assert 0.0011 - error < float(large.mean()) < 0.0015 + error


@pytest.mark.parametrize("d", [1, 9])
def test_the_unbiased_score_of_a_perfect_answer_is_zero_on_average(d):
    scores = mmd_unbiased(normal(300, 50, d), normal(300, 50, d, seed=1))
    assert abs(float(scores.mean())) < 3 * float(scores.std()) / math.sqrt(300)
    assert float(scores.min()) < 0


def test_a_difference_shows_and_grows():
    x = normal(300, 2)
    scores = [float(mmd_paper(x, normal(300, 2, seed=1) + shift)) for shift in (0, 0.3, 1, 3)]
    assert scores == sorted(scores)
    assert scores[1] > 2 * scores[0]
    assert float(mmd_paper(x, x)) == 0


def test_samples_that_are_one_point():
    x = torch.full((5, 2), 3.0, dtype=torch.float64)
    assert float(cross_median_gamma(x, x)) == 0
    assert float(mmd_paper(x, x)) == 0
    with pytest.raises(MetricError, match="all rows of the truth are the same"):
        mmd_unbiased(x, normal(5, 2))
    with pytest.raises(MetricError, match="two rows"):
        mmd2_unbiased(x[:1], x, torch.ones(1, dtype=torch.float64))
