"""A law on the line known by weighted points: the normal score of a value, and the value of a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Distinct ascending values ``y (m,)`` with their normal scores ``z (m,)``, and the `slope` dz/dy of both tails.

    The score of a value is z = Φ⁻¹(F(y)), standard normal where F is the law of y. F takes at a point the mass below it
    plus half of its own; z is linear between points. Beyond the outermost points z goes on with a normal's slope, one
    over the standard deviation, so that the map is one-to-one on the line and can be inverted exactly.
    """

    y: Floats
    z: Floats
    slope: float

    @classmethod
    def of(cls, y: Floats, weights: Floats) -> Self:
        """From ascending values ``y (n,)``, which may repeat, and their weights ``(n,)``, at least one above 0."""
        there = weights > 0
        values, place = np.unique(y[there], return_inverse=True)
        mass = np.bincount(place, weights[there])
        mass /= mass.sum()
        z = ndtri(np.cumsum(mass) - mass / 2)
        deviation = np.sqrt(mass @ np.square(values - mass @ values))
        return cls(values, z, 1 / deviation if deviation > 0 else 1.0)

    def score(self, y: Floats) -> Floats:
        """The normal scores ``z`` of values ``y``, any shape."""
        beyond = np.where(y < self.y[0], y - self.y[0], np.maximum(y - self.y[-1], 0))
        return np.interp(y, self.y, self.z) + self.slope * beyond

    def value(self, z: Floats) -> Floats:
        """The values ``y`` of normal scores ``z``, any shape: the inverse of `score`."""
        beyond = np.where(z < self.z[0], z - self.z[0], np.maximum(z - self.z[-1], 0))
        return np.interp(z, self.z, self.y) + beyond / self.slope
