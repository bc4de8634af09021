"""Maximum likelihood for a triangular map and its base: the epoch that predicts held-out rows best is kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import derive, generator, seeded
from torch import Tensor, nn

from ..training.progress import counted
from ..training.regressed import Diverged
from ..training.stopping import Best, split
from . import bases, maps

ROWS = 2048
"""Rows whose likelihood is computed at once."""


@dataclass(frozen=True)
class Recipe:
    """How maps are made and trained; see `TMSCM` for the meaning of each."""

    base: str
    layers: int
    steps: int
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    lr: float
    decay: float

    def flow(self, kind: str, size: int, parents: int) -> TriangularFlow:
        """An untrained map of this kind with its base."""
        made = maps.made(kind, size, parents, layers=self.layers, steps=self.steps, hidden=self.hidden)
        return TriangularFlow(made, bases.made(self.base, size))

    def chosen(self, kinds: tuple[str, ...], x: Tensor, parents: Tensor, seed: int) -> tuple[str, TriangularFlow, int]:
        """Of these kinds the one of greatest likelihood on held-out rows, trained, and its optimiser steps."""
        trained = {kind: self.trained(kind, x, parents, seed) for kind in kinds}
        best = min(trained, key=lambda kind: trained[kind][1])
        flow, loss, updates = trained[best]
        if loss == float("inf"):
            raise Diverged("training diverged: no epoch has a finite likelihood on held-out rows; lower lr")
        return best, flow, updates

    def trained(self, kind: str, x: Tensor, parents: Tensor, seed: int) -> tuple[TriangularFlow, float, int]:
        """A flow in float64, its loss on the tenth of ``x (n, d)`` that is held out, and its optimiser steps."""
        with seeded(seed, "weights"):
            flow = self.flow(kind, x.shape[1], parents.shape[1])
        x, parents = x.float(), parents.float()
        own, held = split(len(x), seed)
        optimizer = torch.optim.AdamW(flow.parameters(), lr=self.lr, weight_decay=self.decay, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.epochs)
        stream, best, updates = generator(derive(seed, "batches")), Best(self.epochs, 1), 0
        with torch.enable_grad():
            for epoch in counted(range(self.epochs), "epochs"):
                for rows in own[torch.randperm(len(own), generator=stream)].split(self.batch_size):
                    signs = torch.randint(2, (len(rows), x.shape[1]), generator=stream).mul(2).sub(1).float()
                    optimizer.zero_grad()
                    (-flow.log_prob(x[rows], parents[rows], signs).mean()).backward()
                    optimizer.step()
                    updates += 1
                schedule.step()
                loss = -float(flow.likelihood(x[held], parents[held]).mean())
                best.see(epoch, [loss], [list(flow.state_dict().values())])
        if best.weights[0] is not None:
            flow.load_state_dict(dict(zip(flow.state_dict(), best.weights[0], strict=True)))
        return flow.double().requires_grad_(False), best.least[0], updates


class TriangularFlow(nn.Module):
    """A map and the law of its noise."""

    def __init__(self, made: maps.TriangularMap, base: bases.Base):
        super().__init__()
        self.map, self.base = made, base

    def log_prob(self, x: Tensor, parents: Tensor, probe: Tensor | None = None) -> Tensor:
        """``log p(x | pa) = log b(u) + log |det du/dx|``, ``(n,)``; with a `probe` an estimate for training."""
        u, slope = self.map.encode_and_slope(x, parents, probe)
        return self.base.log_prob(u) + slope

    @torch.no_grad()
    def likelihood(self, x: Tensor, parents: Tensor) -> Tensor:
        """The same, exact, for as many rows as there are."""
        return torch.cat([self.log_prob(*part) for part in zip(x.split(ROWS), parents.split(ROWS), strict=True)])
