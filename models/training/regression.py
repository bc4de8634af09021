"""What one network of a stack learns: a regression whose inputs and targets are drawn afresh every epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Regression(ABC):
    """A least-squares problem with `rows` rows: predict `outputs` columns from `inputs` columns.

    Denoising (DCM) and flow matching are such problems: their inputs are noised data, parents and time, and a new noise
    and time come with every visit of a row. All randomness comes from `seed`.
    """

    rows: int
    inputs: int
    outputs: int
    seed: int
    held: tuple[Tensor, Tensor] | None = None
    """Inputs and targets, the same after every epoch, of rows that are not trained on; None where none are held out."""

    @abstractmethod
    def epoch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs `(rows, inputs)` and targets `(rows, outputs)` of one epoch, float32, in the order of training.

        The generator is the CPU's wherever the data are, so that all devices train on the same numbers.
        """
