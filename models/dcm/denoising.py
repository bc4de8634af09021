"""What a DCM network learns: the noise that was mixed into a value, given the mixture, the parents and the time."""

from __future__ import annotations

import torch
from torch import Tensor

from ..stack import Regression
from .schedule import Schedule


class Denoising(Regression):
    """Predict eps from (sqrt(abar_t) x + sqrt(1 - abar_t) eps, parents, features of t), t ~ U{1..T}, eps ~ N(0, I).

    Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", 2020, eq. 14, conditioned on the parents (Chao et
    al., "Modeling Causal Mechanisms with Diffusion Models", 2024, Algorithm 1). A row gets one fresh t and eps per
    epoch. With `dropout` > 0 a row's whole parent vector is 0 with that probability, so that the same network also
    learns to do without parents (Ho, Salimans, "Classifier-Free Diffusion Guidance", 2022, Algorithm 1).

    `x (n, d)` and `parents (n, p)` are standardised; `features (T + 1, k)` is indexed by t.
    """

    def __init__(self, x: Tensor, parents: Tensor, schedule: Schedule, features: Tensor, dropout: float, seed: int):
        self.x, self.parents, self.features, self.dropout, self.seed = x, parents, features, dropout, seed
        self.signal = schedule.alpha_bar.sqrt().to(x).unsqueeze(1)
        self.sigma = (1 - schedule.alpha_bar).sqrt().to(x).unsqueeze(1)
        self.steps = schedule.steps
        self.rows, self.outputs = x.shape
        self.inputs = x.shape[1] + parents.shape[1] + features.shape[1]

    def epoch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows in random order, each with a fresh time and noise."""
        device = self.x.device
        order = torch.randperm(self.rows, generator=generator, device=device)
        t = torch.randint(1, self.steps + 1, (self.rows,), generator=generator, device=device)
        eps = torch.randn(self.x.shape, generator=generator, device=device)
        parents = self.parents[order]
        if self.dropout:
            parents = parents * (torch.rand(self.rows, 1, generator=generator, device=device) >= self.dropout)
        noisy = self.signal[t] * self.x[order] + self.sigma[t] * eps
        return torch.cat([noisy, parents, self.features[t]], dim=1), eps
