"""Flow matching for images: a conditional velocity between noise and image, integrated both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .images.context import Slot
from .images.ddim import in_chunks
from .images.mechanism import ROWS, ImageMechanism
from .images.model import ImageModel
from .images.options import check_patch, preset, whole, widths
from .images.trainer import Recipe
from .images.unet import UNet

TIMES = 1000
"""What t = 1 is called for the network, whose embedding of time was made for whole numbers up to 1000."""

PRESETS = {
    "small": {"channels": 32, "multipliers": (1, 2), "patch": 2, "steps": 1400, "batch_size": 64, "lr": 2e-3},
    "large": {"channels": 64, "multipliers": (1, 2, 4), "patch": 1, "steps": 10_000, "batch_size": 256, "lr": 2e-4},
}
"""`small` trains in about seven CPU minutes on images of 28 x 28; `large` wants a GPU."""


@dataclass(frozen=True)
class Query:
    """How a fitted flow is asked: in how many steps of Heun's method."""

    levels: int


def integrate(
    x: Tensor, velocity: Callable[[Tensor, float], Tensor], steps: int, *, start: float, end: float
) -> Tensor:
    """``x`` taken from time `start` to `end` along dx/dt = velocity(x, t), by Heun's method: an error of steps^-2."""
    h = (end - start) / steps
    for k in range(steps):
        t = start + k * h
        first = velocity(x, t)
        second = velocity(x + h * first, t + h)
        x = x + h / 2 * (first + second)
    return x


class ImageVelocity(ImageMechanism):
    """``x`` at t = 1 of the flow that starts in ``u ~ N(0, I)`` at t = 0 and follows v(x, t, pa)."""

    def __init__(
        self,
        sizes: tuple[int, tuple[int, ...], int],
        shape: Sequence[int],
        slots: Sequence[Slot],
        recipe: Recipe,
        query: Query,
        device: str,
    ):
        super().__init__(shape, slots, recipe, query, device)
        self.channels, self.multipliers, self.patch = sizes

    def build(self) -> nn.Module:
        """The U-Net."""
        return UNet(self.shape[0], self.channels, self.multipliers, patch=self.patch, context=self.context.width)

    def loss(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """Mean of ``(x - e - v((1 - t) e + t x, t, pa))^2``, t ~ U(0, 1), e ~ N(0, I)."""
        t = torch.rand(len(x), generator=stream).to(x)
        e = torch.randn(x.shape, generator=stream).to(x)
        level = t[:, None, None, None]
        return (network((1 - level) * e + level * x, TIMES * t, code) - (x - e)).square().mean()

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, d)``: the image taken back from t = 1 to 0 under its own parents."""
        return in_chunks(
            lambda x, code: self._along(x, code, start=1.0, end=0.0).flatten(1),
            ROWS,
            self.pixels(x),
            self.context(parents),
            device=self.device,
        )

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The image ``(n, d)``: noise taken from t = 0 to 1 under the parents."""
        return in_chunks(
            lambda u, code: self.flat(self._along(u, code, start=0.0, end=1.0)),
            ROWS,
            u.reshape(len(u), *self.shape),
            self.context(parents),
            device=self.device,
        )

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return self.draws(n, generator)

    def _along(self, x: Tensor, code: Tensor, *, start: float, end: float) -> Tensor:
        def velocity(x: Tensor, t: float) -> Tensor:
            return self.network(x, torch.full((len(x),), TIMES * t, device=x.device), code)

        return integrate(x, velocity, self.query.levels, start=start, end=end)


class ImageFlow(ImageModel):
    """Conditional flow matching with a U-Net: an ordinary differential equation from noise to image, and back.

    "Flow Matching for Generative Modeling", Lipman, Chen, Ben-Hamu, Nickel, Le, ICLR 2023, with straight paths from
    noise to data: v(x_t, t, pa) is fitted to x - e at x_t = (1 - t) e + t x. An image is abducted under its own parents
    and decoded under the counterfactual ones; both are exact up to the solver's error, of second order.

    Options: `solver_steps`, at query time, two passes of the network each; of the fit `preset` (`small` for two cores,
    `large`), which chooses what is not named of `channels`, `multipliers`, `patch`, `steps`, `batch_size` and `lr`;
    `scalar_steps`, `device`.
    """

    version: ClassVar[int] = 1
    query_options: ClassVar[frozenset[str]] = frozenset({"solver_steps"})
    conformance_options: ClassVar[Mapping[str, Any]] = {
        "steps": 2,
        "batch_size": 16,
        "solver_steps": 1,
        "channels": 4,
        "multipliers": (1,),
        "scalar_steps": 5,
    }

    def __init__(
        self,
        preset: str = "small",
        solver_steps: int = 20,
        channels: int | None = None,
        multipliers: tuple[int, ...] | None = None,
        patch: int | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        scalar_steps: int = 1000,
        device: str = "cpu",
    ):
        named = {"channels": channels, "multipliers": multipliers, "patch": patch}
        full = _resolved(preset, **named, steps=steps, batch_size=batch_size, lr=lr)
        self.preset, self.solver_steps, self.device = preset, solver_steps, device
        self.channels, self.multipliers = widths(full["channels"], full["multipliers"])
        self.patch = whole("patch", full["patch"])
        self.steps, self.batch_size, self.lr = full["steps"], full["batch_size"], full["lr"]
        self.scalar_steps = whole("scalar_steps", scalar_steps)
        self.check()

    def image(self, shape: Sequence[int], slots: Sequence[Slot]) -> ImageMechanism:
        """A flow. Raises `Unsupported` for sides that `patch` does not divide."""
        check_patch("image-flow", shape, self.patch)
        sizes = (self.channels, self.multipliers, self.patch)
        return ImageVelocity(sizes, shape, slots, self.recipe(), self.at_query(), self.device)

    def at_query(self) -> Query:
        """The option of queries, checked."""
        return Query(whole("solver_steps", self.solver_steps))


def _resolved(name: str, **named: Any) -> dict[str, Any]:
    return preset(PRESETS, name, **named)
