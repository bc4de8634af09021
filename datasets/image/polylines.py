"""Ten digits as single strokes: each a polyline of equally many points, so that one style can act on all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

POINTS = 25
"""Of every digit, at equal arc length: 24 segments."""


def _line(*points: tuple[float, float]) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)


def _arc(x: float, y: float, a: float, b: float, start: float, stop: float) -> Tensor:
    """An arc of the ellipse with centre (x, y) and half-axes (a, b); degrees, 0 is right and 90 is down."""
    angle = torch.linspace(math.radians(start), math.radians(stop), 65, dtype=torch.float64)
    return torch.stack([x + a * angle.cos(), y + b * angle.sin()], dim=1)


_STROKES: tuple[tuple[Tensor, ...], ...] = (
    (_arc(0, 0, 0.62, 0.95, -90, 270),),
    (_line((-0.35, -0.6), (0.05, -0.95), (0.05, 0.95)),),
    (_arc(0, -0.42, 0.58, 0.53, 190, 380), _line((-0.62, 0.95), (0.65, 0.95))),
    (_arc(-0.05, -0.48, 0.55, 0.47, 200, 450), _arc(-0.05, 0.47, 0.62, 0.48, -90, 160)),
    (_line((0.3, 0.95), (0.3, -0.95), (-0.65, 0.35), (0.7, 0.35)),),
    (_line((0.55, -0.95), (-0.42, -0.95), (-0.5, -0.1)), _arc(-0.02, 0.35, 0.6, 0.6, 230, 510)),
    (_arc(0.45, 0.4, 1.0, 1.35, 260, 180), _arc(0, 0.4, 0.55, 0.55, 180, -180)),
    (_line((-0.6, -0.95), (0.62, -0.95), (-0.15, 0.95)),),
    (_arc(0, -0.5, 0.46, 0.45, 90, 450), _arc(0, 0.45, 0.56, 0.5, -90, 270)),
    (_arc(0, -0.42, 0.54, 0.53, 0, -360), _line((0.54, -0.42), (0.35, 0.95))),
)
"""The digits on [-1, 1]^2, y down, the pen never lifted."""


def resampled(points: Tensor, count: int) -> Tensor:
    """`count` points at equal arc length on the polyline ``(m, 2)``; the first and the last are its ends."""
    lengths = (points[1:] - points[:-1]).norm(dim=1)
    points, lengths = points[torch.cat([lengths.new_ones(1), lengths]) > 0], lengths[lengths > 0]
    travelled = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    wanted = torch.linspace(0, 1, count, dtype=points.dtype) * travelled[-1]
    segment = (torch.searchsorted(travelled, wanted, right=True) - 1).clamp(0, len(lengths) - 1)
    share = ((wanted - travelled[segment]) / lengths[segment]).unsqueeze(1)
    return points[segment] + share * (points[segment + 1] - points[segment])


def polylines(strokes: Iterable[tuple[Tensor, ...]] = _STROKES) -> Tensor:
    """All digits, ``(10, POINTS, 2)``, float64: x to the right, y down."""
    return torch.stack([resampled(torch.cat(parts), POINTS) for parts in strokes])
