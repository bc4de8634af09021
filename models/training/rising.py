"""Rising maps of a scalar that are the identity where a network has learned nothing: a shift, affine, or a spline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from zuko.transforms import ComposedTransform, MonotonicAffineTransform, MonotonicRQSTransform

BINS, BOUND = 8, 5.0


@dataclass(frozen=True)
class Shape:
    """A rising map ``u = T(x; h)``, and the hidden widths of the perceptron that makes h of the parents.

    `shift` is ``x + b``, `affine` ``e^a x + b`` with |a| < ln 1000, and `spline` the affine map and then a monotone
    rational-quadratic spline of 8 bins on [-5, 5] (Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", 2019,
    section 3.1; by zuko). The base's location and scale come after it.
    """

    transform: str
    hidden: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers an h has."""
        return {"shift": 1, "affine": 2, "spline": 2 + 3 * BINS - 1}[self.transform]

    def at(self, h: Tensor) -> Any:
        """zuko's maps ``x -> u`` of tensors ``(*,)`` for ``h (*, size)``; at h = 0 the identity."""
        shift = h[..., 0]
        parts: list[Any] = [MonotonicAffineTransform(shift, 0 * shift if self.transform == "shift" else h[..., 1])]
        if self.transform == "spline":
            widths, heights, slopes = h[..., 2:].split([BINS, BINS, BINS - 1], -1)
            parts.append(MonotonicRQSTransform(widths, heights, slopes, bound=BOUND))
        return ComposedTransform(*parts)
