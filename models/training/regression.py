"""What one network of a stack learns: a regression whose inputs and targets are drawn afresh every epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from .counter import Streams, normal


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

        The generator is the CPU's wherever the data are, so that all devices train on the same numbers, unless they are
        drawn `together`.
        """

    @classmethod
    def together(cls, regressions: Sequence[Self]) -> Drawn | None:
        """All of them, drawn at once on the device where their data are; None where only `epoch` is known."""
        return None


class Drawn(ABC):
    """K regressions of as many rows and outputs, whose epochs are drawn at once, by a generator keyed by their seeds.

    Each predicts targets of its own columns ``(n, d)`` from what is made of these, from its parents and from what it is
    told about time. Tables ``(n, d + p)`` have the own columns first; `told` is the number of columns about time. A
    network reads [own, parents, told], then zeros.
    """

    def __init__(self, tables: Sequence[Tensor], seeds: Sequence[int], *, outputs: int, told: int):
        self.rows, self.outputs, self.device = len(tables[0]), outputs, tables[0].device
        parents = [table.shape[1] - outputs for table in tables]
        most = max(parents)
        # One column of zeros at the end of every table: whatever a network does not have is read from there.
        self.table = torch.stack([torch.nn.functional.pad(t, (0, most + outputs + 1 - t.shape[1])) for t in tables])
        self.streams = Streams(seeds, self.rows, self.device)
        self._told, self._columns = told, [self._read(p, told) for p in parents]

    def _read(self, parents: int, told: int) -> list[int]:
        """The columns of [own, told, parents, zero] in the order in which a network with so many parents reads them."""
        d = self.outputs
        return [*range(d), *range(d + told, d + told + parents), *range(d, d + told)]

    @abstractmethod
    def mix(self, own: Tensor, parents: Tensor, epoch: int, words: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What the networks read and predict of an epoch's rows, in the order of training.

        Args:
            own: The rows' own columns ``(K, n, d)``.
            parents: Their parents ``(K, n, p + 1)``, filled up with zeros.
            epoch: The epoch, counted from 0, for `noise` of it.
            words: Three random words ``(K, n)`` of every row.

        Returns:
            Own columns as they are read ``(K, n, d)``, what is told about time ``(K, n, told)``, parents as they are
            read, and targets ``(K, n, d)``.
        """

    def noise(self, epoch: int, words: tuple[Tensor, ...]) -> Tensor:
        """Standard normal draws ``(K, n, d)``; the first column is made of the last two of the epoch's `words`."""
        pairs = [words[1:], *(self.streams.words(epoch, j)[:2] for j in range(1, self.outputs))]
        return torch.stack([normal(*pair) for pair in pairs], -1)

    def columns(self, width: int) -> Tensor:
        """Where the `width` columns that each network reads stand in [own, told, parents, zero], ``(K, 1, width)``."""
        zero = self.table.shape[2] - 1 + self._told
        read = [columns + [zero] * (width - len(columns)) for columns in self._columns]
        return torch.tensor(read, device=self.device)[:, None]

    def fill(self, epoch: int, columns: Tensor, x: Tensor, y: Tensor) -> None:
        """Write an epoch's inputs ``(K, n, width)`` and targets ``(K, n, d)``, rows in the order of training."""
        key, *words = self.streams.words(epoch, 0)
        order = key.to(torch.int32).sort(dim=1, stable=True).indices
        rows = self.table.gather(1, order[..., None].expand(-1, -1, self.table.shape[2]))
        own, parents = rows[..., : self.outputs], rows[..., self.outputs :]
        seen, told, parents, target = self.mix(own, parents, epoch, tuple(words))
        torch.gather(torch.cat([seen, told, parents], -1), 2, columns.expand(-1, self.rows, -1), out=x)
        y.copy_(target)
