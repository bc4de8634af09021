"""One flow of a scalar given its parents, with its base, by maximum likelihood; which one, by that of folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import derive, generator
from torch import Tensor

from ..training.network import Architecture, Network, Perceptron, draw_network
from ..training.progress import counted
from ..training.rising import Shape
from .bases import SIZE, law

SHAPES = {
    "linear-shift": Shape("shift", ()),
    "shift": Shape("shift", (32, 32)),
    "affine": Shape("affine", (32, 32)),
    "spline": Shape("spline", (32, 32)),
}
"""The four among which the published code chooses."""

SLOWER = 0.1
"""Splines are trained at this part of the rate, as there."""


@dataclass(frozen=True)
class Fitted:
    """A trained flow: its shape, its network and the parameters ``(SIZE,)`` of its base."""

    shape: str
    network: Network
    base: Tensor


def log_prob(flow: Fitted, base: str, x: Tensor, features: Tensor) -> Tensor:
    """``log p(x | pa) = log b(u) + log |du/dx|``, u = T(x; h), ``(n,)`` for ``x (n,)`` and ``features (n, p)``."""
    u, log_slope = SHAPES[flow.shape].at(flow.network(features)).call_and_ladj(x)
    return law(base, flow.base).log_prob(u) + log_slope


@dataclass(frozen=True)
class Recipe:
    """How flows are trained and chosen; see `FlowSCM` for the meaning of each."""

    base: str
    shapes: tuple[str, ...]
    folds: int
    epochs: int
    batch_size: int
    lr: float

    def chosen(self, x: Tensor, features: Tensor, seed: int) -> Fitted:
        """The shape of greatest likelihood on rows that its training did not see, trained on all ``x (n,)``.

        A shape whose likelihood is not finite on some fold is not chosen while another has one.
        """
        shape = self.shapes[0]
        if len(self.shapes) > 1:
            part = torch.arange(len(x))[torch.randperm(len(x), generator=generator(seed, "folds"))] % self.folds
            scores = {name: self._likelihood(name, x, features, part, seed) for name in self.shapes}
            shape = max(self.shapes, key=scores.__getitem__)
        return self.trained(shape, x, features, derive(seed, "all rows"))

    def _likelihood(self, shape: str, x: Tensor, features: Tensor, part: Tensor, seed: int) -> float:
        total = 0.0
        for fold in range(self.folds):
            held = part == fold
            if held.all() or not held.any():
                continue  # so few rows that a fold is empty or everything
            flow = self.trained(shape, x[~held], features[~held], derive(seed, "fold", shape, fold))
            with torch.no_grad():
                total += float(log_prob(flow, self.base, x[held].double(), features[held].double()).sum())
        return total if torch.isfinite(torch.tensor(total)) else -torch.inf

    def trained(self, shape: str, x: Tensor, features: Tensor, seed: int) -> Fitted:
        """This shape after `epochs` of Adam at a constant rate on ``-log p``, the last epoch, with its base."""
        of = SHAPES[shape]
        drawn = draw_network(Architecture(of.hidden), features.shape[1], of.size, generator(seed, "weights")).trunk
        tensors = [x.clone().requires_grad_() for x in (*drawn.weights, *drawn.biases, torch.zeros(SIZE))]
        flow = Fitted(shape, Network(_perceptron(tensors[:-1])), tensors[-1])
        rate = self.lr * (SLOWER if of.transform == "spline" else 1.0)
        optimizer = torch.optim.Adam(tensors, lr=rate, fused=True)
        stream = generator(seed, "batches")
        with torch.enable_grad():
            for _ in counted(range(self.epochs), "epochs"):
                for rows in torch.randperm(len(x), generator=stream).split(self.batch_size):
                    optimizer.zero_grad()
                    (-log_prob(flow, self.base, x[rows], features[rows]).mean()).backward()
                    optimizer.step()
        kept = [x.detach().double() for x in tensors]
        return Fitted(shape, Network(_perceptron(kept[:-1])), kept[-1])

    def updates(self, n: int) -> int:
        """Optimiser steps of one training on n rows."""
        return self.epochs * -(-n // self.batch_size)


def _perceptron(tensors: Sequence[Tensor]) -> Perceptron:
    half = len(tensors) // 2
    return Perceptron(tuple(tensors[:half]), tuple(tensors[half:]))
