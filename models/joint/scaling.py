"""Scaling of columns: the training scaler, and the scalers that the published comparison refits for every query."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values
from torch import Tensor


@dataclass(frozen=True)
class Scaler:
    """Columns to mean 0 and unbiased standard deviation 1; `mean` and `std` are ``(d,)`` or one a row, ``(n, d)``."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Scaler:
        """The scaler of the columns of ``x (n, d)``; a constant column (or a single row) is only centred."""
        std = x.std(0) if len(x) > 1 else torch.zeros_like(x[0])
        return cls(x.mean(0), torch.where(std == 0, 1, std))

    @classmethod
    def identity(cls, columns: int) -> Scaler:
        """The scaler that changes nothing."""
        return cls(torch.zeros(columns, dtype=torch.float64), torch.ones(columns, dtype=torch.float64))

    def __call__(self, x: Tensor) -> Tensor:
        """Standardised rows ``(n, d)``."""
        return (x - self.mean) / self.std

    def undo(self, x: Tensor) -> Tensor:
        """Rows in their own units again."""
        return x * self.std + self.mean


def refitted(rows: Tensor, forced: Values, n: int, *, size: int, seed: int) -> Scaler:
    """A scaler for each of `n` rows, fitted on `size` bootstrap rows of ``rows (m, d)``: one per intervention value.

    Rows that share their intervention ``forced {node: (n,)}`` share a scaler, and so do all queries of one fit (`seed`)
    at the same intervention: its stream is keyed by the seed, the nodes and their values.
    """
    nodes = sorted(forced)
    if not nodes:
        return Scaler.of(_bootstrap(rows, size, seed, []))
    settings, member = torch.unique(torch.stack([forced[v] for v in nodes], 1), dim=0, return_inverse=True)
    labels = [[f"{v}={a!r}" for v, a in zip(nodes, setting, strict=True)] for setting in settings.tolist()]
    scalers = [Scaler.of(_bootstrap(rows, size, seed, label)) for label in labels]
    return Scaler(torch.stack([s.mean for s in scalers])[member], torch.stack([s.std for s in scalers])[member])


def _bootstrap(rows: Tensor, size: int, seed: int, labels: list[str]) -> Tensor:
    stream = generator(seed, "query scaler", *labels)
    return rows[torch.randint(len(rows), (size,), generator=stream)]
