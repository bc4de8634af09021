"""Standardising columns: what every method that standardises by statistics of its own does with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scaler:
    """Columns to mean 0 and standard deviation 1; `mean` and `std` are ``(d,)``, or ``(n, d)`` for one a row."""

    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, x: Tensor, *, correction: int) -> Self:
        """The scaler of the columns of ``x (n, d)``, dividing by ``n - correction``; a constant one is only centred."""
        wide = x.double()
        std = wide.std(0, correction=correction) if len(x) > correction else torch.zeros_like(wide[0])
        return cls(wide.mean(0).to(x), torch.where(std == 0, 1, std).to(x))

    @classmethod
    def identity(cls, columns: int) -> Self:
        """The scaler that changes nothing."""
        return cls(torch.zeros(columns, dtype=torch.float64), torch.ones(columns, dtype=torch.float64))

    def __call__(self, x: Tensor) -> Tensor:
        """Standardised rows ``(n, d)``."""
        return (x - self.mean) / self.std

    def undo(self, x: Tensor) -> Tensor:
        """Rows in their own units again."""
        return x * self.std + self.mean
