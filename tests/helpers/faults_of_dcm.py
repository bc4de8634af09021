"""Plausible mistakes of DCM, planted one at a time: what the gate on reproduced numbers has to notice."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from scmbench.benchmarks.questions import protocols
from scmbench.metrics import mmd
from scmbench.models.contract import base, nodewise
from scmbench.models.contract.columns import Scaler
from scmbench.models.dcm import Diffusion
from scmbench.models.dcm.sampler import Sampler
from scmbench.models.dcm.schedule import Schedule


def schedule_off_by_one(monkeypatch):
    """Training mixes in the noise of level t - 1 and calls it level t."""
    build = Schedule.__init__

    def shifted(self, steps):
        build(self, steps)
        self.alpha_bar = torch.cat([self.alpha_bar[:1], self.alpha_bar[:-1]])

    monkeypatch.setattr(Schedule, "__init__", shifted)


def encoder_off_by_one(monkeypatch):
    """Abduction asks the network at the level it goes to, not the one it comes from."""

    def encode(self, z, eps):
        scale, shift = self.schedule.scale.tolist(), self.schedule.shift.tolist()
        for t in range(self.schedule.steps):
            z = (z - shift[t + 1] * eps(z, t + 1)) / scale[t + 1]
        return z

    monkeypatch.setattr(Sampler, "_encode", encode)


def parents_in_the_wrong_order(monkeypatch):
    """A node's parents reach its decoder in another order than they were fitted in."""
    decode = nodewise.NodewiseModel._decode

    def reversed_decode(self, node, u, values, n):
        other = copy.copy(self)
        other.parents = {v: list(pa)[::-1] for v, pa in self.parents.items()}
        return decode(other, node, u, values, n)

    monkeypatch.setattr(nodewise.NodewiseModel, "_decode", reversed_decode)


def do_is_not_clamped(monkeypatch):
    """An intervened node goes on following its mechanism."""
    monkeypatch.setattr(base, "expand", lambda do, n, like: {})


def scaler_of_the_wrong_data(monkeypatch):
    """Abduction standardises with the rows that it is asked about, not with the training rows."""
    encode = Diffusion.encode

    def rescaled(self, x, parents):
        other = copy.copy(self)
        other.scaler, other.parent_scaler = Scaler.of(x, correction=0), Scaler.of(parents, correction=0)
        return encode(other, x, parents)

    monkeypatch.setattr(Diffusion, "encode", rescaled)


def noise_reused_between_rows(monkeypatch):
    """Every second row of a sample has the noise of the row before."""
    noise = Diffusion.noise
    monkeypatch.setattr(
        Diffusion, "noise", lambda self, n, g: noise(self, (n + 1) // 2, g).repeat_interleave(2, dim=0)[:n]
    )


def bandwidth_of_the_wrong_sample(monkeypatch):
    """The MMD's bandwidth comes from the truth alone, not from the distances between truth and answer."""
    gamma = mmd.cross_median_gamma
    monkeypatch.setattr(mmd, "cross_median_gamma", lambda x, y: gamma(x, x))


def second_descendant_scored(monkeypatch):
    """The counterfactual error is that of the second descendant, not of the first."""
    descendants = protocols.descendants

    def swapped(graph, node):
        first, *rest = descendants(graph, node)
        return [*rest, first]

    monkeypatch.setattr(protocols, "descendants", swapped)


def learning_rate_of_half(monkeypatch):
    """DCM learns half as fast as it should."""
    build = Diffusion.__init__

    def slower(self, config, **options):
        build(self, replace(config, lr=config.lr / 2), **options)

    monkeypatch.setattr(Diffusion, "__init__", slower)


def last_batch_dropped(monkeypatch):
    """The short last batch of an epoch is left out: 1.3 % of the steps."""
    from scmbench.models.dcm.denoising import Denoising

    epoch = Denoising.epoch

    def whole_batches(self, generator):
        return tuple(part[: self.rows // 64 * 64] for part in epoch(self, generator))

    monkeypatch.setattr(Denoising, "epoch", whole_batches)


FAULTS = (
    schedule_off_by_one,
    encoder_off_by_one,
    parents_in_the_wrong_order,
    do_is_not_clamped,
    scaler_of_the_wrong_data,
    noise_reused_between_rows,
    bandwidth_of_the_wrong_sample,
    second_descendant_scored,
    learning_rate_of_half,
    last_batch_dropped,
)
