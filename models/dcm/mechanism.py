"""One diffusion model for a node given its parents: DCM's causal mechanism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from ..contract.columns import Scaler
from ..contract.fields import FieldError
from ..contract.nodewise import Mechanism, Task
from ..training import Architecture, Network, train_stack
from .denoising import Denoising
from .sampler import Sampler
from .schedule import Schedule, time_features

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

    def architecture(self) -> Architecture:
        """The network: the positional embedding is a branch 16 -> 128 -> 64 in front of the trunk."""
        return Architecture(self.hidden, branch=(16, 128, 64) if self.time == "positional" else ())


class Diverged(ArithmeticError):
    """Raised by queries of a mechanism whose training diverged; its mates in the stack are not touched by it."""


class Diffusion(Mechanism):
    """x = decode(u, parents), u ~ N(0, I), by a conditional diffusion model; `encoder` is `ddim` or `exact`.

    `wraps_time` keeps a quirk of the published implementation: its encoder starts with a call at t = 0, for which the
    positional embedding looks up row -1, the noisiest level.
    """

    saves = ("scaler", "parent_scaler", "network", "features", "updates")
    scaler: Scaler
    parent_scaler: Scaler
    network: Network
    features: Tensor
    updates: int
    sampler: Sampler

    def __init__(self, config: DiffusionConfig, *, encoder: str = "ddim", wraps_time: bool = False):
        self.config, self.encoder, self.wraps_time = config, encoder, wraps_time

    def fit(self, task: Task) -> Self:
        """Train this node's network."""
        fitted = self.fit_stack([task])[0]
        vars(self).update(vars(fitted))
        return self

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Train the networks of all tasks at once; a result does not depend on its mates."""
        config = self.config
        schedule, features = Schedule(config.steps), time_features(config.steps, config.time).to(config.device)
        scalers = [
            tuple(Scaler.of(rows.to(config.device), correction=0) for rows in (task.x, task.parents)) for task in tasks
        ]
        dropout = PARENT_DROPOUT if config.guidance else 0.0
        regressions = [
            Denoising(own(task.x.to(own.mean)), pa(task.parents.to(pa.mean)), schedule, features, dropout, task.seed)
            for task, (own, pa) in zip(tasks, scalers, strict=True)
        ]
        networks = train_stack(
            regressions,
            config.architecture(),
            epochs=config.epochs,
            batch_size=config.batch_size,
            lr=config.lr,
            device=config.device,
        )
        mechanisms = []
        for task, network, (own, pa) in zip(tasks, networks, scalers, strict=True):
            mechanism = type(self)(config, encoder=self.encoder, wraps_time=self.wraps_time)
            mechanism.scaler, mechanism.parent_scaler = own, pa
            mechanism.network, mechanism.features = network, features
            mechanism.sampler = Sampler(network, schedule, features, config.guidance)
            mechanism.updates = config.epochs * -(-len(task.x) // config.batch_size)
            mechanisms.append(mechanism)
        return mechanisms

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, on the device of the options, and the sampler that they make."""
        super().restore(fields)
        steps, device = self.config.steps, self.config.device
        if len(self.features) != steps + 1:
            raise FieldError(f"features has {len(self.features)} rows, expected {steps + 1}: one for each of t = 0..T")
        self.scaler, self.parent_scaler = self.scaler.to(device), self.parent_scaler.to(device)
        self.network, self.features = self.network.to(device), self.features.to(device)
        self.sampler = Sampler(self.network, Schedule(steps), self.features, self.config.guidance)
        return self

    def at_query(self, *, encoder: str, wraps_time: bool) -> Self:
        """The same fit, queried another way."""
        other = type(self)(self.config)
        vars(other).update(vars(self), encoder=encoder, wraps_time=wraps_time)
        return other

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of rows ``x (n, d)`` given ``parents (n, p)``. Raises `Diverged`."""
        self._check_training()
        z, pa = self.scaler(x.to(self.scaler.mean)), self.parent_scaler(parents.to(self.scaler.mean))
        if self.encoder == "exact":
            return self.sampler.invert(z, pa).to(x)
        sampler = self.sampler
        if self.wraps_time and self.config.time == "positional":
            sampler = replace(sampler, features=torch.cat([sampler.features[-1:], sampler.features[1:]]))
        return sampler.encode(z, pa).to(x)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``. Raises `Diverged`."""
        self._check_training()
        z = self.sampler.decode(u.to(self.scaler.mean), self.parent_scaler(parents.to(self.scaler.mean)))
        return self.scaler.undo(z).to(u)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return torch.randn(n, len(self.scaler.mean), generator=generator)

    def _check_training(self) -> None:
        losses = self.sampler.network.losses
        if not losses.isfinite().all():
            epoch = int((~losses.isfinite()).nonzero()[0])
            step, loss = epoch * self.updates // len(losses), float(losses[epoch])
            raise Diverged(f"training diverged after step {step} (epoch {epoch + 1}): mean squared error {loss}")

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of the network."""
        return {"parameters": self.sampler.network.size(), "gradient_steps": self.updates}
