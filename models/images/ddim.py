"""Deterministic diffusion, both ways: DDIM as an image's abduction and its decoding, with the clamps that codes use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .schedule import Step

CLIPS = ("none", "generation", "both")
"""Where the predicted clean image is clamped to [-1, 1]: nowhere, on the way back only, both ways."""

Predictor = Callable[[Tensor, int], Tensor]
"""``eps(x, t)``: the noise ``(n, c, h, w)`` in ``x (n, c, h, w)`` at time t."""

Score = Callable[[Tensor, int], Tensor]
"""``grad_x log p(y | x, t)``, ``(n, c, h, w)``, of each row by itself."""


def walk(x: Tensor, path: Sequence[Step], eps: Predictor, *, clip: bool = False, score: Score | None = None) -> Tensor:
    """``x (n, c, h, w)`` taken along a path: sqrt(abar') x0 + sqrt(1 - abar') e with x0 the predicted clean image.

    x0 = (x - sqrt(1 - abar) e) / sqrt(abar), e = eps(x, t) (Song, Meng, Ermon, "Denoising Diffusion Implicit Models",
    2021, eq. 12 with sigma = 0). With `clip`, x0 is clamped to [-1, 1] and e derived again from it. A `score` guides:
    e - sqrt(1 - abar) score(x, t) takes the place of e (Dhariwal, Nichol, "Diffusion Models Beat GANs on Image
    Synthesis", 2021, Algorithm 2).

    Libraries' own inverse schedulers are off by a level, so both directions are this one loop.
    """
    for step in path:
        e = eps(x, step.t)
        x0 = _clean(x, e, step.here)
        if clip:
            x0 = x0.clamp(-1, 1)
            e = _noise(x, x0, step.here, e)
        if score is not None:
            e = e - math.sqrt(1 - step.here) * score(x, step.t)
            x0 = _clean(x, e, step.here)
        x = math.sqrt(step.there) * x0 + math.sqrt(1 - step.there) * e
    return x


def _clean(x: Tensor, e: Tensor, abar: float) -> Tensor:
    return (x - math.sqrt(1 - abar) * e) / math.sqrt(abar)


def _noise(x: Tensor, x0: Tensor, abar: float, e: Tensor) -> Tensor:
    """The noise that leaves `x0`; at a level without noise the predicted one stands."""
    return (x - math.sqrt(abar) * x0) / math.sqrt(1 - abar) if abar < 1 else e


def in_chunks(run: Callable[..., Tensor], size: int, *rows: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """`run` over `size` rows at a time on `device`, its answers joined on the CPU: memory does not grow with rows."""
    pieces = zip(*(part.split(size) for part in rows), strict=True)
    return torch.cat([run(*(part.to(device) for part in piece)).cpu() for piece in pieces])
