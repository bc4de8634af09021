"""The mechanism of a scalar node beside images: a conditional spline flow of its noise, the same for all methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import derive, generator, seeded
from torch import Tensor, nn
from zuko.transforms import ComposedTransform, MonotonicAffineTransform, MonotonicRQSTransform

from ..contract.columns import Scaler
from ..contract.nodewise import Mechanism, Task
from ..contract.units import check_origin, origin
from .context import Context, Slot
from .trainer import Recipe, train
from .unet import size

BINS = 8
HIDDEN = 32


class ScalarFlow(Mechanism):
    """``u = spline(e^a x + b; pa)``, u ~ N(0, 1), monotone in x, so that abduction is exact: DSCM's scalar mechanism.

    "Deep Structural Causal Models for Tractable Counterfactual Inference", Pawlowski, Coelho de Castro, Glocker, 2020,
    the "invertible, explicit" mechanism. The spline is monotone, rational-quadratic, of 8 bins on [-5, 5] (Durkan,
    Bekasov, Murray, Papamakarios, "Neural spline flows", 2019). Maximum likelihood on z-scored rows. A node of whole
    numbers is dequantised: trained on itself plus U(-1/2, 1/2), abducted as it is.
    """

    from_origin: ClassVar[bool] = False  # labels are names, not distances
    saves = ("context", "origin", "scaler", "weights", "updates")
    context: Context
    origin: Tensor
    scaler: Scaler
    weights: dict[str, Tensor]
    updates: int

    dtype = torch.float64

    def __init__(self, slots: Sequence[Slot], *, steps: int, whole: bool = False):
        self.slots, self.steps, self.whole = tuple(slots), steps, whole

    def fit(self, task: Task) -> Self:
        """Train the flow."""
        self.origin = origin(task.x)
        x = task.x.double() - self.origin
        if self.whole:
            x = x + torch.rand(x.shape, generator=generator(task.seed, "dequantise"), dtype=x.dtype) - 0.5
        self.context, self.scaler = Context.of(self.slots, task.parents), Scaler.of(x, correction=0)
        z, code = self.scaler(x).float(), self.context(task.parents)
        with seeded(task.seed, "weights"):
            network = _network(self.context.width)

        def loss(network: nn.Module, rows: Tensor, stream: torch.Generator) -> Tensor:
            u, log_slope = _flow(network(code[rows])).call_and_ladj(z[rows, 0])
            return (u.square() / 2 - log_slope).mean()

        recipe = Recipe(self.steps, min(256, len(z)), 5e-3, average=0.99, weight_decay=0.0)
        network, _ = train(network, loss, len(z), recipe, seed=derive(task.seed, "train"))
        self.weights, self.updates = dict(network.state_dict()), self.steps
        self.network = network.double()  # trained in single precision; the round trip deserves double
        return self

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, and the network that they make."""
        super().restore(fields)
        check_origin(self.origin, 1, "origin")
        with seeded(0, "weights"):
            self.network = _network(self.context.width).eval().requires_grad_(False)
        self.network.load_state_dict(self.weights)
        self.network.double()
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, 1)``."""
        return self._at(parents)(self.scaler(x - self.origin)[:, 0])[:, None]

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The value ``(n, 1)``."""
        return self.scaler.undo(self._at(parents).inv(u[:, 0])[:, None]) + self.origin

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, 1)``."""
        return torch.randn(n, 1, generator=generator, dtype=torch.float64)

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps."""
        return {"parameters": size(self.network), "gradient_steps": self.updates}

    def _at(self, parents: Tensor) -> Any:
        return _flow(self.network(self.context(parents).double()))


def _network(context: int) -> nn.Module:
    """Context to the flow's parameters; the flow is the identity before training."""
    last = nn.Linear(HIDDEN, 2 + 3 * BINS - 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(context, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), last)


def _flow(parameters: Tensor) -> Any:
    shift, scale = parameters[:, :2].unbind(1)
    widths, heights, slopes = parameters[:, 2:].split([BINS, BINS, BINS - 1], 1)
    return ComposedTransform(MonotonicAffineTransform(shift, scale), MonotonicRQSTransform(widths, heights, slopes))
