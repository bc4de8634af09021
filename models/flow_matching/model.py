"""Causal flow matching: a velocity a node, followed from noise to value and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from ..contract.columns import Scaler
from ..contract.nodewise import Mechanism, NodewiseModel, Task
from ..training import Architecture, Network, train_stack
from .flow import Flow
from .matching import Matching


@dataclass(frozen=True)
class MatchingConfig:
    """What a mechanism needs to know; see `FlowMatching` for the meaning of each."""

    hidden: tuple[int, ...]
    steps: int
    epochs: int
    batch_size: int
    lr: float
    device: str


class Velocity(Mechanism):
    """``x = decode(u, parents)``, ``u ~ N(0, I)``: the flow of a learned velocity, in standardised units."""

    saves = ("scaler", "parent_scaler", "network", "updates")
    scaler: Scaler
    parent_scaler: Scaler
    network: Network
    updates: int

    def __init__(self, config: MatchingConfig):
        self.config = config

    def fit(self, task: Task) -> Self:
        """Train this node's velocity."""
        vars(self).update(vars(self.fit_stack([task])[0]))
        return self

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Train the velocities of all tasks at once; a result does not depend on its mates."""
        config = self.config
        scalers = [
            tuple(Scaler.of(rows.to(config.device), correction=0) for rows in (task.x, task.parents)) for task in tasks
        ]
        regressions = [
            Matching(own(task.x.to(own.mean)), pa(task.parents.to(pa.mean)), task.seed)
            for task, (own, pa) in zip(tasks, scalers, strict=True)
        ]
        networks = train_stack(
            regressions,
            Architecture(config.hidden),
            epochs=config.epochs,
            batch_size=config.batch_size,
            lr=config.lr,
            anneal=True,
            device=config.device,
        )
        mechanisms = []
        for task, network, (own, pa) in zip(tasks, networks, scalers, strict=True):
            mechanism = type(self)(config)
            mechanism.scaler, mechanism.parent_scaler, mechanism.network = own, pa, network
            mechanism.updates = config.epochs * -(-len(task.x) // config.batch_size)
            mechanisms.append(mechanism)
        return mechanisms

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, on the device of the options."""
        super().restore(fields)
        for name in ("scaler", "parent_scaler", "network"):
            setattr(self, name, getattr(self, name).to(self.config.device))
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of rows ``x (n, d)`` given ``parents (n, p)``: each step of the flow inverted."""
        z, pa = self.scaler(x.to(self.scaler.mean)), self.parent_scaler(parents.to(self.scaler.mean))
        return self._flow().inverse(z, pa).to(x)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``."""
        z = self._flow().forward(u.to(self.scaler.mean), self.parent_scaler(parents.to(self.scaler.mean)))
        return self.scaler.undo(z).to(u)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return torch.randn(n, len(self.scaler.mean), generator=generator)

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of the network."""
        return {"parameters": self.network.size(), "gradient_steps": self.updates}

    def _flow(self) -> Flow:
        if not self.network.losses.isfinite().all():
            epoch = int((~self.network.losses.isfinite()).nonzero()[0])
            raise FloatingPointError(f"training diverged in epoch {epoch + 1}: lower lr")
        return Flow(self.network, self.config.steps)


class FlowMatching(NodewiseModel):
    """A velocity for every node given its parents: its flow takes noise to values, and back to abduct. Roots bootstrap.

    "Flow Matching for Generative Modeling", Lipman, Chen, Ben-Hamu, Nickel, Le, ICLR 2023, at the nodes of a causal
    graph: x = z(1) with dz/dt = v(z, pa, t), z(0) = u ~ N(0, I), v trained on straight paths from noise to rows
    (`Matching`). The map of a scalar node rises with its noise, so that a counterfactual keeps the row's rank; where
    the world's mechanism rises too, that is the true one. A vector node has no such order: its map depends on training.

    Options: `hidden` widths of the velocity's network, `steps` of Heun's method, then `epochs`, `batch_size`, `lr` of
    Adam, which falls along half a cosine, `device`.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2, "steps": 4}

    def __init__(
        self,
        hidden: tuple[int, ...] = (64, 128),
        steps: int = 25,
        epochs: int = 100,
        batch_size: int = 128,
        lr: float = 2e-3,
        device: str = "cpu",
    ):
        for name, value in (("steps", steps), ("epochs", epochs), ("batch_size", batch_size), ("lr", lr)):
            if not value > 0:
                raise ValueError(f"{name}={value}: expected a number above 0")
        self.hidden, self.steps, self.epochs, self.batch_size, self.lr = tuple(hidden), steps, epochs, batch_size, lr
        self.device = device

    def mechanism(self) -> Mechanism:
        """An unfitted velocity."""
        return Velocity(MatchingConfig(self.hidden, self.steps, self.epochs, self.batch_size, self.lr, self.device))
