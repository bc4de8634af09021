"""How the flow and what infers its hidden causes are trained: Adam on the bound, from the start that promises most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import derive, generator
from torch import Tensor

from ..training.progress import counted
from ..training.recipe import rates
from ..training.stopping import split
from .flow import Flow

FIRST = 0.25
"""The part of the epochs after which one of the starts is chosen."""


@dataclass(frozen=True)
class Recipe:
    """See `ProxyFlow` for the meaning of each; `particles` are the draws of z a row and step."""

    particles: int
    epochs: int
    batch_size: int
    lr: float

    def train(self, flows: Sequence[Flow], x: Tensor, *, seed: int) -> tuple[Flow, int]:
        """One of `flows`, trained on rows ``x (n, D)``, and the steps that it all took. Raises `FloatingPointError`.

        The rate falls along half a cosine; the weights of the epoch of best bound on held-out rows are used. Several
        flows are trained for `FIRST` of the epochs, and the one of best bound goes on: a latent variable may settle on
        one node alone instead of on what several share, where the bound is lower, and stay there.
        """
        train, held = split(len(x), derive(seed, "split"))
        runs = [_Run(self, flow, x[train], x[held], derive(seed, "start", i)) for i, flow in enumerate(flows)]
        steps = 0
        if len(runs) > 1:
            first = max(1, round(FIRST * self.epochs))
            for run in runs:
                run.go(first)
            steps = sum(run.steps for run in runs)
            runs = [min(runs, key=lambda run: run.best)]
            steps -= runs[0].steps
        run = runs[0]
        run.go(self.epochs)
        if run.weights is None:
            raise FloatingPointError("proxy-flow diverged: no epoch has a finite bound on the held-out rows; lower lr")
        run.flow.load_state_dict(run.weights)
        return run.flow, steps + run.steps


class _Run:
    """One training that can be halted: `best` is the least held-out loss so far, `weights` those behind it."""

    def __init__(self, recipe: Recipe, flow: Flow, rows: Tensor, held: Tensor, seed: int):
        self.recipe, self.flow, self.rows, self.held = recipe, flow, rows, held
        self.stream = generator(seed, "batches")
        self.fixed = self._draws(len(held), generator(seed, "held out"))
        self.optimizer = torch.optim.Adam(flow.parameters(), lr=recipe.lr, fused=True)
        self.epoch, self.steps, self.best = 0, 0, torch.inf
        self.weights: dict[str, Tensor] | None = None

    def go(self, until: int) -> None:
        """Train until so many epochs are over."""
        planned = rates(self.recipe.lr, self.recipe.epochs, anneal=True)
        for rate in counted(planned[self.epoch : until], "epochs"):
            self.optimizer.param_groups[0]["lr"] = rate
            order = torch.randperm(len(self.rows), generator=self.stream)
            with torch.enable_grad():
                for batch in self.rows[order].split(self.recipe.batch_size):
                    self.optimizer.zero_grad()
                    (-self.flow.log_prob(batch, self._draws(len(batch), self.stream)).mean()).backward()
                    self.optimizer.step()
                    self.steps += 1
            self.epoch += 1
            with torch.no_grad():
                loss = float(-self.flow.log_prob(self.held, self.fixed).mean())
            if loss < self.best:
                self.best, self.weights = loss, {name: t.clone() for name, t in self.flow.state_dict().items()}

    def _draws(self, n: int, stream: torch.Generator) -> Tensor:
        return torch.randn(self.recipe.particles, n, self.flow.layout.dim, generator=stream)
