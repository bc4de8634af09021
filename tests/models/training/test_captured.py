"""Captured stacks: the steps of `batched` on the same numbers, whatever is trained beside a network."""

from __future__ import annotations

import pytest
import torch
from scmbench.datasets.seeds import generator
from scmbench.models.dcm.denoising import Denoising
from scmbench.models.dcm.schedule import Schedule, time_features
from scmbench.models.flow_matching.matching import Matching
from scmbench.models.flow_matching.matching import time_features as features_of
from scmbench.models.training import Architecture, Regression, batched, captured, draw_network, train_stack

ROWS, BATCH = 150, 64
SMALL = Architecture((16, 32))
EXACTLY = "donot_use_mm_for_euclid_dist"
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def data(seed: int, parents: int, width: int = 1, rows: int = ROWS, device="cpu") -> tuple[torch.Tensor, torch.Tensor]:
    draw = generator(seed, "data")
    pa = torch.randn(rows, parents, generator=draw)
    x = torch.sin(pa.sum(1, keepdim=True)) * torch.ones(width) + 0.3 * torch.randn(rows, width, generator=draw)
    return x.to(device), pa.to(device)


def denoising(seed: int, parents: int, width: int = 1, dropout: float = 0.0, **kind) -> Denoising:
    x, pa = data(seed, parents, width, **kind)
    return Denoising(x, pa, Schedule(20), time_features(20, "scalar").to(x.device), dropout, seed)


def matching(seed: int, parents: int, width: int = 1) -> Matching:
    return Matching(*data(seed, parents, width), seed)


class Replayed(Regression):
    """One part of what is drawn together, as a regression of its own."""

    def __init__(self, drawn, k: int, inputs: int, seed: int):
        self.drawn, self.k, self.inputs, self.seed, self.at = drawn, k, inputs, seed, 0
        self.rows, self.outputs = drawn.rows, drawn.outputs

    def epoch(self, generator):
        x, y = filled(self.drawn, self.at)
        self.at += 1
        return x[self.k, :, : self.inputs], y[self.k]


def filled(drawn, epoch: int, columns: int = 16):
    count = len(drawn.table)
    x, y = torch.full((count, drawn.rows, columns), 7.0), torch.full((count, drawn.rows, drawn.outputs), 7.0)
    drawn.fill(epoch, drawn.columns(columns), x, y)
    return x, y


def untrained(regression: Regression):
    return draw_network(SMALL, regression.inputs, regression.outputs, generator(regression.seed, "weights"))


def difference(a, b) -> float:
    return max(float((x - y).abs().max()) for x, y in zip(a.trunk.tensors(), b.trunk.tensors(), strict=True))


@pytest.mark.parametrize("make", [denoising, matching])
@pytest.mark.parametrize("anneal", [False, True])
def test_steps_are_those_of_the_batched_program(make, anneal):
    regressions = [make(seed, parents, 2) for seed, parents in ((1, 1), (2, 2), (3, 1))]
    drawn, networks = type(regressions[0]).together(regressions), [untrained(r) for r in regressions]
    how = {"epochs": 4, "batch_size": BATCH, "lr": 1e-2, "anneal": anneal}
    ours = captured.train(drawn, networks, **how)
    for k, (r, network) in enumerate(zip(regressions, networks, strict=True)):
        theirs = batched.train([Replayed(drawn, k, r.inputs, r.seed)], [network], **how)[0]
        assert difference(network, theirs) > 1e-2
        assert difference(ours[k], theirs) < 1e-5
        torch.testing.assert_close(ours[k].losses, theirs.losses, rtol=1e-5, atol=1e-6)


def test_a_network_does_not_depend_on_its_mates():
    regressions = [denoising(seed, parents) for seed, parents in ((1, 1), (2, 2), (3, 5))]
    how = {"epochs": 3, "batch_size": BATCH, "lr": 1e-2}
    together = captured.train(Denoising.together(regressions), [untrained(r) for r in regressions], **how)
    for r, found in zip(regressions, together, strict=True):
        alone = captured.train(Denoising.together([r]), [untrained(r)], **how)[0]
        assert difference(found, alone) < 1e-6
        assert found.trunk.weights[0].shape[0] == r.inputs


@pytest.mark.parametrize("width", [1, 3])
def test_denoising_inputs_are_rows_with_noise_parents_and_time(width):
    regressions = [denoising(1, 1, width), denoising(2, 3, width)]
    x, y = filled(Denoising.together(regressions), 0)
    again, _ = filled(Denoising.together(regressions), 1)
    assert not torch.equal(x, again)
    for k, r in enumerate(regressions):
        p = r.inputs - width - 1
        parents, told, rest = x[k, :, width : width + p], x[k, :, width + p], x[k, :, width + p + 1 :]
        assert (rest == 0).all()
        t = (told * r.steps).round().long()
        assert t.min() >= 1
        assert t.max() == r.steps
        level = r.levels[t]
        own = (x[k, :, :width] - level[:, 1:2] * y[k]) / level[:, :1]
        seen = torch.cat([own, parents], 1)
        # Every row once, in another order.
        nearest = torch.cdist(seen, r.data, compute_mode=EXACTLY).min(1)
        assert nearest.values.max() < 1e-4
        assert nearest.indices.sort().values.equal(torch.arange(ROWS))
        assert not nearest.indices.equal(torch.arange(ROWS))


def test_matching_inputs_are_points_on_the_way_parents_and_time():
    r = matching(1, 2)
    x, y = filled(Matching.together([r]), 0)
    t = x[0, :, 3:4]
    torch.testing.assert_close(x[0, :, 3:12], features_of(t))
    own = x[0, :, :1] + (1 - t) * y[0]  # x = z_t + (1 - t)(x - e)
    seen = torch.cat([own, x[0, :, 1:3]], 1)
    assert torch.cdist(seen, r.data, compute_mode=EXACTLY).min(1).values.max() < 1e-5


def test_some_rows_are_shown_without_parents():
    rows = [denoising(1, 2, dropout=0.3, rows=4000), denoising(2, 1, dropout=0.3, rows=4000)]
    x, _ = filled(Denoising.together(rows), 0)
    for k, p in enumerate((2, 1)):
        gone = (x[k, :, 1 : 1 + p] == 0).all(1).float().mean()
        assert abs(gone - 0.3) < 0.03


def test_rows_that_are_held_out_are_drawn_one_network_at_a_time():
    x, pa = data(1, 1)
    held = Denoising(x, pa, Schedule(20), time_features(20, "scalar"), 0.0, 1, holds_out=True)
    assert Denoising.together([held]) is None


@needs_gpu
def test_a_gpu_takes_the_same_steps():
    regressions = [denoising(seed, 1 + seed % 3) for seed in range(5)]
    how = {"epochs": 5, "batch_size": BATCH, "lr": 1e-2}
    here = captured.train(Denoising.together(regressions), [untrained(r) for r in regressions], **how)
    there = train_stack(
        [denoising(seed, 1 + seed % 3, device="cuda") for seed in range(5)], SMALL, **how, device="cuda"
    )
    for a, b in zip(here, there, strict=True):
        assert difference(a, b.to("cpu")) < 1e-4
        torch.testing.assert_close(a.losses, b.losses, rtol=1e-4, atol=1e-5)
