"""Errors against the true image, the axioms, and what all scores of images refuse."""

from __future__ import annotations

import pytest
import torch
from scmbench import metrics
from scmbench.metrics import MetricError, images

PAIRED = [images.cf_mse, images.cf_mae, images.l1]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_errors_by_hand():
    truth = torch.zeros(2, 3, 1, 2, 2)
    answer = truth.clone()
    answer[0, 0, 0, 0, 0] = 3.0
    assert images.cf_mse(truth, answer).tolist() == [9 / 12, 0]
    assert images.cf_mae(truth, answer).tolist() == [3 / 12, 0]
    assert images.l1(truth, answer).tolist() == [[3 / 4, 0, 0], [0, 0, 0]]


def test_doing_nothing_scores_1_the_oracle_0_and_overshooting_as_much():
    factual, truth = normal(4, 7, 1, 5, 5), normal(4, 7, 1, 5, 5, seed=1)
    assert images.cf_relative(truth, factual, factual).tolist() == [1] * 4
    assert images.cf_relative(truth, truth, factual).tolist() == [0] * 4
    torch.testing.assert_close(images.cf_relative(truth, 2 * truth - factual, factual), torch.ones(4).double())
    half = images.cf_relative(truth, (truth + factual) / 2, factual)
    torch.testing.assert_close(half, torch.full((4,), 0.25).double(), atol=1e-6, rtol=0)


def test_a_relative_error_is_a_ratio_of_means_not_a_mean_of_ratios():
    factual = torch.zeros(2, 1, 1, 1)
    truth = torch.tensor([0.1, 1.0]).reshape(2, 1, 1, 1)
    answer = torch.tensor([0.3, 1.0]).reshape(2, 1, 1, 1)
    assert float(images.cf_relative(truth, answer, factual)) == pytest.approx(0.04 / 1.01, rel=1e-6)


def test_an_intervention_that_changes_nothing_gives_no_unit():
    truth = normal(2, 3, 1, 4, 4)
    factual = truth.clone()
    factual[0] += 1
    with pytest.raises(MetricError, match=r"the factual image in every row of group \(1,\): the error has no unit"):
        images.cf_relative(truth, truth, factual)
    with pytest.raises(MetricError, match="in every row of it"):
        images.cf_relative(truth[0], truth[0], truth[0])


def test_float32_is_scored_in_float64():
    truth, answer = 1 + 1e-4 * normal(5, 1, 8, 8), 1 + 1e-4 * normal(5, 1, 8, 8, seed=1)
    for score in PAIRED:
        assert score(truth, answer).dtype == torch.float64
        torch.testing.assert_close(score(truth, answer), score(truth.double(), answer.double()), rtol=0, atol=0)


@pytest.mark.parametrize("score", PAIRED)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (normal(5, 1, 4, 4), normal(6, 1, 4, 4), r"has shape \(5, 1, 4, 4\).*\(6, 1, 4, 4\); expected the same"),
        (normal(5, 1, 4, 4), normal(5, 3, 4, 4), r"\(5, 3, 4, 4\); expected the same"),
        (normal(4, 4), normal(4, 4), r"has shape \(4, 4\); expected \(\.\.\., n, c, h, w\)"),
        (normal(0, 1, 4, 4), normal(0, 1, 4, 4), "at least one row and pixel"),
        (torch.zeros(5, 1, 4, 4, dtype=torch.uint8), normal(5, 1, 4, 4), "is torch.uint8; expected floating-point"),
        (normal(5, 1, 4, 4), [1, 2], "is list; expected floating-point"),
        (
            normal(5, 1, 4, 4),
            normal(5, 1, 4, 4).index_fill(0, torch.tensor(3), torch.nan),
            r"in 16 place.*\(3, 0, 0, 0\)",
        ),
        (normal(5, 1, 4, 4) / 0, normal(5, 1, 4, 4), r"NaN or infinity in 80 place\(s\)"),
    ],
)
def test_what_is_no_image_is_refused_by_name(score, x, y, message):
    with pytest.raises(MetricError, match=message):
        score(x, y)


def test_composition_counts_cycles_from_the_factual_image():
    factual = normal(3, 1, 4, 4)
    assert images.composition(lambda x: x, factual, cycles=2).tolist() == [[0] * 3] * 2
    drifting = images.composition(lambda x: x + 0.25, factual.double(), cycles=4)
    torch.testing.assert_close(drifting, 0.25 * torch.arange(1, 5).double()[:, None].expand(4, 3))
    with pytest.raises(MetricError, match="cycles=0"):
        images.composition(lambda x: x, factual, cycles=0)
    with pytest.raises(MetricError, match="expected the same"):
        images.composition(lambda x: x[:2], factual)


def test_reversibility_is_0_for_inverses_alone():
    factual = normal(3, 1, 4, 4).double()
    assert images.reversibility(lambda x: x * 2, lambda x: x / 2, factual).tolist() == [0] * 3
    lost = images.reversibility(lambda x: x.clamp(min=0), lambda x: x, factual)
    torch.testing.assert_close(lost, (-factual).clamp(min=0).mean((1, 2, 3)))


def test_versions_are_whole_numbers_by_module_apart_from_those_of_small_graphs():
    assert set(images.VERSIONS) == {
        f"images.{m}" for m in ("axioms", "errors", "frechet", "latent", "measures", "proxies")
    }
    assert all(isinstance(version, int) and version >= 1 for version in images.VERSIONS.values())
    assert not set(images.VERSIONS) & set(metrics.VERSIONS)
