"""One diffusion model for a node given its parents: DCM's causal mechanism."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from ..training import Architecture
from ..training.regressed import Regressed
from .denoising import Denoising
from .sampler import Sampler
from .schedule import Schedule, time_features

INVERSIONS = ("ddim", "implicit", "belm")
PARENT_DROPOUT = 0.1
"""Probability of training a row without its parents, where guidance will ask the network to do without them."""


@dataclass(frozen=True)
class DiffusionConfig:
    """What training needs to know; see `DCM` for the meaning of each."""

    hidden: tuple[int, ...]
    guidance: float
    time: str
    steps: int
    epochs: int
    batch_size: int
    lr: float
    device: str
    patience: int = 0


class Diffusion(Regressed):
    """x = decode(u, parents), u ~ N(0, I), by a conditional diffusion model; `inversion` is one of `INVERSIONS`.

    With `belm` the noise is a pair of states ``(n, 2d)``, of which the second is 0 in a draw (see `belm`).

    `wraps_time` keeps a quirk of the published implementation: its encoder starts with a call at t = 0, for which the
    positional embedding looks up row -1, the noisiest level.
    """

    sampler: Sampler

    def __init__(self, config: DiffusionConfig, *, inversion: str = "ddim", wraps_time: bool = False):
        self.recipe = self.config = config
        self.inversion, self.wraps_time, self.patience = inversion, wraps_time, config.patience

    def architecture(self) -> Architecture:
        """The network: the positional embedding is a branch 16 -> 128 -> 64 in front of the trunk."""
        return Architecture(self.config.hidden, branch=(16, 128, 64) if self.config.time == "positional" else ())

    def regression(self, x: Tensor, parents: Tensor, seed: int) -> Denoising:
        """The noise in a mixture."""
        dropout = PARENT_DROPOUT if self.config.guidance else 0.0
        schedule, features = Schedule(self.config.steps), self._features()
        return Denoising(x, parents, schedule, features, dropout, seed, holds_out=self.patience > 0)

    def ready(self) -> None:
        """The sampler."""
        self.sampler = Sampler(self.network, Schedule(self.config.steps), self._features(), self.config.guidance)

    def _features(self) -> Tensor:
        return time_features(self.config.steps, self.config.time).to(self.config.device)

    def at_query(self, *, inversion: str, wraps_time: bool) -> Self:
        """The same fit, queried another way."""
        other = type(self)(self.config)
        vars(other).update(vars(self), inversion=inversion, wraps_time=wraps_time)
        return other

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, k)``, the same ones for every inversion."""
        u = super().noise(n, generator)
        return torch.cat([u, torch.zeros_like(u)], dim=1) if self.inversion == "belm" else u

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, k)`` of rows ``x (n, d)`` given ``parents (n, p)``. Raises `Diverged`."""
        self.check_training()
        z, pa = self.scaler(x.to(self.scaler.mean)), self.standardised(parents)
        if self.inversion == "implicit":
            return self.sampler.invert(z, pa).to(x)
        if self.inversion == "belm":
            return self.sampler.encode_pair(z, pa).to(x)
        sampler = self.sampler
        if self.wraps_time and self.config.time == "positional":
            sampler = replace(sampler, features=torch.cat([sampler.features[-1:], sampler.features[1:]]))
        return sampler.encode(z, pa).to(x)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, d)`` of noise ``u (n, k)`` given ``parents (n, p)``. Raises `Diverged`."""
        self.check_training()
        decode = self.sampler.decode_pair if self.inversion == "belm" else self.sampler.decode
        return self.scaler.undo(decode(u.to(self.scaler.mean), self.standardised(parents))).to(u)
