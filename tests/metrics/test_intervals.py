"""Coverage, width and score of intervals, where all three are known."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import norm
from scmbench import metrics

N = 40_000
X = torch.randn(1, N, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def interval(z: float) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full_like(X, -z), torch.full_like(X, z)


def test_coverage_and_width_of_the_central_interval_of_a_normal_law():
    low, high = interval(norm.ppf(0.95))
    assert metrics.coverage(X, low, high).item() == pytest.approx(0.9, abs=0.005)
    assert metrics.width(low, high).item() == pytest.approx(2 * norm.ppf(0.95))


def test_the_score_is_its_known_expectation_and_least_at_the_true_quantiles():
    z = norm.ppf(0.95)
    # 2 z + 2 · 2/α · E max(x − z, 0), with E max(x − z, 0) = φ(z) − z (1 − Φ(z)) and α = 0.1.
    expected = 2 * z + 40 * (norm.pdf(z) - z * norm.sf(z))
    scores = {k: metrics.interval_score(X, *interval(k * z), level=0.9).item() for k in (0.5, 1.0, 1.5)}
    assert scores[1.0] == pytest.approx(expected, rel=0.01)
    assert min(scores, key=scores.__getitem__) == 1.0


def test_an_interval_without_width_pays_for_all_of_its_error():
    low = torch.zeros_like(X)
    assert metrics.interval_score(X, low, low, level=0.9).item() == pytest.approx(20 * X.abs().mean().item())
    assert metrics.interval_score(X, X, X, level=0.9).item() == 0


def test_a_group_is_scored_by_itself_and_columns_are_averaged():
    truth = torch.tensor([[[0.0, 0.0]], [[2.0, 0.0]]], dtype=torch.float64)
    low, high = torch.full_like(truth, -1), torch.ones_like(truth)
    assert metrics.coverage(truth, low, high).tolist() == [1.0, 0.5]
    assert metrics.width(low, high).tolist() == [2.0, 2.0]
    assert metrics.interval_score(truth, low, high, level=0.5).tolist() == [2.0, 4.0]


def test_ends_hold_and_slack_forgives_rounding_alone():
    ends = torch.zeros_like(X), X.abs()
    assert metrics.coverage(X.abs(), *ends).item() == 1
    off = X + 1e-6
    assert metrics.coverage(X, off, off).item() == 0
    assert metrics.coverage(X, off, off, slack=1e-5).item() == 1


def test_what_is_no_interval_is_refused():
    low, high = interval(1.0)
    for call in (
        lambda: metrics.coverage(X, high, low),
        lambda: metrics.width(high, low),
        lambda: metrics.interval_score(X, high, low, level=0.9),
        lambda: metrics.interval_score(X, low, high, level=1.0),
        lambda: metrics.coverage(X, low[:, :5], high[:, :5]),
        lambda: metrics.coverage(X * torch.nan, low, high),
    ):
        with pytest.raises(metrics.MetricError):
            call()
