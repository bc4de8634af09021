"""Mechanisms of a scalar by one network that minimises an objective of its own: flows, transports, laws of levels."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import torch

from ..contract.nodewise import Mechanism, Task
from .network import Architecture, Network
from .objective import Objective, train_objectives
from .regressed import Diverged


class Optimised(Mechanism):
    """``x = f(u, pa)`` by one network; a subclass writes `objective`, and names in `saves` what it keeps beside it.

    `config` has the network's `hidden` widths, and `epochs`, `batch_size`, `lr` and `device` of its training. It is
    trained in single precision; a round trip deserves double, in which a `precise` mechanism answers.
    """

    dtype: ClassVar[torch.dtype] = torch.float64
    precise: ClassVar[bool] = True
    network: Network
    updates: int

    def __init__(self, config: Any):
        self.config = config

    @abstractmethod
    def objective(self, task: Task) -> Objective:
        """What the network minimises, its rows on the device of `config`; sets what is kept of the task."""

    def architecture(self) -> Architecture:
        """The network's shape."""
        return Architecture(self.config.hidden)

    def ready(self, task: Task) -> None:
        """What follows from the network, once it is there."""

    def fit(self, task: Task) -> Self:
        """Train this node's network."""
        vars(self).update(vars(self.fit_stack([task])[0]))
        return self

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Train the networks of all tasks at once; a result does not depend on its mates."""
        config, fitted = self.config, [copy.copy(self) for _ in tasks]
        objectives = [made.objective(task) for made, task in zip(fitted, tasks, strict=True)]
        networks = train_objectives(
            objectives,
            self.architecture(),
            epochs=config.epochs,
            batch_size=config.batch_size,
            lr=config.lr,
            device=config.device,
        )
        for made, objective, network, task in zip(fitted, objectives, networks, tasks, strict=True):
            made.updates = config.epochs * objective.batches(config.batch_size)
            made.network = network.to(torch.float64) if self.precise else network
            made.ready(task)
        return fitted

    def trained(self) -> Network:
        """The network. Raises `Diverged` where no epoch had a finite loss."""
        if not self.network.losses.isfinite().any():
            raise Diverged("training diverged in its first epoch: the loss on held-out rows is not finite; lower lr")
        return self.network

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of the network."""
        return {"parameters": self.network.size(), "gradient_steps": self.updates}
