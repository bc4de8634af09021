"""What trainings share: rates of learning, the recipe of VACA and CAREFL, tensors as views into one flat array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Recipe:
    """Adam with an L2 term in the gradient; `decay` multiplies its rate every epoch; a short last batch is dropped."""

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float
    decay: float

    def steps(self, rows: int) -> int:
        """Gradient steps on `rows` training rows."""
        return self.epochs * (rows // self.batch_size)

    def check(self, epoch: int, rows: int, parameters: np.ndarray) -> None:
        """Raise `FloatingPointError` if the parameters are not finite after this epoch (counted from 0)."""
        if not np.isfinite(parameters).all():
            step = (epoch + 1) * (rows // self.batch_size)
            raise FloatingPointError(
                f"training diverged by step {step} (epoch {epoch + 1}): weights are not finite; lower lr"
            )


def rates(lr: float, epochs: int, anneal: bool) -> list[float]:
    """The rate of every epoch k = 0, 1, ...: `lr`, or with `anneal` ``lr (1 + cos(π k / epochs)) / 2``.

    Loshchilov, Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017, eq. 5, without restarts.
    """
    return [lr * (1 + math.cos(math.pi * k / epochs)) / 2 if anneal else lr for k in range(epochs)]


def views(flat: np.ndarray, shapes: Sequence[torch.Size]) -> tuple[np.ndarray, ...]:
    """Arrays of these shapes, one after the other in a flat array."""
    ends = np.cumsum([shape.numel() for shape in shapes])
    return tuple(part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True))
