"""DCM's noise schedule, the coefficients of its deterministic sampler, and what the network is told about time."""

from __future__ import annotations

import torch
from torch import Tensor

BETA_FIRST, BETA_LAST = 1e-4, 0.1


class Schedule:
    """Variance schedule with T steps: beta_t linear from 1e-4 to 0.1, abar_0 = 1, abar_t = prod_{s<=t} (1 - beta_s).

    A step of the deterministic sampler (Song, Meng, Ermon, "Denoising Diffusion Implicit Models", 2021, eq. 12 with
    sigma = 0) is linear in the value and the predicted noise: ``x_{t-1} = scale[t] x_t + shift[t] eps(x_t, pa, t)``
    with ``scale[t] = 1/sqrt(1 - beta_t)`` and ``shift[t] = sqrt(1 - abar_{t-1}) - sqrt(1 - abar_t)/sqrt(1 - beta_t)``.
    The first entries of `scale` and `shift`, t = 0, mean nothing.

    >>> [round(float(Schedule(100).alpha_bar[t]), 6) for t in (1, 10, 50, 100)]
    [0.9999, 0.954508, 0.282981, 0.005619]
    """

    def __init__(self, steps: int):
        if steps < 1:
            raise ValueError(f"steps={steps}: a diffusion needs at least one step")
        self.steps = steps
        none = torch.zeros(1, dtype=torch.float64)
        beta = torch.cat([none, torch.linspace(BETA_FIRST, BETA_LAST, steps, dtype=torch.float64)])
        self.alpha_bar = torch.cumprod(1 - beta, 0)
        self.scale = (1 - beta).rsqrt()
        sigma = (1 - self.alpha_bar).sqrt()
        self.shift = torch.cat([none, sigma[:-1] - sigma[1:] * self.scale[1:]])


def time_features(steps: int, encoding: str) -> Tensor:
    """What the network is told about time, a row for each t = 0..T: ``(T + 1, features)``, float32.

    `scalar`: t/T. `positional`: sin and cos of (t - 1) 10^(4d/D), d = 0..D-1, D = 8. There t = 0 gets row t = 1, the
    nearest one that exists. Raises `ValueError` for another encoding.
    """
    t = torch.arange(steps + 1, dtype=torch.float64)
    if encoding == "scalar":
        return (t / steps).unsqueeze(1).float()
    if encoding != "positional":
        raise ValueError(f"time={encoding!r}: choose 'scalar' or 'positional'")
    angles = (t - 1).clamp(min=0).unsqueeze(1) * 10 ** (4 * torch.arange(8, dtype=torch.float64) / 8)
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()
