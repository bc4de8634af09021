"""What a digit looks like, measured back from its pixels: intensity, thickness, slant. No network, no training.

Where the true image is known, both it and the answer are measured, and a measure's own systematic error cancels.
`x` is one-channel images ``(n, 1, h, w)``, ink bright on dark, about [0, 1]; results are ``(n,)``, float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ..checks import MetricError
from .checks import check_images

VERSION = 1
"""Counts changes of what these functions return; part of the key of every record of images."""

FULL = 0.995
"""The quantile of an image's pixels that counts as full ink, so that one noisy pixel does not."""

FAINT = 0.12
"""Of full ink: what is below is paper and its noise."""


def intensity(x: Tensor) -> Tensor:
    """Median of the pixels above half of full ink (`FULL`): ``(n, 1, h, w) -> (n,)``.

    Args:
        x: Images of one channel.

    Returns:
        The intensity of each image, in the unit of a pixel; 0 for an image without a bright pixel.

    Raises:
        MetricError: For NaN, infinity, or what is no image of one channel.

    References:
        Pawlowski, Castro, Glocker, "Deep Structural Causal Models for Tractable Counterfactual Inference", NeurIPS
        2020, appendix (their threshold is half of the range).
    """
    pixels = _one_channel(x).flatten(1)
    bright = pixels.clone()
    bright[pixels <= pixels.quantile(FULL, dim=1, keepdim=True) / 2] = torch.nan
    return bright.nanmedian(dim=1).values.nan_to_num(0.0).clamp(min=0.0)


def thickness_ratio(x: Tensor) -> Tensor:
    """``2 A / TV``, the width of a long even stroke in pixels: ``(n, 1, h, w) -> (n,)``.

    ``A = Σ m`` is its area and ``TV = Σ |∇m|`` (central differences) the length of its two edges, with m the image over
    its full ink, what is faint set to 0. Blur and round ends bias it by a factor and a constant: see `Thickness`.

    Args:
        x: Images of one channel.

    Returns:
        The ratio of each image, at least 0; 0 for an image without ink.

    Raises:
        MetricError: For NaN, infinity, or what is no image of one channel.
    """
    ink = _ink(x)
    # Beyond the border is paper: a stroke that touches it has an edge there too.
    padded = torch.nn.functional.pad(ink, (1, 1, 1, 1))
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    right = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    edges = (down.square() + right.square()).sqrt().sum((-2, -1))
    return torch.where(edges > 0, 2 * ink.sum((-2, -1)) / edges.clamp(min=1e-12), 0.0)


@dataclass(frozen=True)
class Thickness:
    """``thickness ≈ a + b · 2A/TV``: `thickness_ratio` in a world's own unit. `a` and `b` are fitted once a world."""

    a: float
    b: float

    @classmethod
    def fit(cls, x: Tensor, thickness: Tensor) -> Self:
        """Least squares over rows of known thickness.

        Args:
            x: Images of one channel, ``(n, 1, h, w)``.
            thickness: What their thickness is, ``(n,)``.

        Returns:
            The measure.

        Raises:
            MetricError: For what is no image of one channel, another number of rows, or images that are all alike.
        """
        ratio = thickness_ratio(x)
        if thickness.shape != ratio.shape:
            raise MetricError(f"the thickness has shape {tuple(thickness.shape)}; expected {tuple(ratio.shape)}")
        apart, y = ratio - ratio.mean(), thickness.double()
        if not apart.any():
            raise MetricError(f"all {len(ratio)} images have the ratio {float(ratio[0]):g}: no line can be fitted")
        b = float((apart * y).sum() / apart.square().sum())
        return cls(float(y.mean()) - b * float(ratio.mean()), b)

    def __call__(self, x: Tensor) -> Tensor:
        """The thickness of each image, ``(n, 1, h, w) -> (n,)``. Raises as `thickness_ratio` does."""
        return self.a + self.b * thickness_ratio(x)


def slant(x: Tensor) -> Tensor:
    """``atan(-μ₁₁ / μ₀₂)``, the angle of the shear that makes the ink upright: ``(n, 1, h, w) -> (n,)``.

    The moments are central, of columns and rows (down is positive), weighted by ink; a digit that leans right
    has a positive slant.

    Args:
        x: Images of one channel.

    Returns:
        The slant of each image in radians, between -π/2 and π/2; 0 for an image without ink or one row high.

    Raises:
        MetricError: For NaN, infinity, or what is no image of one channel.

    References:
        Castro, Tan, Kainz, Konukoglu, Glocker, "Morpho-MNIST: Quantitative Assessment and Diagnostics for
        Representation Learning", JMLR 20, 2019, section 3.1.
    """
    ink = _ink(x)
    h, w = ink.shape[-2:]
    mass = ink.sum((-2, -1)).clamp(min=1e-12)[:, None, None]
    rows = torch.arange(h, dtype=torch.float64)[None, :, None].expand_as(ink)
    columns = torch.arange(w, dtype=torch.float64)[None, None, :].expand_as(ink)
    down = rows - (ink * rows).sum((-2, -1), keepdim=True) / mass
    right = columns - (ink * columns).sum((-2, -1), keepdim=True) / mass
    mixed, upright = ((ink * a * down).sum((-2, -1)) for a in (right, down))
    return torch.where(upright > 0, torch.atan(-mixed / upright.clamp(min=1e-12)), 0.0)


def _one_channel(x: Tensor) -> Tensor:
    images = check_images(x, "the image")
    if images.ndim != 4 or images.shape[1] != 1:
        raise MetricError(f"the image has shape {tuple(images.shape)}; expected one channel, (n, 1, h, w)")
    return images[:, 0]


def _ink(x: Tensor) -> Tensor:
    """Images over their full ink, faint pixels 0: ``(n, h, w)``. An image without a bright pixel has none."""
    images = _one_channel(x)
    full = images.flatten(1).quantile(FULL, dim=1)[:, None, None]
    ink = torch.where(full > 0, images / full.clamp(min=1e-12), 0.0)
    return torch.where(ink < FAINT, 0.0, ink)
