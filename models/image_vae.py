"""A deep structural causal model of images: a conditional variational autoencoder with an exact residual."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .images.autoencoding import Autoencoder, AutoencoderModel, drawn
from .images.options import number, whole


class Convolutional(Autoencoder):
    """Two strided convolutions down, a dense layer that sees the parents, and the way back."""

    def __init__(self, shape: Sequence[int], context: int, *, width: int, hidden: int, latent: int):
        super().__init__()
        c, h, w = shape
        self.latents, self.small = latent, (width, h // 4, w // 4)
        flat = math.prod(self.small)
        self.down = nn.Sequential(
            nn.Conv2d(c, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, width, 4, 2, 1), nn.SiLU(), nn.Flatten()
        )
        self.inner = nn.Sequential(nn.Linear(flat + context, hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent))
        self.outer = nn.Sequential(nn.Linear(latent + context, hidden), nn.SiLU(), nn.Linear(hidden, flat), nn.SiLU())
        self.up = nn.Sequential(
            nn.ConvTranspose2d(width, width, 4, 2, 1), nn.SiLU(), nn.ConvTranspose2d(width, c, 4, 2, 1)
        )

    def posterior(self, x: Tensor, code: Tensor, stream: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """z and its divergence."""
        return drawn(self.inner(torch.cat([self.down(x), code], 1)), stream)

    def decode(self, z: Tensor, code: Tensor) -> Tensor:
        """The mean image."""
        return self.up(self.outer(torch.cat([z, code], 1)).reshape(-1, *self.small))


class ImageVAE(AutoencoderModel):
    """A conditional variational autoencoder with its residual: the deep structural causal model for images.

    "Deep Structural Causal Models for Tractable Counterfactual Inference", Pawlowski, Coelho de Castro, Glocker,
    NeurIPS 2020: the image is ``x = g(z, pa) + r``, where z (the posterior's mean here) is abducted approximately and
    r exactly, so that a counterfactual is ``g(z, pa*) + x - g(z, pa)`` and one without a change is the factual image.
    A posterior that is free to say all about an image can leave the parents unused: look at effectiveness, and raise
    `beta`.

    Options: `residual`, at query time, False for decoded images alone; of the fit `latent`, `width` (channels of the
    convolutions), `hidden`, `beta` (weight of the divergence), `steps`, `batch_size`, `lr`, `scalar_steps`, `device`.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {
        "steps": 10,
        "batch_size": 16,
        "width": 4,
        "hidden": 8,
        "latent": 3,
        "scalar_steps": 5,
    }

    def __init__(
        self,
        residual: bool = True,
        latent: int = 16,
        width: int = 32,
        hidden: int = 256,
        beta: float = 1.0,
        steps: int = 4000,
        batch_size: int = 64,
        lr: float = 1e-3,
        scalar_steps: int = 1000,
        device: str = "cpu",
    ):
        self.residual, self.device = residual, device
        self.latent, self.width, self.hidden = whole("latent", latent), whole("width", width), whole("hidden", hidden)
        self.beta = number("beta", beta)
        self.steps, self.batch_size, self.lr = steps, batch_size, lr
        self.scalar_steps = whole("scalar_steps", scalar_steps)
        self.check()

    def network(self) -> Callable[[Sequence[int], int], Autoencoder]:
        """Convolutions, of this width."""
        return partial(Convolutional, width=self.width, hidden=self.hidden, latent=self.latent)
