"""What a denoising U-Net learns, and how one is asked: the noise in an image, given the time and the parents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .options import whole, widths
from .schedule import alpha_bar, cut
from .unet import UNet

NULL = 0.1
"""Share of training rows that are shown without their parents."""


@dataclass(frozen=True)
class Network:
    """A U-Net's sizes, and the schedule of its noise; `top` cuts the schedule where abar falls below 1/1000."""

    channels: int
    multipliers: tuple[int, ...]
    patch: int = 1
    dropout: float = 0.0
    schedule: str = "cosine"
    top: bool = True

    def __post_init__(self):
        widths(self.channels, self.multipliers)
        whole("patch", self.patch)
        self.alpha_bar()

    def alpha_bar(self) -> Tensor:
        """abar of every time that is trained on, float64. Raises `ValueError` for an unknown schedule."""
        abar = alpha_bar(self.schedule)
        return cut(abar) if self.top else abar

    def build(self, image: int, context: int = 0) -> UNet:
        """A new network of images with `image` channels."""
        return UNet(image, self.channels, self.multipliers, patch=self.patch, context=context, dropout=self.dropout)


def noised(x: Tensor, abar: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Images ``(b, c, h, w)`` at random times, the times ``(b,)``, and the noise that went in, of `x`'s shape.

    x_t = sqrt(abar_t) x + sqrt(1 - abar_t) e, t uniform over the times of `abar`, e ~ N(0, I): Ho, Jain, Abbeel,
    "Denoising Diffusion Probabilistic Models", 2020, eq. 4.
    """
    t = torch.randint(len(abar), (len(x),), generator=stream)
    e = torch.randn(x.shape, generator=stream).to(x)
    level = abar[t].to(x).reshape(-1, 1, 1, 1)
    return level.sqrt() * x + (1 - level).sqrt() * e, t.to(x.device), e


def with_null(code: Tensor, stream: torch.Generator) -> Tensor:
    """The code ``(b, k + 1)`` of ``(b, k)``, a last column saying that it is there; a tenth of the rows is all zero.

    So one network learns to do with and without the parents (Ho, Salimans, "Classifier-Free Diffusion Guidance", 2022,
    Algorithm 1).
    """
    kept = torch.rand(len(code), 1, generator=stream) >= NULL
    return given(code) * kept.to(code)


def given(code: Tensor) -> Tensor:
    """The code with its last column, for rows that are shown with their parents."""
    return torch.cat([code, torch.ones_like(code[:, :1]) if code.shape[1] else code.new_ones(len(code), 1)], 1)


def at_time(network: nn.Module, x: Tensor, t: int, code: Tensor | None = None) -> Tensor:
    """The network's answer ``(n, c, h, w)`` at one time for all rows."""
    return network(x, torch.full((len(x),), t, device=x.device), code)
