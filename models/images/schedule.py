"""Noise schedules of image diffusion, and the levels that a deterministic sampler walks along, both ways."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SCHEDULES = ("cosine", "linear")
TIMES = 1000
"""Number of times that a network is trained on, as published."""

TOP = 1e-3
"""Where the cosine schedule is cut: beyond this abar a step multiplies what it changes by up to 31.6."""

OFFSET, BETA_MAX = 0.008, 0.999
BETA_FIRST, BETA_LAST = 1e-4, 0.02


def alpha_bar(schedule: str, times: int = TIMES) -> Tensor:
    """``abar_t = prod_{s <= t} (1 - beta_s)`` for t = 0..times - 1, float64.

    `linear`: beta from 1e-4 to 0.02 (Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", 2020, section 4).
    `cosine`: beta_t = min(0.999, 1 - f(t + 1) / f(t)) with f(t) = cos^2(pi/2 (t / times + 0.008) / 1.008) (Nichol,
    Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021, eq. 17).

    Raises `ValueError` for another schedule.

    >>> abar = alpha_bar("cosine")
    >>> [float(f"{abar[t]:.6g}") for t in (0, 499, 998, 999)]
    [0.999959, 0.493844, 2.42877e-06, 2.42877e-09]
    """
    if schedule == "linear":
        beta = torch.linspace(BETA_FIRST, BETA_LAST, times, dtype=torch.float64)
    elif schedule == "cosine":
        t = torch.arange(times + 1, dtype=torch.float64) / times
        f = torch.cos((t + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
        beta = (1 - f[1:] / f[:-1]).clamp(max=BETA_MAX)
    else:
        raise ValueError(f"schedule={schedule!r}: choose one of {list(SCHEDULES)}")
    return torch.cumprod(1 - beta, 0)


def cut(abar: Tensor) -> Tensor:
    """The times with ``abar >= 1e-3``.

    >>> len(cut(alpha_bar("cosine")))
    979
    """
    return abar[abar >= TOP]


@dataclass(frozen=True)
class Step:
    """From noise level abar = `here` to `there`, the network being asked at time `t`."""

    here: float
    there: float
    t: int


def exact_path(abar: Tensor, levels: int, *, forward: bool) -> list[Step]:
    """The steps between abar_0 = 1, the clean image, and the last time, over `levels` evenly spaced times.

    Forward from level k to k + 1 the network is asked at level k, at level 1 where the image is clean; backward from
    level k to k - 1 at level k. Raises `ValueError` for more levels than times, or none.
    """
    times = spaced(len(abar), levels)
    marks = [1.0, *abar[times].tolist()]
    if forward:
        return [Step(marks[k], marks[k + 1], times[max(k - 1, 0)]) for k in range(levels)]
    return [Step(marks[k], marks[k - 1], times[k - 1]) for k in range(levels, 0, -1)]


def offset_path(abar: Tensor, levels: int, *, forward: bool) -> list[Step]:
    """The same as Diff-SCM's code books it, one level off.

    Forward, the clean image is taken to be at the first time's level and the walk ends at abar = 0 ("trap 16" and "20"
    of this library's notes); backward it starts as if at the last time's level and ends clean.
    """
    times = spaced(len(abar), levels)
    marks = abar[times].tolist()
    if forward:
        return [Step(marks[k], [*marks, 0.0][k + 1], times[k]) for k in range(levels)]
    return [Step(marks[k], [1.0, *marks][k], times[k]) for k in range(levels - 1, -1, -1)]


def spaced(times: int, levels: int) -> list[int]:
    """`levels` of the times 0..times - 1, evenly spaced, the last one among them.

    >>> spaced(10, 5), spaced(3, 3)
    ([1, 3, 5, 7, 9], [0, 1, 2])
    """
    if not 1 <= levels <= times:
        raise ValueError(f"levels={levels}: choose 1 to {times}, the number of times trained on")
    return [round(times * (k + 1) / levels) - 1 for k in range(levels)]
