"""How the flow and what infers its hidden causes are trained: Adam on the bound, the epoch of best held-out bound."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import derive, generator
from torch import Tensor

from ..training.progress import counted
from ..training.recipe import rates
from ..training.stopping import split
from .flow import Flow

WARM = 0.25
"""The part of the epochs during which the weight of ``p(z) / q(z | x)`` rises from 0 to 1."""


@dataclass(frozen=True)
class Recipe:
    """See `ProxyFlow` for the meaning of each; `particles` are the draws of z a row and step."""

    particles: int
    epochs: int
    batch_size: int
    lr: float

    def train(self, flow: Flow, x: Tensor, *, seed: int) -> int:
        """Train `flow` in place on rows ``x (n, D)``; returns the steps taken. Raises `FloatingPointError`.

        The rate falls along half a cosine. Only epochs after the warm-up are looked at, unless there are none.
        """
        train, held = split(len(x), derive(seed, "split"))
        rows, kept = x[train], x[held]
        stream = generator(seed, "batches")
        fixed = self._draws(flow, len(kept), generator(seed, "held out"))
        optimizer = torch.optim.Adam(flow.parameters(), lr=self.lr, fused=True)
        warming = int(WARM * self.epochs) if flow.layout.dim else 0
        best, weights, steps = torch.inf, None, 0
        for epoch, rate in enumerate(counted(rates(self.lr, self.epochs, anneal=True), "epochs")):
            optimizer.param_groups[0]["lr"] = rate
            warmth = min(1.0, (epoch + 1) / (warming + 1))
            with torch.enable_grad():
                for batch in rows[torch.randperm(len(rows), generator=stream)].split(self.batch_size):
                    optimizer.zero_grad()
                    (-flow.log_prob(batch, self._draws(flow, len(batch), stream), warmth).mean()).backward()
                    optimizer.step()
                    steps += 1
            if epoch < warming:
                continue
            with torch.no_grad():
                loss = float(-flow.log_prob(kept, fixed).mean())
            if loss < best:
                best, weights = loss, {name: t.clone() for name, t in flow.state_dict().items()}
        if weights is None:
            raise FloatingPointError("proxy-flow diverged: no epoch has a finite bound on the held-out rows; lower lr")
        flow.load_state_dict(weights)
        return steps

    def _draws(self, flow: Flow, n: int, stream: torch.Generator) -> Tensor:
        return torch.randn(self.particles, n, flow.layout.dim, generator=stream)
