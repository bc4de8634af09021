"""The anti-causal predictor: what an image's parents were, read off the image at any level of noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..images.context import Column, Context
from ..images.unet import Attention, Residual, attended, group_count, halved, sinusoids

LOG_SIGMA = (-4.0, 2.0)
"""Bounds of the log standard deviation of a predicted number, whose own is 1."""

HEAD = 64
"""Channels of a head of attention."""


class Predictor(nn.Module):
    """p(pa | x_t, t): ``(n, c, h, w)`` and times ``(n,)`` to the parameters ``(n, k)`` of the parents' distribution.

    The noisy classifier of Dhariwal, Nichol, "Diffusion Models Beat GANs on Image Synthesis", 2021, appendix H: the
    downward half of a U-Net, halved by its residual blocks, and attention pooling. A class has a logit; a number has a
    mean and a log standard deviation, where the published code knows one class only. Blocks of `patch` x `patch` pixels
    are read as channels, as the noise model of the same options reads them.
    """

    def __init__(
        self,
        shape: Sequence[int],
        context: Context,
        channels: int = 32,
        multipliers: tuple[int, ...] = (1, 2, 4, 4),
        patch: int = 1,
    ):
        super().__init__()
        self.channels = channels
        embedding, groups = 4 * channels, group_count(channels)
        widths = [channels * m for m in multipliers]
        last = widths[-1]
        heads = max(1, last // HEAD) if last % HEAD == 0 else 1
        self.time = nn.Sequential(nn.Linear(channels, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.patch = patch
        self.stem = nn.Conv2d(shape[0] * patch**2, channels, 3, padding=1)
        self.down = nn.ModuleList()
        grid = torch.empty(1, 1, *(side // patch for side in shape[1:]))
        for i, (before, width) in enumerate(pairwise([channels, *widths])):
            self.down.append(Residual(before, width, embedding, groups=groups))
            if i + 1 < len(widths):
                self.down.append(Residual(width, width, embedding, groups=groups, shrink=True))
                grid = halved(grid)
        self.middle = nn.ModuleList(
            [
                Residual(last, last, embedding, groups=groups),
                Attention(last, groups, heads),
                Residual(last, last, embedding, groups=groups),
            ]
        )
        self.norm = nn.Sequential(nn.GroupNorm(groups, last), nn.SiLU())
        self.pool = AttentionPool(last, grid.numel(), sum(map(_outputs, context.columns)), heads)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The parameters ``(n, k)`` of the distribution of the parents."""
        e = self.time(sinusoids(t, self.channels))
        h = self.stem(F.pixel_unshuffle(x, self.patch))
        for block in self.down:
            h = block(h, e)
        first, attention, second = self.middle
        return self.pool(self.norm(second(attention(first(h, e)), e)))


class AttentionPool(nn.Module):
    """The mean pixel, attending to all pixels: ``(n, c, h, w)`` to ``(n, outputs)``.

    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, section 2.4.
    """

    def __init__(self, channels: int, pixels: int, outputs: int, heads: int):
        super().__init__()
        self.position = nn.Parameter(torch.randn(channels, pixels + 1) / channels**0.5)
        self.qkv, self.out = nn.Conv1d(channels, 3 * channels, 1), nn.Conv1d(channels, outputs, 1)
        self.heads = heads

    def forward(self, h: Tensor) -> Tensor:
        """The answer of the mean pixel."""
        h = h.flatten(2)
        h = torch.cat([h.mean(2, keepdim=True), h], 2) + self.position
        return self.out(attended(self.qkv(h), self.heads))[:, :, 0]


def log_prob(parameters: Tensor, code: Tensor, context: Context) -> Tensor:
    """``log p(pa | x_t, t)``, ``(n,)``, of parents given by their code ``(n, width)``: the sum over the columns.

    A class: its log-softmax. A number z: ``log N(z; mu, sigma^2)``, standardised.
    """
    total = parameters.new_zeros(len(parameters))
    told = parameters.split([_outputs(column) for column in context.columns], 1)
    asked = code.split([column.width for column in context.columns], 1)
    for column, p, z in zip(context.columns, told, asked, strict=True):
        if column.classes:
            total = total + (torch.log_softmax(p, 1) * z).sum(1)
        else:
            log_sigma = p[:, 1].clamp(*LOG_SIGMA)
            error = (z[:, 0] - p[:, 0]) / log_sigma.exp()
            total = total - error.square() / 2 - log_sigma - math.log(2 * math.pi) / 2
    return total


def _outputs(column: Column) -> int:
    return len(column.classes) or 2
