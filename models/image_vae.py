"""A deep structural causal model of images: a conditional variational autoencoder with an exact residual."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .contract.base import Unsupported
from .images.context import Slot
from .images.ddim import in_chunks
from .images.mechanism import ROWS, ImageMechanism
from .images.model import ImageModel
from .images.options import chosen, number, whole
from .images.trainer import Recipe

SIGMA = 0.05
"""Standard deviation of a pixel, in [-1, 1], before training."""


@dataclass(frozen=True)
class Query:
    """How a fitted autoencoder is asked: whether the residual is added to what it decodes."""

    residual: bool


class Autoencoder(nn.Module):
    """q(z | x, pa) and the mean of p(x | z, pa): two strided convolutions down, a dense layer, and the way back."""

    def __init__(self, shape: Sequence[int], context: int, *, width: int, hidden: int, latent: int):
        super().__init__()
        c, h, w = shape
        self.small = (width, h // 4, w // 4)
        flat = math.prod(self.small)
        self.down = nn.Sequential(
            nn.Conv2d(c, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, width, 4, 2, 1), nn.SiLU(), nn.Flatten()
        )
        self.posterior = nn.Sequential(nn.Linear(flat + context, hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent))
        self.dense = nn.Sequential(nn.Linear(latent + context, hidden), nn.SiLU(), nn.Linear(hidden, flat), nn.SiLU())
        self.up = nn.Sequential(
            nn.ConvTranspose2d(width, width, 4, 2, 1), nn.SiLU(), nn.ConvTranspose2d(width, c, 4, 2, 1)
        )
        self.log_sigma = nn.Parameter(torch.tensor(math.log(SIGMA)))

    def encode(self, x: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance ``(n, latent)`` of q(z | x, pa)."""
        mean, log_variance = self.posterior(torch.cat([self.down(x), code], 1)).chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)

    def decode(self, z: Tensor, code: Tensor) -> Tensor:
        """The mean ``(n, c, h, w)`` of p(x | z, pa)."""
        return self.up(self.dense(torch.cat([z, code], 1)).reshape(-1, *self.small))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Reconstructions ``(n, c, h, w)``."""
        return self.decode(self.encode(x, code)[0], code)


class ConditionalVAE(ImageMechanism):
    """``x = g(z, pa) + r``: the noise is (z, r), z the posterior's mean and r what its reconstruction leaves over."""

    def __init__(self, sizes: Mapping[str, int], beta: float, shape, slots, recipe: Recipe, query: Query, device: str):
        super().__init__(shape, slots, recipe, query, device)
        self.sizes, self.beta = dict(sizes), beta

    def build(self) -> nn.Module:
        """The autoencoder."""
        return Autoencoder(self.shape, self.context.width, **self.sizes)

    def loss(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """Mean over rows and pixels of ``-log N(x; g(z, pa), sigma^2) + beta KL(q(z | x, pa) || N(0, I))``."""
        assert isinstance(network, Autoencoder)
        mean, log_variance = network.encode(x, code)
        z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=stream).to(x)
        error = (x - network.decode(z, code)).square().mean()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
        log_sigma = network.log_sigma.clamp(min=-6)
        return error / (2 * (2 * log_sigma).exp()) + log_sigma + self.beta * divergence / x[0].numel()

    def ask(self, x: Tensor, code: Tensor) -> Tensor:
        """One pass: there and back."""
        return self.network(x, code)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, latent + d)``: z, then the residual in units of pixels in [0, 1]."""

        def run(x: Tensor, code: Tensor) -> Tensor:
            z, _ = self._network.encode(x, code)
            return torch.cat([z, (x - self._network.decode(z, code)).flatten(1) / 2], 1)

        return in_chunks(run, ROWS, self.pixels(x), self.context(parents), device=self.device)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The image ``(n, d)``: decoded, and the residual added to it if asked."""
        latent, residual = self.sizes["latent"], self.query.residual

        def run(u: Tensor, code: Tensor) -> Tensor:
            x = self.flat(self._network.decode(u[:, :latent], code))
            return x + u[:, latent:] if residual else x

        return in_chunks(run, ROWS, u, self.context(parents), device=self.device)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """z ~ N(0, I) and pixel noise of the learned standard deviation, ``(n, latent + d)``."""
        z = torch.randn(n, self.sizes["latent"], generator=generator)
        sigma = float(self._network.log_sigma.exp()) / 2
        return torch.cat([z, sigma * self.draws(n, generator)], 1)

    @property
    def _network(self) -> Autoencoder:
        assert isinstance(self.network, Autoencoder)
        return self.network


class ImageVAE(ImageModel):
    """A conditional variational autoencoder a image, with its residual: the deep structural causal model for images.

    "Deep Structural Causal Models for Tractable Counterfactual Inference", Pawlowski, Coelho de Castro, Glocker,
    NeurIPS 2020: the image is ``x = g(z, pa) + r``, where z (the posterior's mean here) is abducted approximately and
    r exactly, so that a counterfactual is ``g(z, pa*) + x - g(z, pa)`` and one without a change is the factual image.
    One standard deviation for all pixels is learned (Rybkin, Daniilidis, Levine, "Simple and Effective VAE Training
    with Calibrated Decoders", 2021). A posterior that is free to say all about an image can leave the parents unused:
    look at effectiveness, and raise `beta`.

    Options: `residual`, at query time, False for decoded images alone; of the fit `latent`, `width` (channels of the
    convolutions), `hidden`, `beta` (weight of the divergence), `steps`, `batch_size`, `lr`, `scalar_steps`, `device`.
    """

    version: ClassVar[int] = 1
    query_options: ClassVar[frozenset[str]] = frozenset({"residual"})
    conformance_options: ClassVar[Mapping[str, Any]] = {
        "steps": 10,
        "batch_size": 16,
        "width": 4,
        "hidden": 8,
        "latent": 3,
        "scalar_steps": 20,
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
        self.at_query(), self._recipe()

    def image(self, shape: Sequence[int], slots: Sequence[Slot]) -> ImageMechanism:
        """An autoencoder. Raises `Unsupported` for sides that cannot be halved twice."""
        if any(side % 4 for side in shape[1:]):
            raise Unsupported(f"image-vae halves images twice; {tuple(shape)} is not divisible by 4")
        sizes = {"width": self.width, "hidden": self.hidden, "latent": self.latent}
        return ConditionalVAE(sizes, self.beta, shape, slots, self._recipe(), self.at_query(), self.device)

    def at_query(self) -> Query:
        """The option of queries, checked."""
        return Query(chosen("residual", self.residual, (True, False)))

    def _recipe(self) -> Recipe:
        return Recipe(self.steps, self.batch_size, self.lr)
