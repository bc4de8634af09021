"""Training judges: one loop, every network and every purpose with a random stream of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import generator, seeded
from torch import Tensor, nn
from torch.nn import functional as F

from .networks import LATENTS, Panel


@dataclass(frozen=True)
class Effort:
    """Steps of Adam, rows a step, and the rate that falls to 0 along half a cosine."""

    steps: int
    batch: int
    rate: float


@dataclass(frozen=True)
class Budget:
    """How long each judge is trained, and on how many rows.

    The full one takes about three CPU minutes for 28 × 28 digits. Schut et al. gave their autoencoders 4 epochs (all
    classes) and 30 (one class) of 60,000 images at a constant 1e-3, half an hour: values of IM1 and IM2 under
    these smaller ones cannot be compared with theirs.
    """

    rows: int
    classifier: Effort
    of_class: Effort
    whole: Effort
    vae: Effort


FULL = Budget(6000, Effort(800, 64, 2e-3), Effort(250, 64, 4e-3), Effort(500, 64, 4e-3), Effort(2500, 128, 1e-3))
CUT = Budget(400, *(Effort(20, 64, 4e-3),) * 4)
"""For smoke tests: every path, and scores that mean nothing."""


def train(x: Tensor, labels: Tensor, *, classes: int, seed: int, budget: Budget) -> Panel:
    """Train all judges of a world on its rows.

    Works on one thread whatever the caller's number is, because the last digit of a gradient depends on it.

    Args:
        x: Images ``(n, c, h, w)``, pixels in [0, 1].
        labels: Their classes, ``(n,)``, int64; every class occurs.
        classes: How many classes there are.
        seed: Where weights, batches and draws come from.
        budget: How long.

    Returns:
        The trained judges.
    """
    x = x.float()
    with _one_thread():
        with seeded(seed, "judges", "weights"):
            panel = Panel((int(x.shape[1]), int(x.shape[2]), int(x.shape[3])), classes)

        def fit(name: str, network: nn.Module, rows: Tensor, effort: Effort, loss: Callable[[Tensor], Tensor]) -> None:
            _descend(network, _batches(rows, effort, seed, name), loss, effort)

        everything = torch.arange(len(x))
        fit(
            "classifier",
            panel.classifier,
            everything,
            budget.classifier,
            lambda i: F.cross_entropy(panel.classifier(x[i]), labels[i]),
        )
        fit("whole", panel.whole, everything, budget.whole, lambda i: F.mse_loss(panel.whole(x[i]), x[i]))
        for label in range(classes):
            network = panel.autoencoder(label)
            fit(
                f"class {label}",
                network,
                everything[labels == label],
                budget.of_class,
                lambda i, network=network: F.mse_loss(network(x[i]), x[i]),
            )
        noise = generator(seed, "judges", "latents")
        fit(
            "vae",
            panel.vae,
            everything,
            budget.vae,
            lambda i: panel.vae.loss(x[i], torch.randn(len(i), LATENTS, generator=noise)),
        )
    return panel.eval().requires_grad_(False)


def _descend(network: nn.Module, batches: Iterator[Tensor], loss: Callable[[Tensor], Tensor], effort: Effort) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=effort.rate)
    for k, rows in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = effort.rate * (1 + math.cos(math.pi * k / effort.steps)) / 2
        optimiser.zero_grad()
        loss(rows).backward()
        optimiser.step()


def _batches(rows: Tensor, effort: Effort, seed: int, name: str) -> Iterator[Tensor]:
    """Rows in random order, all of them before one comes again; a batch larger than their number is all of them."""
    stream, size, left = generator(seed, "judges", "batches", name), min(effort.batch, len(rows)), rows[:0]
    for _ in range(effort.steps):
        if len(left) < size:
            left = rows[torch.randperm(len(rows), generator=stream)]
        batch, left = left[:size], left[size:]
        yield batch


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
