"""An image given its parents, by Diff-SCM: abduction knows no parents, prediction is guided towards them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..contract.nodewise import Task
from ..images.context import Slot
from ..images.ddim import in_chunks, walk
from ..images.denoiser import Network, at_time, noised
from ..images.mechanism import ROWS, ImageMechanism, on_cpu
from ..images.schedule import Step, exact_path, offset_path
from ..images.trainer import Recipe
from ..images.unet import size
from .predictor import Predictor, log_prob


@dataclass(frozen=True)
class Query:
    """How a fitted mechanism is asked; see `DiffSCM`."""

    scale: float
    depth: float
    levels: int
    clip: str


@dataclass(frozen=True)
class Plan:
    """What is trained: the noise model's sizes and recipe, the predictor's, and whether levels are booked one off."""

    network: Network
    recipe: Recipe
    channels: int
    multipliers: tuple[int, ...]
    predictor: Recipe
    offset: bool


class GuidedDiffusion(ImageMechanism):
    """``u = abduct(x)``, ``x = decode(u, pa)``: deterministic diffusion of eps(x_t, t), guided by p(pa | x_t, t)."""

    saves = ("context", "weights", "loss_at_end", "predictor_weights", "predictor_loss")
    predictor_weights: dict[str, Tensor]
    predictor_loss: float
    predictor: nn.Module

    def __init__(self, plan: Plan, shape: Sequence[int], slots: Sequence[Slot], query: Query, device: str):
        super().__init__(shape, slots, plan.recipe, query, device)
        self.plan = plan

    def build(self) -> nn.Module:
        """The noise model, which is told nothing but the time."""
        return self.plan.network.build(self.shape[0])

    def loss(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """Mean of ``(e - eps(x_t, t))^2``."""
        noisy, t, e = noised(x, self.plan.network.alpha_bar(), stream)
        return (network(noisy, t) - e).square().mean()

    def build_predictor(self) -> nn.Module:
        """The predictor of the parents."""
        plan = self.plan
        return Predictor(self.shape, self.context, plan.channels, plan.multipliers, plan.network.patch)

    def loss_of_predictor(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """Mean of ``-log p(pa | x_t, t)``, at the times that queries ask about."""
        noisy, t, _ = noised(x, self.plan.network.alpha_bar(), stream)
        return -log_prob(network(noisy, t), code, self.context).mean()

    def fit(self, task: Task) -> Self:
        """Train both networks."""
        super().fit(task)
        self.predictor, self.predictor_loss = self.trained(
            self.build_predictor, self.loss_of_predictor, self.plan.predictor, task, "predictor"
        )
        self.predictor_weights = on_cpu(self.predictor)
        return self

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, and both networks."""
        super().restore(fields)
        self.predictor = self.restored(self.build_predictor, self.predictor_weights)
        return self

    def ask(self, x: Tensor, code: Tensor) -> Tensor:
        """One pass through both networks."""
        self.predictor(x, torch.zeros(len(x), device=x.device))
        return at_time(self.network, x, 0)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, d)``: the image taken up `depth` of the levels. The parents are not looked at."""
        path, clip = self.path(forward=True), self.query.clip == "both"
        return in_chunks(
            lambda x: walk(x, path, partial(at_time, self.network), clip=clip).flatten(1),
            ROWS,
            self.pixels(x),
            device=self.device,
        )

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The image ``(n, d)``: noise taken down the same levels, guided towards the parents."""
        path, clip = self.path(forward=False), self.query.clip != "none"

        def run(u: Tensor, code: Tensor) -> Tensor:
            score = partial(self.score, code) if self.query.scale else None
            return self.flat(walk(u, path, partial(at_time, self.network), clip=clip, score=score))

        return in_chunks(run, ROWS, u.reshape(len(u), *self.shape), self.context(parents), device=self.device)

    def score(self, code: Tensor, x: Tensor, t: int) -> Tensor:
        """``s grad_x log p(pa | x, t)``, ``(n, c, h, w)``: the gradient of the sum over rows, each by itself."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            total = log_prob(self._predicted(x, t), code, self.context).sum()
            return self.query.scale * torch.autograd.grad(total, x)[0]

    def log_prob_of_parents(self, x: Tensor, parents: Tensor, t: int = 0) -> Tensor:
        """What the predictor thinks of images ``(n, d)`` at one time: ``log p(pa | x, t)``, ``(n,)``."""
        return in_chunks(
            lambda x, code: log_prob(self._predicted(x, t), code, self.context),
            ROWS,
            self.pixels(x),
            self.context(parents),
            device=self.device,
        )

    def path(self, *, forward: bool) -> list[Step]:
        """The levels of a query, from the image up to `depth` of them or down again."""
        steps = round(self.query.depth * self.query.levels)
        book = offset_path if self.plan.offset else exact_path
        path = book(self.plan.network.alpha_bar(), self.query.levels, forward=forward)
        return path[:steps] if forward else path[len(path) - steps :]

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return self.draws(n, generator)

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of both networks."""
        cost = super().cost()
        cost["parameters"] += size(self.predictor)
        cost["gradient_steps"] += self.plan.predictor.steps
        return cost

    def _predicted(self, x: Tensor, t: int) -> Tensor:
        return self.predictor(x, torch.full((len(x),), t, device=x.device))
