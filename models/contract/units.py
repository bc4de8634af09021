"""Origins and scales of columns that cost no digit: multiples of powers of two, and powers of two."""

from __future__ import annotations

import torch
from torch import Tensor

from .fields import FieldError

LOG_STEP = 6
"""An origin is a multiple of a power of two, 2^6 to 2^7 standard deviations."""


def origin(x: Tensor) -> Tensor:
    """An origin ``(d,)``, float64, for the columns of ``x (n, d)``: their mean, rounded to a coarse grid.

    float32 has seven digits: a column at 10^9 standard deviations from 0 would lose all of them in the cast. Counted
    from its origin it is within 64 standard deviations (and float32 then rounds it to 4e-6 of them). The grid's step
    is a power of two, for two reasons. ``x - origin`` is exact in float64 for all x within a factor of two of the
    origin (Sterbenz, "Floating-Point Computation", 1974), so that nothing is lost; and the origin of a column that lies
    around 0 *is* 0, so that such data are taken as they are. A shift by a multiple of the step changes no digit of
    ``x - origin``, where float64 holds the shifted rows exactly. A constant column has its value for origin, one whose
    variance overflows 0.
    """
    if not x.numel():
        return torch.zeros(x.shape[1], dtype=torch.float64)
    wide = x.double()
    away = wide - wide[0]  # first, so that the statistics of a shifted column are those of the column
    mean, std = wide[0] + away.mean(0), away.std(0, correction=0)
    _, exponent = torch.frexp(std)
    step = torch.ldexp(torch.ones_like(std), exponent + LOG_STEP)
    near = torch.where(std > 0, (mean / step).round() * step + 0.0, wide[0])
    return torch.where(std.isfinite(), near, 0.0)


def check_origin(read: Tensor | None, width: int, what: str) -> None:
    """Raises `FieldError` where an origin that was read is no finite float64 ``(width,)``."""
    if read is None or read.shape != (width,) or read.dtype != torch.float64 or not bool(read.isfinite().all()):
        raise FieldError(f"{what} is no row of {width} finite float64 numbers")


def even_scale(x: Tensor) -> Tensor:
    """Powers of two ``(d,)``, float64, by which columns of ``x (n, d)`` are divided to be of comparable size.

    2^(10 k) with the whole k for which the standard deviation comes into [2^-5, 2^5); 1 for a constant column. Division
    is exact, and columns of ordinary size are left as they are. Whatever compares columns, such as the singular values
    that least squares takes for 0, needs it: a column of 1e-9 beside one of 1e9 is no rounding.
    """
    std = x.double().std(0, correction=0) if x.numel() else torch.zeros(x.shape[1], dtype=torch.float64)
    _, exponent = torch.frexp(std)
    return torch.ldexp(torch.ones_like(std), (exponent + 4).div(10, rounding_mode="floor") * 10)
