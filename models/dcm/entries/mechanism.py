"""DCM's causal mechanism with a denoiser that is told the parents in one of several ways."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from scmbench.datasets.seeds import derive
from torch import Tensor

from ...contract.columns import Scaler
from ...contract.fields import FieldError
from ...contract.nodewise import Task
from ...training import Regression
from ..mechanism import Diffusion, DiffusionConfig
from ..schedule import Schedule
from .networks import Entry
from .sampler import EntrySampler
from .sizes import networks
from .training import Learned, train_entries


@dataclass(frozen=True)
class EntryConfig(DiffusionConfig):
    """What training needs to know; see `ParentsDCM` for the meaning of each."""

    entry: str = "concat"


class MeanOfRows(Regression):
    """Predict standardised rows ``x (n, d)`` from parents ``(n, p)``: of least squares comes a conditional mean."""

    def __init__(self, x: Tensor, parents: Tensor, seed: int):
        self.x, self.parents, self.seed = x, parents, seed
        (self.rows, self.outputs), self.inputs = x.shape, parents.shape[1]

    def epoch(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows in random order."""
        order = torch.randperm(self.rows, generator=generator)
        return self.parents[order], self.x[order]


@dataclass(frozen=True)
class Centre:
    """A learned conditional mean: its network, between standardised parents and a node in units of `scaler`."""

    network: Learned
    scaler: Scaler


class Entering(Diffusion):
    """x = decode(u, parents), u ~ N(0, I): `Diffusion` with the network of an entry, and every inversion exact.

    With the entry ``residual``, x = m(pa) + r: m is learned first, and the diffusion is that of r given the parents.
    """

    saves = ("scaler", "parent_scaler", "network", "updates", "centre", "rows")
    config: EntryConfig
    network: Learned  # type: ignore[assignment]
    sampler: EntrySampler
    centre: Centre | None
    rows: int

    def __init__(self, config: EntryConfig, *, inversion: str = "implicit", wraps_time: bool = False):
        super().__init__(config, inversion=inversion, wraps_time=wraps_time)

    def networks(self) -> tuple[Entry, ...]:
        """The denoiser's shape, and that of the mean where there is one."""
        own, parents, told = len(self.scaler.mean), len(self.parent_scaler.mean), self._features().shape[1]
        return networks(self.config.entry, own, parents, told, self.config.hidden)

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Train the networks of all tasks at once; a result does not depend on its mates."""
        config, fitted = self.config, [copy.copy(self) for _ in tasks]
        how = {"epochs": config.epochs, "batch_size": config.batch_size, "lr": config.lr}
        for made, task in zip(fitted, tasks, strict=True):
            made.scaler, made.parent_scaler = (Scaler.of(x, correction=0) for x in (task.x, task.parents))
            made.centre = None
        if config.entry == "residual":
            rows = [
                MeanOfRows(made.scaler(task.x), made.standardised(task.parents), derive(task.seed, "mean"))
                for made, task in zip(fitted, tasks, strict=True)
            ]
            means = train_entries(rows, [made.networks()[1] for made in fitted], **how)
            for made, task, network in zip(fitted, tasks, means, strict=True):
                made.centre = Centre(network, made.scaler)
                made.scaler = Scaler.of(task.x - made.mean(task.parents), correction=0)
        learned = [
            made.regression(made.scaler(task.x - made.mean(task.parents)), made.standardised(task.parents), task.seed)
            for made, task in zip(fitted, tasks, strict=True)
        ]
        trained = train_entries(learned, [made.networks()[0] for made in fitted], **how)
        for made, network, regression in zip(fitted, trained, learned, strict=True):
            made.network, made.rows = network, regression.rows
            made.updates = config.epochs * -(-regression.rows // config.batch_size)
            made.ready()
        return fitted

    def ready(self) -> None:
        """The sampler."""
        schedule, features = Schedule(self.config.steps), self._features()
        self.sampler = EntrySampler(self.network, schedule, features, self.config.guidance, self.networks()[0])

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, and what follows from them. Raises `FieldError` for weights of another shape."""
        super().restore(fields)
        known = [self.network, *([self.centre.network] if self.centre else [])]
        if len(known) != len(self.networks()):
            raise FieldError(f"centre is {'there' if self.centre else 'None'}: not so with entry={self.config.entry!r}")
        for entry, network in zip(self.networks(), known, strict=True):
            expected = {name: (shape.rows, shape.columns) for name, shape in entry.shapes().items()}
            if {name: tuple(weight.shape) for name, weight in network.weights.items()} != expected:
                raise FieldError(f"the weights do not have the shapes of entry={self.config.entry!r}")
        return self

    @torch.no_grad()
    def mean(self, parents: Tensor) -> Tensor:
        """What is taken off a row before diffusion, ``(n, d)``: m(pa), or 0 without a mean."""
        if self.centre is None:
            return parents.new_zeros(len(parents), len(self.scaler.mean))
        given = self.networks()[1].condition(self.centre.network.weights, self.standardised(parents))
        return self.centre.scaler.undo(given[0])

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of rows ``x (n, d)`` given ``parents (n, p)``. Raises `Diverged`."""
        return super().encode(x - self.mean(parents), parents)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``. Raises `Diverged`."""
        return super().decode(u, parents) + self.mean(parents)

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of all networks, and 10⁶ floating-point operations of their training.

        A multiply-add is two operations, and a step's way back takes twice those of its way forth.
        """
        shapes, mean = self.networks(), [self.centre.network] if self.centre else []
        rows = len(self.network.losses) * self.rows
        return {
            "parameters": sum(network.size() for network in (self.network, *mean)),
            "gradient_steps": self.updates * len(shapes),
            "training_mflop": round(6 * rows * sum(shape.multiplications() for shape in shapes) / 1e6),
        }
