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

Loss = Callable[[Tensor], Tensor]
"""Row numbers of a batch to its loss."""


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
    with seeded(seed, "judges", "weights"):
        panel = Panel((int(x.shape[1]), int(x.shape[2]), int(x.shape[3])), classes)

    everything, noise = torch.arange(len(x)), generator(seed, "judges", "latents")

    def fit(name: str, network: nn.Module, effort: Effort, loss: Loss, rows: Tensor = everything) -> None:
        _descend(network, _batches(rows, effort, seed, name), loss, effort)

    def reconstruction(network: nn.Module) -> Loss:
        return lambda i: F.mse_loss(network(x[i]), x[i])

    classifier, vae = panel.classifier, panel.vae
    fit("classifier", classifier, budget.classifier, lambda i: F.cross_entropy(classifier(x[i]), labels[i]))
    fit("whole", panel.whole, budget.whole, reconstruction(panel.whole))
    for label in range(classes):
        network = panel.autoencoder(label)
        fit(f"class {label}", network, budget.of_class, reconstruction(network), everything[labels == label])
    fit("vae", vae, budget.vae, lambda i: vae.loss(x[i], torch.randn(len(i), LATENTS, generator=noise)))
    return panel.eval().requires_grad_(False)


def _descend(network: nn.Module, batches: Iterator[Tensor], loss: Loss, effort: Effort) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=effort.rate)
    for k, rows in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = effort.rate * (1 + math.cos(math.pi * k / effort.steps)) / 2
        optimiser.zero_grad()
        loss(rows).backward()
        optimiser.step()


def _batches(rows: Tensor, effort: Effort, seed: int, name: str) -> Iterator[Tensor]:
    """Rows in random order, drawn anew where fewer than a batch are left; a batch is at most all rows."""
    stream, size, left = generator(seed, "judges", "batches", name), min(effort.batch, len(rows)), rows[:0]
    for _ in range(effort.steps):
        if len(left) < size:
            left = rows[torch.randperm(len(rows), generator=stream)]
        batch, left = left[:size], left[size:]
        yield batch


@contextmanager
def one_thread() -> Iterator[None]:
    """Work on one thread, whatever the caller's number is: the last digit of a sum depends on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
