"""What an image network is told about a node's parents: classes as indicators, numbers standardised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scmbench.datasets.values import ValuesError
from torch import Tensor

from ..contract.units import origin

MOST_CLASSES = 64
"""A root of whole numbers with more of them than this is no label, but a number."""


@dataclass(frozen=True)
class Slot:
    """A column of a node's parents: whose it is, and whether its whole numbers are names of classes."""

    node: str | int
    label: bool


@dataclass(frozen=True)
class Column:
    """How a column of the parents is read: one of `classes`, or a number with this mean and standard deviation.

    A number is counted from `origin` (`contract.units.origin`, 0 where the column lies around 0), its mean included.
    """

    node: str | int
    classes: tuple[int, ...]
    mean: float
    std: float
    origin: float = 0.0

    @property
    def width(self) -> int:
        """Columns of its code."""
        return len(self.classes) or 1


@dataclass(frozen=True)
class Context:
    """The parents' code ``(n, width)`` of ``(n, p)``: an indicator a class, a standardised number."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, slots: Sequence[Slot], parents: Tensor) -> Context:
        """The code of the training rows ``parents (n, p)``, a slot a column."""
        return cls(tuple(_column(slot, x.double()) for slot, x in zip(slots, parents.unbind(1), strict=True)))

    @property
    def width(self) -> int:
        """Number of columns of the code."""
        return sum(column.width for column in self.columns)

    def indices(self, parents: Tensor) -> list[Tensor]:
        """Of each column of ``parents (n, p)`` what it says: the class's number ``(n,)``, or the standardised value.

        Raises `ValuesError` for a label that is none of the classes, naming the node and the value.
        """
        return [_read(column, x.double()) for column, x in zip(self.columns, parents.unbind(1), strict=True)]

    def __call__(self, parents: Tensor) -> Tensor:
        """The code, ``(n, width)``, float32. Raises `ValuesError` for a label that is none of the classes."""
        parts = [
            torch.nn.functional.one_hot(x, len(column.classes)) if column.classes else x[:, None]
            for column, x in zip(self.columns, self.indices(parents), strict=True)
        ]
        return torch.cat([part.float() for part in parts], 1) if parts else torch.empty(len(parents), 0)


def _column(slot: Slot, x: Tensor) -> Column:
    values = x.unique() if slot.label else x[:0]
    if 0 < len(values) <= MOST_CLASSES:
        return Column(slot.node, tuple(int(v) for v in values.tolist()), 0.0, 1.0)
    start = origin(x[:, None])
    near = x - start
    std = float(near.std(correction=0))
    return Column(slot.node, (), float(near.mean()), std if std > 0 else 1.0, float(start))


def _read(column: Column, x: Tensor) -> Tensor:
    if not column.classes:
        return (x - column.origin - column.mean) / column.std
    hits = x[:, None] == x.new_tensor(column.classes)
    if len(x) and not bool(hits.any(1).all()):
        odd = x[~hits.any(1)][0].item()
        classes = ", ".join(map(str, column.classes))
        raise ValuesError(f"{column.node!r} is {odd:g}: the model was trained on the classes {classes}")
    return hits.long().argmax(1) if len(x) else x.long()
