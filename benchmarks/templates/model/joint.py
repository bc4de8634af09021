"""my-method: one model of all nodes together."""

from __future__ import annotations

from typing import ClassVar

import torch
from scmbench.datasets import Values, generator, parents
from scmbench.models import JointModel
from torch import Tensor


class MyMethod(JointModel):
    """Say in one sentence what the method does, then cite it: title, authors, year.

    This skeleton learns ``z = z W + u`` over the standardised columns of all nodes, with W zero where the graph has no
    arrow: put your own method in its place. `JointModel` checks what comes in, makes these columns and turns them back
    into values, obeys `do`, and leaves untouched what an intervention does not reach.

    Option `ridge`: the penalty on the squared weights.
    """

    version: ClassVar[int] = 1
    """Count it up whenever answers change, so that old results are not taken for new ones."""

    answers: ClassVar[frozenset[str]] = frozenset({"observational", "interventional", "counterfactual"})
    """Drop what the method cannot answer: it is not asked then."""

    saves = ("W", "noise")
    """What `learn` sets and answers need: a fitted model is saved as these, and each has the type that stands here."""
    W: Tensor
    noise: Tensor

    def __init__(self, ridge: float = 1e-6):
        self.ridge = ridge  # every option is a plain value, kept under its own name

    def learn(self, z: Tensor, *, seed: int) -> None:
        """Learn from standardised rows ``z (n, D)``; node v has ``columns.slices[v]``. All randomness from `seed`."""
        # A method that draws: generator(seed, "what for"), never the global generator.
        self.W = torch.zeros(len(self.columns), len(self.columns), dtype=z.dtype)
        for node, own in self.columns.slices.items():
            sources = self.columns.mask(parents(self.graph, node))
            A, penalty = z[:, sources], self.ridge * torch.eye(int(sources.sum()), dtype=z.dtype)
            self.W[sources, own] = torch.linalg.solve(A.T @ A + penalty, A.T @ z[:, own])
        self.noise = z - z @ self.W

    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """``n`` rows, observational or with some nodes `forced`: fresh noise for every node, then causes to effects."""
        u = torch.empty(n, len(self.columns), dtype=self.W.dtype)
        for node, own in self.columns.slices.items():
            u[:, own] = self.noise[torch.randint(len(self.noise), (n,), generator=generator(seed, node)), own]
        return self._solve(u, forced)

    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """The rows `z` with some nodes `forced`: abduct their noise, set the intervened nodes, predict the others."""
        return self._solve(z - z @ self.W, forced)

    def cost(self) -> dict[str, int]:
        """What the tables say a fit took; count ``gradient_steps`` too where there are any."""
        return {"parameters": int((self.W != 0).sum())}

    def _solve(self, u: Tensor, forced: Values) -> Tensor:
        z = torch.zeros_like(u)
        for node, own in self.columns.slices.items():  # causes first
            z[:, own] = forced[node] if node in forced else (z @ self.W + u)[:, own]
        return z
