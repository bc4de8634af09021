"""What a DCM network learns: the noise that was mixed into a value, given the mixture, the parents and the time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scmbench.datasets import seeds
from torch import Tensor

from ..training import Regression
from ..training.counter import below, uniform
from ..training.regression import Drawn
from ..training.stopping import split
from .schedule import Schedule

DRAWS = 10
"""Times and noises of a row that is held out: one would say little of a loss that is a mean over both."""


class Denoising(Regression):
    """Predict eps from (sqrt(abar_t) x + sqrt(1 - abar_t) eps, parents, features of t), t ~ U{1..T}, eps ~ N(0, I).

    Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", 2020, eq. 14, conditioned on the parents (Chao et
    al., "Modeling Causal Mechanisms with Diffusion Models", 2024, Algorithm 1). A row gets one fresh t and eps per
    epoch. With `dropout` > 0 a row's whole parent vector is 0 with that probability, so that the same network also
    learns to do without parents (Ho, Salimans, "Classifier-Free Diffusion Guidance", 2022, Algorithm 1).

    `x (n, d)` and `parents (n, p)` are standardised; `features (T + 1, k)` is indexed by t. Where rows are to be held
    out (`holds_out`), each of these gets `DRAWS` times and noises, the same after every epoch.
    """

    def __init__(
        self,
        x: Tensor,
        parents: Tensor,
        schedule: Schedule,
        features: Tensor,
        dropout: float,
        seed: int,
        *,
        holds_out: bool = False,
    ):
        self.data = torch.cat([x, parents], dim=1)
        signal, sigma = schedule.alpha_bar.sqrt(), (1 - schedule.alpha_bar).sqrt()
        self.levels = torch.cat([torch.stack([signal, sigma], dim=1).to(x), features], dim=1)
        self.dropout, self.seed, self.steps = dropout, seed, schedule.steps
        self.rows, self.outputs = x.shape
        self.inputs = self.data.shape[1] + features.shape[1]
        if holds_out:
            kept, held = (self.data[part.to(x.device)] for part in split(len(x), seed))
            self.data, self.rows = kept, len(kept)
            self.held = self._mixed(held.repeat(DRAWS, 1), seeds.generator(seed, "held-out noise"))

    def epoch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows in random order, each with a fresh time and noise."""
        order = torch.randperm(self.rows, generator=generator).to(self.data.device)
        return self._mixed(self.data.index_select(0, order), generator)

    def _mixed(self, data: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs and targets of rows ``(n, d + p)``, each with a drawn time and noise."""
        n, d, device = len(data), self.outputs, data.device
        t = torch.randint(1, self.steps + 1, (n,), generator=generator).to(device)
        eps = torch.randn(n, d, generator=generator).to(device)
        level = self.levels.index_select(0, t)
        parents = data[:, d:]
        if self.dropout:
            parents = parents * (torch.rand(n, 1, generator=generator).to(device) >= self.dropout)
        noisy = level[:, :1] * data[:, :d] + level[:, 1:2] * eps
        return torch.cat([noisy, parents, level[:, 2:]], dim=1), eps

    @classmethod
    def together(cls, regressions: Sequence[Denoising]) -> Drawn | None:
        """All of them, drawn on their device; where rows are held out, one by one (None)."""
        return None if any(r.held for r in regressions) else _Together(regressions)


class _Together(Drawn):
    """Denoising problems with one schedule and one share of rows without parents."""

    def __init__(self, regressions: Sequence[Denoising]):
        self.first = regressions[0]
        told = self.first.levels.shape[1] - 2
        tables, seeds = [r.data for r in regressions], [r.seed for r in regressions]
        super().__init__(tables, seeds, outputs=self.first.outputs, told=told)

    def mix(self, own: Tensor, parents: Tensor, epoch: int, words: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        eps = self.noise(epoch, words)
        level = self.first.levels[1 + below(words[0], self.first.steps)]
        if self.first.dropout:
            kept = uniform(self.streams.words(epoch, self.outputs)[0]) >= self.first.dropout
            parents = parents * kept[..., None]
        return level[..., :1] * own + level[..., 1:2] * eps, level[..., 2:], parents, eps
