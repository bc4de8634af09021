"""Nodes side by side as standardised columns, and back: what models that learn all nodes jointly are trained on."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from scmbench.datasets.levels import levels
from scmbench.datasets.values import Values, ValuesError, flatten, is_image, n_rows
from torch import Tensor

from .fields import Saves
from .units import check_origin, origin

MAD_TO_STD = 1.482602218505602
"""Standard deviation of a normal variable over its median absolute deviation."""


@dataclass(frozen=True)
class Scaler:
    """Columns to mean 0 and standard deviation 1; `mean` and `std` are ``(d,)``, or ``(n, d)`` for one a row."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, x: Tensor, *, correction: int) -> Self:
        """The scaler of the columns of ``x (n, d)``, dividing by ``n - correction``; a constant one is only centred."""
        wide = x.double()
        std = wide.std(0, correction=correction) if x.numel() and len(x) > correction else torch.zeros_like(wide[0])
        return cls(wide.mean(0).to(x), torch.where(std == 0, 1, std).to(x))

    @classmethod
    def robust(cls, x: Tensor) -> Self:
        """Columns of ``x (n, d)`` to median 0 and 1.4826 median absolute deviations 1.

        A column that is one value in more than half of its rows is divided by its standard deviation instead, or by 1
        where it is constant.
        """
        centre = x.quantile(0.5, dim=0) if x.numel() else x.new_zeros(x.shape[1])
        spread = MAD_TO_STD * (x - centre).abs().quantile(0.5, dim=0) if x.numel() else centre
        return cls(centre, torch.where(spread > 0, spread, cls.of(x, correction=0).std))

    @classmethod
    def identity(cls, columns: int) -> Self:
        """The scaler that changes nothing."""
        return cls(torch.zeros(columns, dtype=torch.float64), torch.ones(columns, dtype=torch.float64))

    def __call__(self, x: Tensor) -> Tensor:
        """Standardised rows ``(n, d)``: z = (x - mean) / std."""
        return (x - self.mean) / self.std

    def undo(self, z: Tensor) -> Tensor:
        """Rows in their own units again: x = z std + mean."""
        return z * self.std + self.mean

    def to(self, device: torch.device | str) -> Scaler:
        """The same scaler on another device."""
        return Scaler(self.mean.to(device), self.std.to(device))

    def part(self, columns: slice) -> Scaler:
        """The scaler of some of the columns."""
        return Scaler(self.mean[..., columns], self.std[..., columns])


class Columns(Saves):
    """Layout and scale of the nodes as one matrix: node v takes the columns ``slices[v]``, z = (x - mean) / std.

    `origin` ``(D,)`` is where values are counted from, mean included (see `units.origin`; 0 where `data` lie around 0).
    `scaler` has by default the unbiased standard deviations of `data`, 1 for a constant column; one that is given
    acts on the values as they are: its columns have the origin 0. Discrete nodes are treated as real ones: a model is
    trained on z plus uniform noise (`dequantised`), abducts from the value itself and has its answers brought to levels
    (Theis, van den Oord, Bethge, "A note on the evaluation of generative models", 2016). A density over columns of
    integers is then close to the probability of the integer.

    Raises `ValuesError` for fewer than two rows, where there is no scaler.
    """

    saves = ("like", "origin", "scaler")
    like: Values
    origin: Tensor
    scaler: Scaler

    def __init__(self, nodes: Sequence[str], data: Values, scaler: Scaler | None = None):
        if scaler is None and n_rows(data) < 2:
            raise ValuesError("training data: a standard deviation needs two rows at least")
        self.like = {v: data[v][:0].clone() for v in nodes}
        self.slices = self._slices()
        self.origin = origin(flatten(data, nodes)) if scaler is None else torch.zeros_like(scaler.mean)
        self.scaler = scaler or Scaler.of(self.matrix(data), correction=1)

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, and the columns that they make."""
        super().restore(fields)
        self.slices = self._slices()
        check_origin(self.origin, len(self), "origin")
        return self

    def _slices(self) -> dict[str, slice]:
        slices: dict[str, slice] = {}
        for node in self.like:
            start = sum(s.stop - s.start for s in slices.values())
            slices[node] = slice(start, start + self.width(node))
        return slices

    def __len__(self) -> int:
        """Number of columns D."""
        return sum(map(self.width, self.like))

    def width(self, node: str) -> int:
        """Number of columns of a node."""
        return self.like[node].shape[1:].numel()

    def rescaled(self, scaler: Scaler) -> Self:
        """The same layout with another scaler."""
        other = copy.copy(self)
        other.scaler = scaler
        return other

    def mask(self, nodes: Iterable[str]) -> Tensor:
        """Mask ``(D,)`` of the columns of these nodes."""
        mask = torch.zeros(len(self), dtype=torch.bool)
        for node in nodes:
            mask[self.slices[node]] = True
        return mask

    def held(self, z: Tensor, forced: Values) -> Tensor:
        """Rows ``z (n, D)`` in which the nodes of `forced` have their standardised columns ``(n, d)``."""
        rows = z.clone()
        for node, columns in forced.items():
            rows[:, self.slices[node]] = columns
        return rows

    def matrix(self, values: Values) -> Tensor:
        """All nodes side by side, ``(n, D)``, float64, in the units of the data, counted from `origin`."""
        return flatten(values, list(self.slices)) - self.origin

    def pack(self, values: Values) -> Tensor:
        """Standardised columns ``(n, D)``, float64, of values ``{node: (n, *event)}``."""
        return self.scaler(self.matrix(values))

    def unpack(self, z: Tensor) -> Values:
        """Values ``{node: (n, *event)}`` in their own units of standardised columns ``(n, D)``; nothing is rounded."""
        return self.shaped(self.scaler.undo(z.double()) + self.origin)

    def standardised(self, values: Values) -> Values:
        """The standardised columns ``{node: (n, k)}`` of some nodes' values ``{node: (n, *event)}``."""
        return {v: self.scaler.part(self.slices[v])(x) for v, x in self.counted(values).items()}

    def counted(self, values: Values) -> Values:
        """The columns ``{node: (n, k)}`` of some nodes' values ``{node: (n, *event)}``, counted from `origin`."""
        return {v: flatten(values, [v]) - self.origin[self.slices[v]] for v in values}

    def split(self, z: Tensor) -> Values:
        """The columns ``(n, k)`` of each node, views of `z`."""
        return {node: z[:, columns] for node, columns in self.slices.items()}

    def shaped(self, x: Tensor) -> Values:
        """The columns of each node in its event shape, ``{node: (n, *event)}``."""
        return {v: part.reshape(len(x), *self.like[v].shape[1:]) for v, part in self.split(x).items()}

    def numbered(self, forced: Values) -> dict[int, Tensor]:
        """Columns ``{node: (n, k)}`` by their numbers, ``{j: (n,)}``."""
        return {j: x for v, part in forced.items() for j, x in enumerate(part.unbind(1), self.slices[v].start)}

    def dequantised(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """`z` plus U(-1/2, 1/2), in the units of the data on integer columns, in gaps on real ones of two values.

        Pixels have no levels (`levels_of`).
        """
        integer = self.mask(v for v, like in self.like.items() if not like.is_floating_point())
        noise = torch.rand(z.shape, generator=generator, dtype=z.dtype) - 0.5
        gaps = torch.zeros(z.shape[1], dtype=z.dtype)
        real = ~integer & ~self.mask(v for v, like in self.like.items() if is_image(like))
        for j in real.nonzero().flatten().tolist():
            two = levels(z[:, j])
            gaps[j] = 0 if two is None else two[-1] - two[0]
        return z + noise / self.scaler.std * integer + noise * gaps
