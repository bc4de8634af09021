"""Scores of labels: hand-computed laws, and what a label cannot depend on."""

from __future__ import annotations

import math

import pytest
import torch
from scmbench.metrics import MetricError, label_error, total_variation
from sklearn.metrics import zero_one_loss


def labels(*shape: int, seed: int = 0, of: int = 4) -> torch.Tensor:
    return torch.randint(of, shape, generator=torch.Generator().manual_seed(seed)).double()


def test_total_variation_by_hand():
    x = torch.tensor([[0.0], [0.0], [0.0], [1.0]], dtype=torch.float64)
    y = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    assert total_variation(x, y).item() == (1 / 4 + 1 / 4 + 1 / 2) / 2
    assert total_variation(x, x + 10).item() == 1
    assert total_variation(x, x.flip(0)).item() == 0


def test_total_variation_is_a_distance_between_groups_of_labels():
    x, y = labels(3, 40, 2), labels(3, 25, 2, seed=1)
    found = total_variation(x, y)
    assert found.shape == (3,)
    torch.testing.assert_close(found, total_variation(y, x))
    torch.testing.assert_close(found, total_variation(x[:, torch.randperm(40)], y))
    names = torch.tensor([7.0, -1.0, 3.5, 0.0], dtype=torch.float64)  # a label's name does not matter
    torch.testing.assert_close(found, total_variation(names[x.long()], names[y.long()]))
    assert [total_variation(x[i], y[i]).item() for i in range(3)] == found.tolist()


def test_two_samples_of_a_coin_score_the_floor():
    scores = total_variation(labels(400, 1000, 1, of=2), labels(400, 1000, 1, of=2, seed=1))
    assert scores.mean().item() == pytest.approx(2 * math.sqrt(0.25 * 0.002 / (2 * math.pi)), rel=0.1)


def test_label_error_is_scikit_learns_zero_one_loss():
    truth, answer = labels(50, 1), labels(50, 1, seed=1)
    expected = zero_one_loss(truth[:, 0].numpy(), answer[:, 0].numpy())
    assert label_error(truth, answer).item() == pytest.approx(expected)
    assert label_error(torch.stack([truth, answer]), torch.stack([truth, truth])).tolist() == [
        0,
        pytest.approx(expected),
    ]


def test_a_row_of_several_columns_is_one_label():
    truth = torch.tensor([[0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    answer = torch.tensor([[0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    assert label_error(truth, answer).item() == 0.5


@pytest.mark.parametrize("score", [total_variation, label_error])
def test_what_is_refused(score):
    with pytest.raises(MetricError, match=r"the truth is torch\.int64"):
        score(labels(4, 1).long(), labels(4, 1))
    with pytest.raises(MetricError, match="the answer has NaN"):
        score(labels(4, 1), labels(4, 1) / 0)
    with pytest.raises(MetricError, match="the truth has shape"):
        score(labels(4, 1), labels(4, 2))
