"""Causal flow matching: a velocity a node, followed from noise to value and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from ..contract.nodewise import Mechanism, NodewiseModel
from ..training import Architecture
from ..training.regressed import Regressed
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


class Velocity(Regressed):
    """``x = decode(u, parents)``, ``u ~ N(0, I)``: the flow of a learned velocity, in standardised units."""

    anneal: ClassVar[bool] = True

    def __init__(self, config: MatchingConfig):
        self.recipe = self.config = config

    def architecture(self) -> Architecture:
        """A perceptron of these widths."""
        return Architecture(self.config.hidden)

    def regression(self, x: Tensor, parents: Tensor, seed: int) -> Matching:
        """The way from noise to a row."""
        return Matching(x, parents, seed)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of rows ``x (n, d)`` given ``parents (n, p)``: each step inverted. Raises `Diverged`."""
        z = self.scaler(x.to(self.scaler.mean))
        return self._flow().inverse(z, self.standardised(parents)).to(x)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``. Raises `Diverged`."""
        z = self._flow().forward(u.to(self.scaler.mean), self.standardised(parents))
        return self.scaler.undo(z).to(u)

    def _flow(self) -> Flow:
        self.check_training()
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

    device_mechanisms: ClassVar[int | None] = 528
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
