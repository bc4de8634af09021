"""The mechanism of an image given its parents: what all image networks share, whatever they learn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import derive, seeded
from scmbench.datasets.values import ValuesError
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..contract.nodewise import Mechanism, Task
from .context import Context, Slot
from .trainer import Recipe, train
from .unet import size

ROWS = 250
"""Rows that a network is asked about at a time."""

LOWEST, HIGHEST = -0.5, 1.5
"""Pixels are about [0, 1]; noise may leave it a little, another scale does not stay within this."""


class ImageMechanism(Mechanism):
    """``x = f(u, pa)`` for an image: a subclass writes `build`, `loss`, `encode`, `decode` and `noise`.

    Images are ``(n, c h w)`` in about [0, 1] outside and ``(n, c, h, w)`` in about [-1, 1] for the network (`pixels`,
    `flat`); parents reach it as their code (`Context`).
    """

    from_origin: ClassVar[bool] = False  # labels are names, not distances
    saves = ("context", "weights", "loss_at_end")
    context: Context
    weights: dict[str, Tensor]
    loss_at_end: float
    network: nn.Module

    def __init__(self, shape: Sequence[int], slots: Sequence[Slot], recipe: Recipe, query: Any, device: str):
        self.shape, self.slots = tuple(shape), tuple(slots)
        self.recipe, self.query, self.device = recipe, query, device

    @abstractmethod
    def build(self) -> nn.Module:
        """A new network; `context` is known."""

    @abstractmethod
    def loss(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """The loss of a batch: images ``x (b, c, h, w)`` in [-1, 1] and their parents' code ``(b, k)``.

        Args:
            network: The network in training.
            x: The batch's images.
            code: The parents' code.
            stream: Where noise comes from, on the CPU.

        Returns:
            The mean over the batch.
        """

    def fit(self, task: Task) -> Self:
        """Train the network."""
        self.context = Context.of(self.slots, task.parents)
        self.network, self.loss_at_end = self.trained(self.build, self.loss, self.recipe, task)
        self.weights = on_cpu(self.network)
        return self

    def trained(
        self, build: Callable[[], nn.Module], loss: Callable[..., Tensor], recipe: Recipe, task: Task, *labels: str
    ) -> tuple[nn.Module, float]:
        """A network of `build` trained with `loss` on the task, and its loss at the end; `labels` name its streams."""
        x, code = self.pixels(task.x).to(self.device), self.context(task.parents).to(self.device)
        seed = derive(task.seed, *labels) if labels else task.seed
        with seeded(seed, "weights"):
            network = build().to(self.device)

        def of_rows(network: nn.Module, rows: Tensor, stream: torch.Generator) -> Tensor:
            rows = rows.to(self.device)
            return loss(network, x[rows], code[rows], stream)

        return train(network, of_rows, len(x), recipe, seed=derive(seed, "train"))

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, and the network that they make, on the device of the options."""
        super().restore(fields)
        self.network = self.restored(self.build, self.weights)
        return self

    def restored(self, build: Callable[[], nn.Module], weights: Mapping[str, Tensor]) -> nn.Module:
        """A network of `build` with these weights, ready to be asked."""
        with seeded(0, "weights"):
            network = build()
        network.load_state_dict(weights)
        return network.to(self.device).eval().requires_grad_(False)

    def at_query(self, query: Any) -> Self:
        """The same fit, asked another way."""
        other = type(self).__new__(type(self))
        vars(other).update(vars(self), query=query)
        return other

    def pixels(self, x: Tensor) -> Tensor:
        """``(n, c h w)`` in [0, 1] to ``(n, c, h, w)`` in [-1, 1]."""
        return 2 * x.reshape(len(x), *self.shape) - 1

    def flat(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` in [-1, 1] to ``(n, c h w)`` in [0, 1]."""
        return (x.flatten(1) + 1) / 2

    def draws(self, n: int, generator: torch.Generator) -> Tensor:
        """``(n, c h w)`` standard normal draws."""
        return torch.randn(n, torch.Size(self.shape).numel(), generator=generator)

    def cost(self) -> dict[str, int]:
        """Trained scalars, optimiser steps, and the network's floating-point operations for one image, in millions."""
        return {"parameters": size(self.network), "gradient_steps": self.recipe.steps, "mflop": self.mflop()}

    def mflop(self) -> int:
        """Millions of floating-point operations of one pass of the network over one image."""
        x, code = torch.zeros(1, *self.shape, device=self.device), self._no_code(1)
        with FlopCounterMode(display=False) as counter:
            self.ask(x, code)
        return round(counter.get_total_flops() / 1e6)

    def ask(self, x: Tensor, code: Tensor) -> Any:
        """One pass of the network over images and codes, at any time; what a pass costs is measured on it."""
        return self.network(x, torch.zeros(len(x), device=x.device), code)

    def _no_code(self, n: int) -> Tensor:
        return torch.zeros(n, self.context.width, device=self.device)


def check_pixels(node: str, x: Tensor) -> None:
    """Raises `ValuesError` that names the node, for images whose values are far outside of [0, 1]."""
    if not x.numel():
        return
    low, high = float(x.min()), float(x.max())
    if low < LOWEST or high > HIGHEST:
        raise ValuesError(
            f"{node!r} has pixels from {low:g} to {high:g}: images are expected in [0, 1]"
            + ("; divide by 255" if low >= 0 and 128 <= high <= 255 else "")
        )


def on_cpu(network: nn.Module) -> dict[str, Tensor]:
    """The network's weights by name, on the CPU."""
    return {name: x.detach().cpu() for name, x in network.state_dict().items()}
