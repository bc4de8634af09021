"""Mechanisms of one network that is trained by regression in standardised units: what diffusion and flows share."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor

from ..contract.columns import Scaler
from ..contract.nodewise import Mechanism, Task
from .network import Architecture, Network
from .regression import Regression
from .stack import train_stack


class Recipe(Protocol):
    """How the networks of a stack are trained: `train_stack` says what each does."""

    @property
    def epochs(self) -> int: ...  # noqa: D102
    @property
    def batch_size(self) -> int: ...  # noqa: D102
    @property
    def lr(self) -> float: ...  # noqa: D102
    @property
    def device(self) -> str: ...  # noqa: D102


class Diverged(ArithmeticError):
    """Raised by queries of a mechanism whose training diverged; its mates in the stack are not touched by it."""


class Regressed(Mechanism):
    """``x = decode(u, pa)``, ``u ~ N(0, I)`` of the node's width, by one network; a subclass says what it regresses.

    Node and parents are standardised, each by its own scaler. A subclass writes `architecture`, `regression`, `encode`
    and `decode`, and `ready` where something is made of a network that was trained or read.
    """

    saves = ("scaler", "parent_scaler", "network", "updates")
    anneal: ClassVar[bool] = False
    patience: int = 0
    """Epochs without a lower loss on held-out rows after which training stops; 0 trains all epochs on all rows."""
    recipe: Recipe
    scaler: Scaler
    parent_scaler: Scaler
    network: Network
    updates: int

    @abstractmethod
    def architecture(self) -> Architecture:
        """The network's shape."""

    @abstractmethod
    def regression(self, x: Tensor, parents: Tensor, seed: int) -> Regression:
        """What a network learns of standardised rows ``x (n, d)`` and ``parents (n, p)``."""

    def ready(self) -> None:
        """What follows from the network, once it is there."""

    def fit(self, task: Task) -> Self:
        """Train this node's network."""
        vars(self).update(vars(self.fit_stack([task])[0]))
        return self

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Train the networks of all tasks at once; a result does not depend on its mates."""
        recipe, fitted, regressions = self.recipe, [], []
        for task in tasks:
            mechanism = copy.copy(self)
            own, pa = (Scaler.of(rows.to(recipe.device), correction=0) for rows in (task.x, task.parents))
            mechanism.scaler, mechanism.parent_scaler = own, pa
            x, parents = own(task.x.to(own.mean)), pa(task.parents.to(pa.mean))
            regressions.append(mechanism.regression(x, parents, task.seed))
            fitted.append(mechanism)
        networks = train_stack(
            regressions,
            self.architecture(),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            lr=recipe.lr,
            anneal=self.anneal,
            patience=self.patience,
            device=recipe.device,
        )
        for mechanism, network, learned in zip(fitted, networks, regressions, strict=True):
            mechanism.network = network
            mechanism.updates = len(network.losses) * -(-learned.rows // recipe.batch_size)
            mechanism.ready()
        return fitted

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, on the device of the recipe, and what follows from them."""
        super().restore(fields)
        device = self.recipe.device
        self.scaler, self.parent_scaler = self.scaler.to(device), self.parent_scaler.to(device)
        self.network = self.network.to(device)
        self.ready()
        return self

    def standardised(self, parents: Tensor) -> Tensor:
        """Parents ``(n, p)`` as the network sees them."""
        return self.parent_scaler(parents.to(self.scaler.mean))

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return torch.randn(n, len(self.scaler.mean), generator=generator)

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of the network."""
        return {"parameters": self.network.size(), "gradient_steps": self.updates}

    def check_training(self) -> None:
        """Raise `Diverged` where the training did; it says when."""
        losses = self.network.losses
        if not losses.isfinite().all():
            epoch = int((~losses.isfinite()).nonzero()[0])
            step, loss = epoch * self.updates // len(losses), float(losses[epoch])
            raise Diverged(f"training diverged after step {step} (epoch {epoch + 1}): mean squared error {loss}")
