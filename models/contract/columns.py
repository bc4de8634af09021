"""Nodes side by side as standardised columns, and back: what models that learn all nodes jointly are trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from scmbench.datasets.values import Values, ValuesError, check_values, flatten
from torch import Tensor


class Table:
    """Layout and scale of the training data: node v takes the columns ``slices[v]``, z = (x - mean) / std.

    `std` is the unbiased standard deviation, 1 for a constant column. Integer nodes are treated as real ones: a model
    is trained on z plus uniform noise one unit wide (`dequantised`), abducts from the integer itself and rounds its
    answers (Theis, van den Oord, Bethge, "A note on the evaluation of generative models", 2016). A density over such
    columns is then close to the probability of the integer.

    Raises `ValuesError` for a missing column, NaN, or fewer than two rows.
    """

    def __init__(self, nodes: Sequence[str], data: Mapping[str, Tensor]):
        if check_values(data, nodes, what="training data") < 2:
            raise ValuesError("training data: a standard deviation needs two rows at least")
        self.like = {v: data[v][:0].double() if data[v].is_floating_point() else data[v][:0] for v in nodes}
        self.slices: dict[str, slice] = {}
        for node in nodes:
            start = sum(s.stop - s.start for s in self.slices.values())
            self.slices[node] = slice(start, start + self.width(node))
        x = flatten(data, nodes)
        self.mean, std = x.mean(0), x.std(0)
        self.std = torch.where(std == 0, 1, std)

    def width(self, node: str) -> int:
        """Number of columns of a node."""
        return self.like[node].shape[1:].numel()

    def mask(self, nodes: Iterable[str]) -> Tensor:
        """Mask ``(D,)`` of the columns of these nodes."""
        mask = torch.zeros(len(self.mean), dtype=torch.bool)
        for node in nodes:
            mask[self.slices[node]] = True
        return mask

    def pack(self, values: Mapping[str, Tensor], *, what: str = "factual rows") -> Tensor:
        """Standardised columns ``(n, D)``, float64. Raises `ValuesError` for a missing node, NaN or another shape."""
        check_values(values, self.slices, what=what)
        for node, like in self.like.items():
            if values[node].shape[1:] != like.shape[1:]:
                got, event = tuple(values[node].shape), ", ".join(map(str, ["n", *like.shape[1:]]))
                raise ValuesError(f"{what}: {node!r} has shape {got}; the model was fitted on ({event})")
        return torch.cat([self.standardise(node, values[node]) for node in self.slices], 1)

    def standardise(self, node: str, x: Tensor) -> Tensor:
        """Standardised columns ``(n, k)`` of one node's values ``(n, *event)``."""
        columns = self.slices[node]
        return (x.reshape(len(x), self.width(node)).double() - self.mean[columns]) / self.std[columns]

    def split(self, z: Tensor) -> Values:
        """The columns ``(n, k)`` of each node."""
        return {node: z[:, columns] for node, columns in self.slices.items()}

    def dequantised(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """`z` plus U(-1/2, 1/2) in the units of the data on integer columns."""
        integer = self.mask(v for v, like in self.like.items() if not like.is_floating_point())
        noise = torch.rand(z.shape, generator=generator, dtype=z.dtype) - 0.5
        return z + noise / self.std * integer

    def unpack(self, z: Tensor) -> Values:
        """Values in their own units from standardised columns ``(n, D)``; integer nodes are rounded."""
        x = z.double() * self.std + self.mean
        values = {v: x.reshape(len(x), *self.like[v].shape[1:]) for v, x in self.split(x).items()}
        return {
            v: x if self.like[v].is_floating_point() else x.round().to(self.like[v].dtype) for v, x in values.items()
        }
