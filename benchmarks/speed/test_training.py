"""Training: a step, a whole fit, and the parts of a step."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from numba import njit
from scmbench.benchmarks.speed import plain
from scmbench.datasets.seeds import generator
from scmbench.models.dcm.denoising import Denoising
from scmbench.models.dcm.schedule import Schedule, time_features
from scmbench.models.training import Architecture, batched, compiled, draw_network, kernels, layers

pytestmark = pytest.mark.benchmark(timer=time.process_time)

ROWS, PARENTS, STEPS = 5000, 6, 79
ADAM = {"batch_size": 64, "lr": 1e-4}


def denoising(seed: int) -> Denoising:
    draw = generator(seed, "speed")
    x, parents = torch.randn(ROWS, 1, generator=draw), torch.randn(ROWS, PARENTS, generator=draw)
    return Denoising(x, parents, Schedule(100), time_features(100, "scalar"), 0.0, seed)


def untrained(regression: Denoising):
    return draw_network(Architecture(), regression.inputs, 1, generator(regression.seed, "weights"))


def our_epochs(epochs: int):
    regression = denoising(0)
    network = untrained(regression)
    return lambda: compiled.train(regression, network, epochs=epochs, **ADAM)


def plain_epochs(epochs: int):
    regression = denoising(0)
    return lambda: plain.fit(regression.data[:, :1], regression.data[:, 1:], epochs=epochs)


def test_step(compare):
    compare(
        our_epochs(5),
        plain_epochs(1),
        unit="training step, batch of 64",
        ours_units=5 * STEPS,
        plain_units=STEPS,
    )


def test_fit(compare):
    compare(
        our_epochs(500),
        plain_epochs(2),
        unit="whole fit of a network, 39,500 steps",
        plain_units=2 / 500,
        plain_note="extrapolated from 2 epochs",
        rounds=5,
    )


def test_fit_batched(compare):
    regressions = [denoising(seed) for seed in range(8)]
    networks = [untrained(r) for r in regressions]
    compare(
        lambda: batched.train(regressions, networks, epochs=2, **ADAM),
        plain_epochs(2),
        unit="the same by the batched program, stack of 8",
        ours_units=8 * 2 / 500,
        plain_units=2 / 500,
        ours_note="extrapolated from 2 epochs",
        plain_note="extrapolated from 2 epochs",
        rounds=5,
    )


@njit
def repeat(kernel, times, arguments):
    for _ in range(times):
        kernel(*arguments)


@njit
def products(x, h1, h2, g1, g2, g3, w1, w2, w3, w2t, w3t):
    """All matrix products of a step; they write over their operands, whose values do not matter here."""
    np.dot(x, w1, h1)
    np.dot(h1, w2, h2)
    np.dot(h2, w3, g3)
    np.dot(h2.T, g3, w3)
    np.dot(g3, w3t, g2)
    np.dot(h1.T, g2, w2)
    np.dot(g2, w2t, g1)
    np.dot(x.T, g1, w1)


@njit
def silus(z1, b1, h1, z2, b2, h2):
    layers.silu(z1, b1, h1)
    layers.silu(z2, b2, h2)


@njit
def smaller(g1, s1, b1, g2, s2, b2, g3, b3, y, w2, w2t, w3, w3t):
    """Residual, products with the activation's slope, bias gradients, transposes of the weights."""
    layers.residual(g3, b3, y, b3)
    layers.through_silu(g1, s1, b1)
    layers.through_silu(g2, s2, b2)
    kernels.transpose(w2, w2t)
    kernels.transpose(w3, w3t)


def ones(*shapes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    # Small numbers: what is multiplied a thousand times over must neither overflow nor become denormal.
    return tuple(np.full(shape, 1e-3, np.float32) for shape in shapes)


B, P = 64, PARENTS + 2
SIZE = 64 * PARENTS + 8641
PARTS = {
    "matrix products": (
        products,
        [(B, P), (B, 64), (B, 128), (B, 64), (B, 128), (B, 1), (P, 64), (64, 128), (128, 1), (128, 64), (1, 128)],
    ),
    "SiLU and its derivative": (silus, [(B, 64), (64,), (B, 64), (B, 128), (128,), (B, 128)]),
    "Adam": (kernels.adam, [(SIZE,)] * 4),
    "slopes, bias gradients, transposes": (
        smaller,
        [
            (B, 64),
            (B, 64),
            (64,),
            (B, 128),
            (B, 128),
            (128,),
            (B, 1),
            (1,),
            (B, 1),
            (64, 128),
            (128, 64),
            (128, 1),
            (1, 128),
        ],
    ),
}


def of_a_step(compare, part, kernel, **options):
    """A part beside whole steps in turns: shares of times that were measured minutes apart need not add up."""
    compare(kernel, our_epochs(5), unit=f"part of a step: {part}", plain_units=5 * STEPS, part=True, **options)


@pytest.mark.parametrize("part", PARTS)
def test_part(compare, part):
    kernel, shapes = PARTS[part]
    arguments = ones(*shapes) + ((np.float32(1e-4), np.float32(1.0)) if part == "Adam" else ())
    of_a_step(compare, part, lambda: repeat(kernel, 1000, arguments), ours_units=1000, rounds=15)


def test_part_drawing(compare):
    regression, stream = denoising(0), generator(0, "batches")
    of_a_step(
        compare,
        "drawing rows, times and noise",
        lambda: [regression.epoch(stream) for _ in range(20)],
        ours_units=20 * STEPS,
        rounds=15,
    )
