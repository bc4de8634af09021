"""Training of networks of any entry by automatic derivatives, all of one shape at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from scmbench.datasets.seeds import generator
from threadpoolctl import threadpool_limits
from torch import Tensor

from ...training import Regression
from ...training.progress import counted
from .networks import Entry

TOGETHER = 20
"""Networks stacked at most: their parameters, moments and activations should stay in the processor's cache."""


@dataclass(frozen=True)
class Learned:
    """The weights of one network by name, matrices ``(r, c)``, and the mean squared error of every epoch."""

    weights: dict[str, Tensor]
    losses: Tensor = field(default_factory=lambda: torch.empty(0))

    def size(self) -> int:
        """Number of trained scalars."""
        return sum(weight.numel() for weight in self.weights.values())

    def to(self, where: torch.device | torch.dtype | str) -> Learned:
        """The same network on another device, or of another type."""
        return Learned({name: weight.to(where) for name, weight in self.weights.items()}, self.losses)


def train_entries(
    regressions: Sequence[Regression], entries: Sequence[Entry], *, epochs: int, batch_size: int, lr: float
) -> list[Learned]:
    """Train network k of the shape `entries[k]` on regression k, on the CPU; return them in the same order.

    The recipe of `training.train_stack`: Adam on the mean squared error in float32, the short last batch included,
    first weights and epochs from streams of the regression's seed. A result does not depend, to rounding, on what is
    trained beside it.
    """
    groups = defaultdict(list)
    for i, (regression, entry) in enumerate(zip(regressions, entries, strict=True)):
        groups[regression.rows, entry].append(i)
    pieces = [group[start : start + TOGETHER] for group in groups.values() for start in range(0, len(group), TOGETHER)]
    found: dict[int, Learned] = {}
    # Products this small only lose by threads.
    with threadpool_limits(1, user_api="blas"):
        for piece in counted(pieces, "stacks of networks"):
            mates = [regressions[i] for i in piece]
            found.update(zip(piece, _train(mates, entries[piece[0]], epochs, batch_size, lr), strict=True))
    return [found[i] for i in range(len(regressions))]


@torch.no_grad()
def _train(regressions: Sequence[Regression], entry: Entry, epochs: int, batch_size: int, lr: float) -> list[Learned]:
    first = [entry.draw(generator(r.seed, "weights")) for r in regressions]
    streams = [generator(r.seed, "batches") for r in regressions]
    # A batched product of one matrix takes another kernel, which rounds differently: a lone network gets a mate.
    copies = 2 if len(regressions) == 1 else 1
    stacked = {name: torch.stack([weights[name] for weights in first] * copies) for name in first[0]}
    parameters = torch.cat([tensor.flatten() for tensor in stacked.values()])
    parts = parameters.split([tensor.numel() for tensor in stacked.values()])
    w = {name: part.view(tensor.shape) for part, (name, tensor) in zip(parts, stacked.items(), strict=True)}
    for tensor in w.values():
        tensor.requires_grad_()
    optimizer = torch.optim.Adam([parameters], lr=lr, fused=True)
    losses = []
    for _ in counted(range(epochs), "epochs"):
        drawn = [r.epoch(stream) for r, stream in zip(regressions, streams, strict=True)]
        x, y = (torch.stack(part * copies) for part in zip(*drawn, strict=True))
        total = torch.zeros(len(x))
        for inputs, targets in zip(x.split(batch_size, dim=1), y.split(batch_size, dim=1), strict=True):
            with torch.enable_grad():
                squares = (entry(w, inputs) - targets).square().sum((1, 2))
                gradients = torch.autograd.grad(squares.sum() / targets[0].numel(), list(w.values()))
            parameters.grad = torch.cat([gradient.flatten() for gradient in gradients])
            optimizer.step()
            total += squares.detach()
        losses.append(total / y[0].numel())
    history = torch.stack(losses, 1)
    return [Learned({n: t[k].detach().clone() for n, t in w.items()}, history[k]) for k in range(len(regressions))]
