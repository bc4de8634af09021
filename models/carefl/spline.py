"""Monotone rational-quadratic splines on [-3, 3], the identity outside: 14 numbers make a function and its inverse."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad, softplus

BINS, BOUND, MINIMUM = 5, 3.0, 1e-3
"""Number of bins, half the width of the box, and the least width and height (in units of the box's side) and slope."""

PARAMETERS = 3 * BINS - 1
"""Of one spline: 5 widths, 5 heights, 4 slopes at the inner knots, all unconstrained."""


def end_slope(doubled: bool) -> float:
    """The unconstrained number whose slope is 1, the slope at both ends of the box."""
    once = math.log(math.expm1(1 - MINIMUM))
    return math.log(math.expm1(once)) if doubled else once


@dataclass(frozen=True)
class Spline:
    """n splines: knots ``x`` and ``y``, both ``(6, n)``, from (-3, -3) to (3, 3), and the ``slope (6, n)`` at each."""

    x: Tensor
    y: Tensor
    slope: Tensor

    @classmethod
    def of(cls, raw: Tensor, doubled: bool) -> Spline:
        """From ``raw (14, n)`` unconstrained numbers, as in "Neural Spline Flows" (Durkan et al., 2019, section 3.1).

        Widths and heights are 0.001 plus a softmax, slopes at inner knots 0.001 plus a softplus, those at the ends 1.
        With `doubled`, a quirk of the published implementation of CAREFL: widths and heights pass through softmax,
        times 6, and softmax again, and slopes through softplus twice, so that no inner slope is below log 2 + 0.001.
        """
        shares, slopes = raw[: 2 * BINS].unflatten(0, (2, BINS)).softmax(1), raw[2 * BINS :]
        slopes = pad(slopes, (0, 0, 1, 1), value=end_slope(doubled))
        if doubled:
            shares, slopes = (2 * BOUND * shares).softmax(1), softplus(slopes)
        sizes = MINIMUM + (1 - BINS * MINIMUM) * shares
        knots = pad(sizes.cumsum(1), (0, 0, 1, 0)) * (2 * BOUND) - BOUND
        return cls(knots[0], knots[1], MINIMUM + softplus(slopes))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values ``(n,)`` at the points ``x (n,)``, and logarithms of the slopes (Durkan et al., section 3.1)."""
        (left, width), (bottom, height), (d0, d1) = self._bin(self.x, x)
        xi, s = (x - left) / width, height / width
        a = xi * (1 - xi)
        below = s + (d0 + d1 - 2 * s) * a
        y = bottom + height * (s * xi.square() + d0 * a) / below
        log_slope = (d1 * xi.square() + 2 * s * a + d0 * (1 - xi).square()).log() + 2 * (s / below).log()
        inside = x.abs() <= BOUND
        return torch.where(inside, y, x), torch.where(inside, log_slope, 0)

    def inverse(self, y: Tensor) -> Tensor:
        """Points ``(n,)`` where the values are ``y (n,)`` (Durkan et al., appendix A.1)."""
        (left, width), (bottom, height), (d0, d1) = self._bin(self.y, y)
        s, rise = height / width, y - bottom
        bent = rise * (d0 + d1 - 2 * s)
        a, b, c = height * (s - d0) + bent, height * d0 - bent, -s * rise
        root = 2 * c / (-b - (b.square() - 4 * a * c).clamp_min(0).sqrt())
        return torch.where(y.abs() <= BOUND, left + root * width, y)

    def _bin(self, knots: Tensor, at: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(left, width), (bottom, height) and both slopes of the bins in which the points `at` fall."""
        k = (at >= knots[1:-1]).sum(0, keepdim=True)
        (left, right), (bottom, top), slopes = (
            (v.gather(0, k)[0], v.gather(0, k + 1)[0]) for v in (self.x, self.y, self.slope)
        )
        return [(left, right - left), (bottom, top - bottom), slopes]
