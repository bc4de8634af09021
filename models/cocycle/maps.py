"""The rising maps of which cocycles are made: one for every value of the parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from zuko.transforms import ComposedTransform, MonotonicAffineTransform, MonotonicRQSTransform

TRANSFORMS = ("shift", "affine", "spline")


@dataclass(frozen=True)
class Maps:
    """``x = m(z; h)``, strictly rising in z, with parameters h; at h = 0 it is the identity.

    * shift: ``z + b``.
    * affine: ``e^a z + b`` with |a| < ln 1000.
    * spline: a monotone rational-quadratic spline of `bins` bins on [-bound, bound], the identity outside (Durkan,
      Bekasov, Murray, Papamakarios, "Neural spline flows", 2019, section 3.1; by zuko), then the affine map.
    """

    transform: str
    bins: int
    bound: float

    @property
    def size(self) -> int:
        """How many numbers an h has."""
        return {"shift": 1, "affine": 2, "spline": 3 * self.bins + 1}[self.transform]

    def at(self, h: Tensor) -> Any:
        """zuko's maps ``z -> x`` of tensors ``(*,)`` for ``h (*, size)``; ``.inv`` is that of x to z."""
        parts = []
        if self.transform == "spline":
            widths, heights, slopes, h = h.split([self.bins, self.bins, self.bins - 1, 2], -1)
            parts.append(MonotonicRQSTransform(widths, heights, slopes, bound=self.bound))
        shift = h[..., 0]
        scale = h[..., 1] if self.transform != "shift" else 0 * shift
        return ComposedTransform(*parts, MonotonicAffineTransform(shift, scale))
