"""The network of all diffusion-like image models: a U-Net that is told the time and, if asked, a context."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """``(n, c, h, w)``, times ``(n,)`` and context ``(n, k)`` to ``(n, c, h, w)``; zero before training.

    The U-Net of Dhariwal, Nichol, "Diffusion Models Beat GANs on Image Synthesis", 2021, without what 28 x 28 pixels do
    not need: one residual block a level on the way down, two on the way up, one head of attention in the middle. The
    embedding of time enters every block by FiLM, ``(1 + a) GN(h) + b``; a two-layer perceptron of the context is added
    to it. `patch` = 2 works on blocks of 2 x 2 pixels as channels, at a quarter of the cost.

    Args:
        image: Channels of the image.
        channels: Width of the first level, a multiple of 4.
        multipliers: Width of each level in units of `channels`; every level halves the image.
        patch: Side of the pixel blocks that become channels, 1 for none.
        context: Number of columns of the context, 0 for none.
        dropout: Of the residual blocks.
    """

    def __init__(
        self,
        image: int,
        channels: int = 64,
        multipliers: tuple[int, ...] = (1, 2, 4),
        *,
        patch: int = 1,
        context: int = 0,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.channels, self.patch = channels, patch
        embedding, groups, pixels = 4 * channels, group_count(channels), image * patch**2
        widths = [channels * m for m in multipliers]
        self.time = nn.Sequential(nn.Linear(channels, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.context = (
            nn.Sequential(nn.Linear(context, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
            if context
            else None
        )

        def block(inputs: int, outputs: int) -> Residual:
            return Residual(inputs, outputs, embedding, groups=groups, dropout=dropout)

        self.stem = nn.Conv2d(pixels, channels, 3, padding=1)
        self.down, self.shrink, skips = nn.ModuleList(), nn.ModuleList(), [channels]
        for before, width in pairwise([channels, *widths]):
            self.down.append(block(before, width))
            self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
            skips += [width, width]
        self.shrink, skips = self.shrink[:-1], skips[:-1]  # the last level is not halved again
        last = widths[-1]
        self.middle = nn.ModuleList([block(last, last), Attention(last, groups), block(last, last)])
        self.up, self.grow, current = nn.ModuleList(), nn.ModuleList(), last
        for i, width in reversed(list(enumerate(widths))):
            self.up.append(nn.ModuleList([block(current + skips.pop(), width), block(width + skips.pop(), width)]))
            self.grow.append(nn.Conv2d(width, width, 3, padding=1) if i else nn.Identity())
            current = width
        self.out = nn.Sequential(
            nn.GroupNorm(groups, channels * multipliers[0]),
            nn.SiLU(),
            _zeroed(nn.Conv2d(channels * multipliers[0], pixels, 3, padding=1)),
        )

    def forward(self, x: Tensor, t: Tensor, context: Tensor | None = None) -> Tensor:
        """The prediction ``(n, c, h, w)``."""
        e = self.time(sinusoids(t, self.channels))
        if self.context is not None:
            e = e + self.context(context)
        h = self.stem(F.pixel_unshuffle(x, self.patch))
        skips = [h]
        for i, block in enumerate(self.down):
            skips.append(h := block(h, e))
            if i < len(self.shrink):
                skips.append(h := self.shrink[i](h))
        first, attention, second = self.middle
        h = second(attention(first(h, e)), e)
        for i, (blocks, grow) in enumerate(zip(self.up, self.grow, strict=True)):
            for block in blocks:  # type: ignore[attr-defined]
                h = block(torch.cat([h, skips.pop()], 1), e)
            if i < len(self.shrink):  # to the size of what it is joined to: an odd side was rounded up on the way down
                h = grow(F.interpolate(h, size=skips[-1].shape[-2:], mode="nearest"))
        return F.pixel_shuffle(self.out(h), self.patch)


class Residual(nn.Module):
    """``skip(h) + conv(silu((1 + a) GN(conv(silu(GN(h)))) + b))`` with (a, b) of the embedding; the last conv is 0.

    With `shrink`, both ways go through the mean of 2 x 2 pixels, before the convolutions; a side of one pixel stays.
    """

    def __init__(
        self, inputs: int, outputs: int, embedding: int, *, groups: int, dropout: float = 0.0, shrink: bool = False
    ):
        super().__init__()
        self.shrink = shrink
        self.before = nn.Sequential(nn.GroupNorm(groups, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.film = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * outputs))
        self.norm = nn.GroupNorm(groups, outputs)
        self.after = nn.Sequential(nn.SiLU(), nn.Dropout(dropout), _zeroed(nn.Conv2d(outputs, outputs, 3, padding=1)))
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, h: Tensor, e: Tensor) -> Tensor:
        """``(n, inputs, h, w)`` and the embedding ``(n, e)`` to ``(n, outputs, h, w)``."""
        a, b = self.film(e)[:, :, None, None].chunk(2, dim=1)
        norm, silu, conv = self.before
        inner = silu(norm(h))
        if self.shrink:
            inner, h = halved(inner), halved(h)
        return self.skip(h) + self.after((1 + a) * self.norm(conv(inner)) + b)


class Attention(nn.Module):
    """Self-attention over the pixels, added to its input; zero before training."""

    def __init__(self, channels: int, groups: int, heads: int = 1):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = _zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, h: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the same shape."""
        return h + self.out(attended(self.qkv(self.norm(h)).flatten(2), self.heads).reshape(h.shape))


def attended(qkv: Tensor, heads: int) -> Tensor:
    """Attention of tokens to each other, ``(n, 3 c, tokens)`` to ``(n, c, tokens)``."""
    n, channels, tokens = qkv.shape
    q, k, v = qkv.reshape(n, 3, heads, channels // 3 // heads, tokens).transpose(-1, -2).unbind(1)
    return F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(n, -1, tokens)


def halved(h: Tensor) -> Tensor:
    """The mean of blocks of 2 x 2 pixels; an odd last row or column is dropped, a side of one pixel stays."""
    return F.avg_pool2d(h, [min(2, side) for side in h.shape[-2:]])


def sinusoids(t: Tensor, width: int) -> Tensor:
    """``(n,)`` to ``(n, width)``: cos and sin of ``t 10000^(-j / (width / 2))``, cosines first.

    Vaswani et al., "Attention Is All You Need", 2017, section 3.5.
    """
    half = width // 2
    frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device, dtype=torch.float32) / half)
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], 1)


def group_count(channels: int) -> int:
    """Groups of GroupNorm for a network `channels` wide: 32 as published where each has two channels at least."""
    return 32 if channels % 32 == 0 and channels >= 64 else max(1, min(8, channels // 4))


def size(network: nn.Module) -> int:
    """Number of trained scalars."""
    return sum(p.numel() for p in network.parameters())


def _zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Both published and sensible: a block that starts as the identity."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
