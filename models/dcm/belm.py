"""Two explicit steps that undo each other: the BELM form of DCM's deterministic sampler, from noise and to noise.

With a_t = sqrt(abar_t), y = x/a, tau = sqrt(1 - abar)/a the sampler's differential equation is dy/dtau = eps(x, pa, t).
With h_t = tau_t - tau_{t-1} and r = h_t/h_{t+1},

    y_{t-1} = r² y_{t+1} + (1 - r²) y_t - h_t (h_t + h_{t+1})/h_{t+1} eps(x_t, pa, t),

which a Taylor expansion around tau_t shows to be of second order, where a DDIM step is of first. The network is asked
at the middle one of three levels: given two neighbours, the third one follows in either direction without iteration,
and the inverse is exact. "BELM: Bidirectional Explicit Linear Multi-step Sampler for Exact Inversion in Diffusion
Models", Wang, Yin, Dong, et al., NeurIPS 2024 (O-BELM, the member of the family with the least local error).

A state is therefore a pair of neighbours. Here it is kept as (x_T, e) with e = x_{T-1} - DDIM(x_T), which is 0 for
fresh noise and about 1e-3 for what is abducted. The other end of the path starts by a DDIM step from x_0 to x_1 that
asks the network at t = 1, since training never saw t = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .schedule import Schedule

Noise = Callable[[Tensor, int], Tensor]
"""The network's prediction eps(x_t, t), the parents being given."""


def from_noise(schedule: Schedule, pair: Tensor, eps: Noise) -> Tensor:
    """The value ``x_0 (n, d)`` of the pair (x_T, e) side by side, ``(n, 2d)``."""
    x, e = pair.chunk(2, dim=1)
    top, level = schedule.steps, schedule.alpha_bar.sqrt().tolist()
    below = float(schedule.scale[top]) * x + float(schedule.shift[top]) * eps(x, top) + e
    y, noisier = below / level[top - 1], x / level[top]
    for t, squared, weight in reversed(list(_coefficients(schedule))):
        y, noisier = squared * noisier + (1 - squared) * y - weight * eps(level[t] * y, t), y
    return y


def to_noise(schedule: Schedule, x: Tensor, eps: Noise) -> Tensor:
    """The pair (x_T, e), ``(n, 2d)``, that `from_noise` takes to ``x (n, d)``, to rounding."""
    top, level = schedule.steps, schedule.alpha_bar.sqrt().tolist()
    cleaner, y = x, (x - float(schedule.shift[1]) * eps(x, 1)) / float(schedule.scale[1]) / level[1]
    for t, squared, weight in _coefficients(schedule):
        cleaner, y = y, (cleaner - (1 - squared) * y + weight * eps(level[t] * y, t)) / squared
    x, below = level[top] * y, level[top - 1] * cleaner
    step = float(schedule.scale[top]) * x + float(schedule.shift[top]) * eps(x, top)
    return torch.cat([x, below - step], dim=1)


def _coefficients(schedule: Schedule) -> Iterator[tuple[int, float, float]]:
    """``t, r², h_t (h_t + h_{t+1})/h_{t+1}`` for t = 1..T-1."""
    tau = ((1 - schedule.alpha_bar) / schedule.alpha_bar).sqrt().tolist()
    for t in range(1, schedule.steps):
        h, wider = tau[t] - tau[t - 1], tau[t + 1] - tau[t]
        yield t, (h / wider) ** 2, h * (h + wider) / wider
