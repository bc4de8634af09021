"""Errors of counterfactual rows, and what every metric refuses."""

from __future__ import annotations

import pytest
import torch
from scmbench import metrics
from scmbench.metrics import MetricError, mse, relative_rmse
from sklearn.metrics import mean_squared_error

DISTANCES = [metrics.mmd_paper, metrics.mmd_unbiased, metrics.energy_distance, metrics.sliced_wasserstein]
PAIRED = [mse, relative_rmse]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_mse_is_scikit_learns_column_by_column():
    truth, answer = normal(30, 3), normal(30, 3, seed=1)
    expected = mean_squared_error(truth.numpy(), answer.numpy(), multioutput="raw_values")
    assert mse(truth, answer).tolist() == pytest.approx(expected.tolist())
    stacked = mse(torch.stack([truth, answer]), torch.stack([answer, answer]))
    assert stacked.shape == (2, 3)
    assert stacked[1].tolist() == [0, 0, 0]


def test_relative_rmse_by_hand():
    truth = torch.tensor([[0.0], [2.0], [4.0], [6.0]], dtype=torch.float64)
    sd = 5**0.5
    assert float(relative_rmse(truth, truth + 1)) == pytest.approx(1 / sd)
    assert float(relative_rmse(truth, truth.mean() + torch.zeros_like(truth))) == pytest.approx(1)
    groups = relative_rmse(truth.reshape(2, 2, 1), (truth + torch.tensor([[1.0], [1], [3], [3]])).reshape(2, 2, 1))
    assert groups.tolist() == pytest.approx([1 / sd, 3 / sd])


def test_relative_rmse_does_not_know_units():
    truth, answer = normal(4, 25, 3), normal(4, 25, 3, seed=1)
    units = torch.tensor([1.0, 1e-3, 1e6], dtype=torch.float64)
    torch.testing.assert_close(relative_rmse(truth * units + 5, answer * units + 5), relative_rmse(truth, answer))


def test_a_truth_that_never_varies_gives_no_unit():
    truth = torch.stack([torch.arange(4.0), torch.ones(4)], dim=1).double()
    with pytest.raises(MetricError, match="column 1 of the truth is constant"):
        relative_rmse(truth, truth + 1)


@pytest.mark.parametrize("score", [*DISTANCES, *PAIRED])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (normal(5, 2), normal(5, 3), r"truth has shape \(5, 2\), the answer \(5, 3\)"),
        (normal(2, 5, 2), normal(3, 5, 2), r"truth has shape \(2, 5, 2\), the answer \(3, 5, 2\)"),
        (normal(5), normal(5), r"the truth has shape \(5,\); expected \(\.\.\., n, d\)"),
        (normal(5, 2), normal(0, 2), r"the answer has shape \(0, 2\)"),
        (normal(5, 0), normal(5, 0), "at least one row and column"),
        (normal(5, 2).float(), normal(5, 2), "the truth is torch.float32; expected a float64"),
        (normal(5, 2), normal(5, 2).numpy(), "the answer is ndarray"),
        (normal(5, 2), normal(5, 2).index_fill(0, torch.tensor(3), torch.nan), r"answer has NaN.*2 place.*\(3, 0\)"),
        (normal(5, 2) / 0, normal(5, 2), r"the truth has NaN or infinity in 10 place\(s\), first at \(0, 0\)"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(score, x, y, message):
    with pytest.raises(MetricError, match=message):
        score(x, y)


@pytest.mark.parametrize("score", PAIRED)
def test_rows_are_paired(score):
    with pytest.raises(MetricError, match="expected the same rows"):
        score(normal(5, 2), normal(6, 2))


def test_versions_are_whole_numbers_by_module():
    modules = {"classifier", "counterfactual", "discrete", "energy", "likelihood", "marginals", "mmd", "norms"}
    modules |= {"block_mmd", "effects", "encoding", "hilbert_schmidt", "intervals", "order", "sinkhorn", "wasserstein"}
    assert set(metrics.VERSIONS) == modules
    assert all(isinstance(version, int) and version >= 1 for version in metrics.VERSIONS.values())


def test_scores_of_a_fixed_case_move_only_with_a_new_version():
    """If this fails because a metric was changed on purpose, raise its VERSION and note the new numbers here."""
    x, y = torch.arange(12.0).double().reshape(6, 2), torch.arange(12.0).double().reshape(6, 2).sin() * 5
    scores = {score.__name__: float(score(x, y)) for score in (*DISTANCES, relative_rmse)}
    assert set(metrics.VERSIONS.values()) == {1}
    pinned = {
        "mmd_paper": 0.35579733606436303,
        "mmd_unbiased": 0.16295309263407054,
        "energy_distance": 6.4571887812829045,
        "sliced_wasserstein": 4.809370371664238,
        "relative_rmse": 2.271495588932641,
    }
    assert scores == pytest.approx(pinned, rel=1e-9)
