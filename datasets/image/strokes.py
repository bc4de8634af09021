"""Procedural digits whose counterfactual image is known for every parent, the class included; no files, torch alone.

A digit is one polyline, the same number of points for each, so that one style (a handwriting) acts on all ten: under
``do(digit = 3)`` the same hand writes another digit. Pixels are ink, 0 none to 1 full, with a little noise.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from pyro.distributions import Normal, Uniform
from torch import Tensor

from ..registry import register
from ..scm import SCM
from ..values import ValuesError
from .polylines import polylines

CLASSES = 10
STYLES = 10
"""Entries of the image's noise that are the style; the others are a pixel each."""

STYLE_LIMIT = 2.5
"""Styles are clamped to this many standard deviations, so that no digit leaves the image."""

PIXEL_NOISE = 0.02
SOFTNESS = 0.25
"""Width of a stroke's edge, in pixels of 28 x 28."""

ROWS = 64
"""Rows that are drawn together: their pixels stay in the cache of a core."""


@cache
def _letters() -> Tensor:
    return polylines()


def strokes_scm(size: int = 28, *, clip: bool = False) -> SCM:
    """The world at ``size`` x ``size`` pixels; with `clip`, pixels are clamped to [0, 1] after the noise.

        digit     = min(floor(10 u), 9)                               u ~ U(0, 1), int64
        thickness = 1.2 + softplus(0.8 + 0.10 (digit - 4.5) + 0.55 u)   pixels of 28 x 28
        intensity = 0.25 + 0.75 sigmoid(2 thickness - 4.6 + 0.5 u)      ink at full pressure
        slant     = 0.45 tanh(0.6 u + 1.6 (intensity - 0.7))            radians
        image     = intensity * m(digit, thickness, slant; style) + 0.02 e

    with ``m`` as `ink` draws it, and the image's noise ``(style (10,), e (size²,)) ~ N(0, I)``. The scalar equations
    increase in u. The pixels all but determine the style; what little is left is no method's fault.
    """
    zeros = torch.zeros(STYLES + size**2, dtype=torch.float64)
    zero, one = zeros[0], torch.ones((), dtype=torch.float64)

    def image(u: Tensor, digit: Tensor, thickness: Tensor, intensity: Tensor, slant: Tensor) -> Tensor:
        m = ink(digit, thickness, slant, u[:, :STYLES], size=size)
        x = intensity.reshape(-1, 1, 1, 1) * m + PIXEL_NOISE * u[:, STYLES:].reshape(-1, 1, size, size)
        return (x.clamp(0, 1) if clip else x).float()

    return SCM(
        {
            "digit": lambda u: (CLASSES * u).floor().clamp(max=CLASSES - 1).long(),
            "thickness": lambda u, digit: 1.2 + _softplus(0.8 + 0.10 * (digit - 4.5) + 0.55 * u),
            "intensity": lambda u, thickness: 0.25 + 0.75 * torch.sigmoid(2 * thickness - 4.6 + 0.5 * u),
            "slant": lambda u, intensity: 0.45 * torch.tanh(0.6 * u + 1.6 * (intensity - 0.7)),
            "image": image,
        },
        noise={"digit": Uniform(zero, one), "image": Normal(zeros, zeros + 1)},
        images=["image"],
    )


def _softplus(x: Tensor) -> Tensor:
    return torch.logaddexp(x, x.new_zeros(()))


def ink(digit: Tensor, thickness: Tensor, slant: Tensor, style: Tensor, *, size: int = 28) -> Tensor:
    """The share of each pixel that is ink, ``(n, 1, size, size)``, float64, within (0, 1).

    ``m = sigmoid((thickness / 2 - d) / 0.25)`` at distance d from the `pen`'s path, all in pixels of 28 x 28.

    Args:
        digit: Classes 0 to 9, ``(n,)``, int64.
        thickness: Width of the stroke, ``(n,)``.
        slant: Shear to the right, radians, ``(n,)``.
        style: The handwriting, ``(n, 10)``, standard normal; clamped to +-2.5.
        size: Pixels a side.

    Returns:
        The ink ``(n, 1, size, size)``.

    Raises:
        ValuesError: For a digit that is no class.
    """
    bad = (digit < 0) | (digit >= CLASSES)
    if bad.any():
        raise ValuesError(f"digit = {digit[bad][0].item()!r} is none of the classes 0 to {CLASSES - 1}")
    path = pen(digit, slant, style)
    drawn = [_distance(part, size) for part in path.split(ROWS)]
    distance = torch.cat(drawn) if drawn else path.new_empty(0, size, size)
    return torch.sigmoid((thickness.reshape(-1, 1, 1) / 2 - distance) / SOFTNESS).unsqueeze(1)


def pen(digit: Tensor, slant: Tensor, style: Tensor) -> Tensor:
    """The path of the pen, ``(n, 25, 2)`` in pixels of 28 x 28: the digit's polyline, written by this hand.

    With s the style ``(n, 10)``: warped by s_5 to s_9 (sines of the other coordinate, and a width that changes from top
    to bottom), scaled by s_0 and s_1, sheared by the slant, turned by s_4, moved by s_2 and s_3.
    """
    s = style.clamp(-STYLE_LIMIT, STYLE_LIMIT).unsqueeze(-1).unbind(1)
    x, y = _letters()[digit].unbind(-1)
    pi = math.pi
    x = x + 0.09 * (s[5] * (pi * y).sin() + s[6] * (1.5 * pi * x).cos())
    y = y + 0.09 * (s[7] * (pi * x).sin() + s[8] * (1.5 * pi * y).cos())
    x = x * (1 + 0.15 * s[9] * y)
    x, y = x * (0.12 * s[0]).exp(), y * (0.10 * s[1]).exp()
    x = x - slant.unsqueeze(-1).tan() * y
    turn = 0.10 * s[4]
    x, y = turn.cos() * x - turn.sin() * y, turn.sin() * x + turn.cos() * y
    return torch.stack([13.5 + 0.9 * s[2] + 7.2 * x, 13.5 + 0.9 * s[3] + 8.2 * y], dim=-1)


def _distance(path: Tensor, size: int) -> Tensor:
    """Distance ``(n, size, size)`` of every pixel's centre from the polylines ``(n, points, 2)``.

    The nearest point of a segment is at the share ``t = clamp((p - a) d / d², 0, 1)`` of it; the dot product is a sum
    of a part of the column and a part of the row, and segments are taken one by one, so that little memory is touched.
    """
    centres = 13.5 + (torch.arange(size, dtype=path.dtype) - (size - 1) / 2) * (28 / size)
    nearest = path.new_full((len(path), size, size), torch.inf)
    for k in range(path.shape[1] - 1):
        (x0, y0), (dx, dy) = path[:, k].unbind(1), (path[:, k + 1] - path[:, k]).unbind(1)
        length = (dx * dx + dy * dy).clamp_min(1e-24)
        right = (centres - x0.unsqueeze(1)).unsqueeze(1)
        down = (centres - y0.unsqueeze(1)).unsqueeze(2)
        dx, dy, length = (v.reshape(-1, 1, 1) for v in (dx, dy, length))
        t = (right * (dx / length) + down * (dy / length)).clamp_(0, 1)
        nearest = torch.minimum(nearest, (right - t * dx).square_() + (down - t * dy).square_())
    return nearest.sqrt()


@register("image/strokes")
def strokes() -> SCM:
    """Procedural digits, 28 x 28, by class, thickness, intensity and slant; every counterfactual image is exact."""
    return strokes_scm()


@register("image/strokes/clipped")
def strokes_clipped() -> SCM:
    """The same, pixels clamped to [0, 1]: no noise outside the range gives a method away that clamps."""
    return strokes_scm(clip=True)


@register("image/strokes16")
def strokes16() -> SCM:
    """The same at 16 x 16 pixels, for fast tests."""
    return strokes_scm(16)
