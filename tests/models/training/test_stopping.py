"""Early stopping: the weights of the least held-out loss, whatever is trained beside, by both programs alike."""

from __future__ import annotations

import math

import pytest
import torch
from scmbench import datasets
from scmbench.datasets.seeds import generator
from scmbench.models import load
from scmbench.models.dcm.denoising import DRAWS, Denoising
from scmbench.models.dcm.schedule import Schedule, time_features
from scmbench.models.training import Architecture, Regression, batched, compiled, draw_network, train_stack
from scmbench.models.training.stopping import Best, split

PLAIN = Architecture((16, 32))
HOW = {"epochs": 60, "batch_size": 16, "lr": 3e-3}


class Overfitted(Regression):
    """Forty rows of noise about a sine, and a hundred others held out: soon a network learns the noise."""

    def __init__(self, seed: int):
        self.rows, self.inputs, self.outputs, self.seed = 40, 2, 1, seed
        draw = generator(seed, "table")
        x = torch.randn(140, 2, generator=draw)
        y = torch.sin(2 * x[:, :1]) + torch.randn(140, 1, generator=draw)
        self.x, self.y, self.held = x[:40], y[:40], (x[40:], y[40:])

    def epoch(self, generator):
        order = torch.randperm(self.rows, generator=generator)
        return self.x[order], self.y[order]


def held_out(network, regression) -> float:
    x, y = regression.held
    return float((network(x) - y).square().mean())


def same(a, b, tolerance=1e-5):
    pairs = zip(a.trunk.tensors(), b.trunk.tensors(), strict=True)
    return all(torch.allclose(x, y, atol=tolerance) for x, y in pairs)


@pytest.fixture
def regressions():
    return [Overfitted(seed) for seed in range(3)]


def test_a_network_has_the_weights_of_its_best_epoch(regressions):
    for one in regressions:
        (stopped,) = train_stack([one], PLAIN, **HOW, patience=10)
        ran = len(stopped.losses)
        assert 10 < ran < HOW["epochs"]
        (best,) = train_stack([one], PLAIN, **{**HOW, "epochs": ran - 10})  # the least, then ten epochs of patience
        assert same(stopped, best, 0)
        (last,) = train_stack([one], PLAIN, **{**HOW, "epochs": ran})
        assert held_out(stopped, one) < held_out(last, one)


def test_both_programs_stop_at_the_same_epoch_and_mates_do_not_matter(regressions):
    untrained = [draw_network(PLAIN, 2, 1, generator(r.seed, "weights")) for r in regressions]
    together = batched.train(regressions, untrained, **HOW, patience=10)
    assert len({len(network.losses) for network in together}) > 1  # they stop at epochs of their own
    for one, network, mate in zip(regressions, untrained, together, strict=True):
        alone = compiled.train(one, network, **HOW, patience=10)
        assert len(alone.losses) == len(mate.losses)
        assert same(alone, mate)


def test_without_patience_all_epochs_are_trained(regressions):
    (network,) = train_stack(regressions[:1], PLAIN, **HOW)
    assert len(network.losses) == HOW["epochs"]


def test_a_loss_that_is_not_finite_ends_a_network():
    best = Best(5, 2)
    weights = [[torch.tensor([1.0])], [torch.tensor([2.0])]]
    assert not best.see(0, [1.0, 1.0], weights)
    assert not best.see(1, [math.nan, 0.5], weights)
    assert best.ended == [2, 0]
    assert all(not best.see(epoch, [0.0, 0.5], weights) for epoch in range(2, 6))
    assert best.see(6, [0.0, 0.5], weights)
    assert best.least == [1.0, 0.5]  # a loss of 0 came after its end


def test_rows_are_split_without_loss():
    kept, held = split(25, seed=3)
    assert (len(kept), len(held)) == (23, 2)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(25))
    assert [part.tolist() for part in split(1, seed=3)] == [[0], [0]]


def test_dcm_does_not_train_on_what_it_holds_out():
    x, parents = torch.arange(100.0)[:, None], torch.zeros(100, 1)
    features = time_features(100, "scalar")
    plain, holding = (
        Denoising(x, parents, Schedule(100), features, 0.0, 0, holds_out=held_out) for held_out in (False, True)
    )
    assert plain.held is None
    assert torch.equal(plain.data, torch.cat([x, parents], 1))
    assert (holding.rows, len(holding.held[0])) == (90, 10 * DRAWS)
    kept = set(holding.data[:, 0].tolist())
    assert len(kept) == 90
    assert kept == set(x[split(100, 0)[0], 0].tolist())


def test_dcm_stops_early_where_it_is_told_to():
    scm = datasets.get("check/sine").scm()
    rows = scm.sample(200, seed=0)
    model = load("dcm")(variant="corrected", epochs=300, lr=3e-3, patience=5).fit(scm.graph, rows, seed=0)
    steps = model.cost()["gradient_steps"]
    assert 0 < steps < 300 * 3
    assert steps % 3 == 0  # 180 rows are three batches


@pytest.mark.parametrize("name", ["dcm", "bdcm"])
def test_results_are_another_only_where_it_is_asked_for(name):
    assert "patience" not in load(name)().identifying_options()
    assert load(name)(patience=20).identifying_options()["patience"] == 20


def test_a_wrong_patience_is_refused():
    with pytest.raises(ValueError, match="patience=-1: expected a number of epochs"):
        load("dcm")(patience=-1)
