"""Early stopping: which rows are held out, and when a loss on them has not fallen for long enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

HELD_OUT = 0.1
"""Share of the rows that are held out, at least one."""


def split(rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """Positions of the rows to train on and of those held out, by a stream of `seed`; a single row is both."""
    order = torch.randperm(rows, generator=generator(seed, "held out"))
    held = max(1, int(HELD_OUT * rows))
    return (order[held:] if rows > 1 else order), order[:held]


class Best:
    """The epoch of the least held-out loss of each of K networks, and the weights that they had then.

    A network is finished once its loss has not fallen below its least for `patience` epochs, or is not finite; what it
    is trained on after that, beside mates that are not, changes nothing.
    """

    def __init__(self, patience: int, networks: int):
        self.patience = patience
        self.least = [float("inf")] * networks
        self.at = [-1] * networks
        self.ended = [0] * networks
        """Epochs that count of each network that is finished; 0 of the others."""
        self.weights: list[Sequence[Tensor] | None] = [None] * networks

    def see(self, epoch: int, losses: Sequence[float], weights: Sequence[Sequence[Tensor]]) -> bool:
        """Take the losses after an epoch (counted from 0) and the weights behind them; whether all are finished."""
        for k, loss in enumerate(losses):
            if self.ended[k]:
                continue
            if loss < self.least[k]:
                self.least[k], self.at[k] = loss, epoch
                self.weights[k] = [tensor.detach().clone() for tensor in weights[k]]
            elif math.isnan(loss) or epoch - self.at[k] >= self.patience:
                self.ended[k] = epoch + 1
        return all(self.ended)
