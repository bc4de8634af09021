"""Training on any loss: the epoch of least held-out loss is kept, mates do not matter, a diverged one shows."""

from __future__ import annotations

import pytest
import torch
from scmbench.models.training import Architecture
from scmbench.models.training.objective import Objective, train_objectives

ASKED = {"epochs": 30, "batch_size": 16, "lr": 3e-2}


class Squares(Objective):
    """y given x, by least squares."""

    def __init__(self, rows, seed):
        super().__init__(rows, rows.shape[1] - 1, 1, seed)

    def batch(self, rows, generator):
        return (rows,)

    def loss(self, network, *batch):
        (rows,) = batch
        return (network(rows[..., 1:])[..., 0] - rows[..., 0]).square()


def noisy(seed, n=60):
    e = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    return torch.stack([e[:, 0].sin() + e[:, 1], e[:, 0]], 1)


def test_the_weights_are_those_of_the_least_held_out_loss():
    objective = Squares(noisy(0), seed=0)
    (network,) = train_objectives([objective], Architecture((32, 32)), **ASKED)
    losses = network.losses
    assert len(losses) == 30
    assert losses.argmin() < 29  # it overfits
    assert objective.loss(network, objective.held).mean().item() == pytest.approx(losses.min().item(), rel=1e-5)


def test_held_out_rows_are_a_tenth_and_not_trained_on():
    objective = Squares(noisy(0), seed=0)
    assert (len(objective.held), len(objective.rows)) == (6, 54)
    both = torch.cat([objective.held, objective.rows])
    assert torch.equal(both.sort(0).values, noisy(0).sort(0).values)
    alone = Squares(noisy(0, n=1), seed=0)
    assert torch.equal(alone.held, alone.rows)


def test_mates_of_one_shape_and_of_others_do_not_matter():
    objectives = [Squares(noisy(i, n), seed=i) for i, n in enumerate((60, 60, 40))]
    together = train_objectives(objectives, Architecture((8,)), **ASKED)
    for objective, mate in zip(objectives, together, strict=True):
        (alone,) = train_objectives(
            [Squares(torch.cat([objective.held, objective.rows]), 0)], Architecture((8,)), **ASKED
        )
        (again,) = train_objectives([objective], Architecture((8,)), **ASKED)
        assert torch.equal(again.trunk.weights[0], mate.trunk.weights[0])
        assert not torch.equal(alone.trunk.weights[0], mate.trunk.weights[0])  # another split


def test_a_training_that_diverged_shows_in_its_losses():
    rows = noisy(0)
    rows[:, 0] = torch.nan
    fine, broken = train_objectives([Squares(noisy(1), 1), Squares(rows, 0)], Architecture((8,)), **ASKED)
    assert fine.losses.isfinite().all()
    assert not broken.losses.isfinite().any()
