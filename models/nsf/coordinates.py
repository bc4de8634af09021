"""Coordinates in which flows are learned: standardised, or by an inverse hyperbolic sine that draws tails in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..contract.columns import Scaler

COORDINATES = ("standard", "asinh")
OWN, GIVEN = 2.0, 3.0
"""Where the inverse hyperbolic sine bends: ``asinh(2 z)`` of a node itself, ``asinh(3 z)`` of what it is given."""

WIDTHS = 4


@dataclass(frozen=True)
class Coordinates:
    """Columns ``x (n, d)`` as ``y (n, d)``, strictly rising in x, of mean or median 0 and unit spread.

    * standard: ``y = z = (x - mean) / std``; `width` is None.
    * asinh: ``z = (x - median) / (1.4826 MAD)``, ``y = asinh(2 z) / width``, `width` the standard deviation of
      ``asinh(2 z)``. About linear within the bulk and logarithmic in the tails: what is far out is near in y.
    """

    scaler: Scaler
    width: Tensor | None

    @classmethod
    def of(cls, x: Tensor, kind: str) -> Self:
        """The coordinates of this kind for the rows ``x (n, d)``."""
        if kind == "standard":
            return cls(Scaler.of(x, correction=0), None)
        scaler = Scaler.robust(x)
        return cls(scaler, Scaler.of((OWN * scaler(x)).asinh(), correction=0).std)

    def __call__(self, x: Tensor) -> Tensor:
        """y of values ``x (n, d)``."""
        z = self.scaler(x)
        return z if self.width is None else (OWN * z).asinh() / self.width

    def undo(self, y: Tensor) -> Tensor:
        """x of ``y (n, d)``."""
        return self.scaler.undo(y if self.width is None else (self.width * y).sinh() / OWN)

    def log_slope(self, x: Tensor) -> Tensor:
        """``log dy/dx`` at ``x (n, d)``, the same shape."""
        slope = -self.scaler.std.log().expand(x.shape)
        if self.width is None:
            return slope
        return slope + math.log(OWN) - self.width.log() - 0.5 * torch.log1p((OWN * self.scaler(x)).square())

    def features(self, x: Tensor) -> Tensor:
        """What a network is shown of ``x (n, d)``: z, of asinh coordinates also asinh(3 z), and columns of 0.

        These make the number of columns a multiple of `WIDTHS`, so that nodes with a parent or two train in one stack.
        """
        z = self.scaler(x)
        seen = z if self.width is None else torch.cat([z, (GIVEN * z).asinh()], 1)
        return torch.nn.functional.pad(seen, (0, max(1, -(-seen.shape[1] // WIDTHS)) * WIDTHS - seen.shape[1]))
