"""An image as ``x = g(z, pa) + r``: variational autoencoders, whose residual makes abduction exact."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..contract.base import Unsupported
from .context import Slot
from .ddim import in_chunks
from .mechanism import ROWS, ImageMechanism
from .model import ImageModel
from .options import chosen
from .trainer import Recipe

SIGMA = 0.05
"""Standard deviation of a pixel, in [-1, 1], before training."""

LOG_VARIANCE = (-12.0, 4.0)
"""Bounds of a posterior's log-variance, so that no latent runs away."""


@dataclass(frozen=True)
class Query:
    """How a fitted autoencoder is asked: whether what it left over is added to what it decodes."""

    residual: bool


class Autoencoder(nn.Module):
    """A network with latents ``z (n, latents)``, q(z | x, pa) and p(x | z, pa) = N(decode(z, pa), sigma^2).

    A subclass sets `latents` and writes `posterior` and `decode`. The prior of z is N(0, I), whatever the parents. One
    sigma for all pixels is learned (Rybkin, Daniilidis, Levine, "Simple and Effective VAE Training with Calibrated
    Decoders", 2021).
    """

    latents: int

    def __init__(self):
        super().__init__()
        self.log_sigma = nn.Parameter(torch.tensor(math.log(SIGMA)))

    @abstractmethod
    def posterior(self, x: Tensor, code: Tensor, stream: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """``z (n, latents)`` and the divergence ``(n,)`` of its posterior from N(0, I).

        Args:
            x: Images ``(n, c, h, w)`` in [-1, 1].
            code: The parents' code ``(n, k)``.
            stream: Where z is drawn from; None takes the posterior's mean.

        Returns:
            z and the divergence.
        """

    @abstractmethod
    def decode(self, z: Tensor, code: Tensor) -> Tensor:
        """The mean ``(n, c, h, w)`` of p(x | z, pa)."""

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Reconstructions ``(n, c, h, w)``."""
        return self.decode(self.posterior(x, code, None)[0], code)


def drawn(parameters: Tensor, stream: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """z of mean and log-variance ``(n, 2 k, ...)``, drawn or the mean, and the divergence ``(n,)`` from N(0, I)."""
    mean, log_variance = parameters.chunk(2, 1)
    log_variance = log_variance.clamp(*LOG_VARIANCE)
    divergence = (mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).sum(1) / 2
    if stream is None:
        return mean, divergence
    return mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=stream).to(mean), divergence


class Autoencoding(ImageMechanism):
    """The noise of an image is (z, r): z the posterior's mean, r what its reconstruction leaves over."""

    network: Autoencoder

    def __init__(
        self,
        make: Callable[[Sequence[int], int], Autoencoder],
        beta: float,
        shape: Sequence[int],
        slots: Sequence[Slot],
        recipe: Recipe,
        query: Query,
        device: str,
    ):
        super().__init__(shape, slots, recipe, query, device)
        self.make, self.beta = make, beta

    def build(self) -> nn.Module:
        """The autoencoder, told the image's shape and the width of the parents' code."""
        return self.make(self.shape, self.context.width)

    def loss(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """Mean over rows and pixels of ``-log N(x; g(z, pa), sigma^2) + beta KL(q(z | x, pa) || N(0, I))``."""
        assert isinstance(network, Autoencoder)
        z, divergence = network.posterior(x, code, stream)
        error = (x - network.decode(z, code)).square().mean()
        log_sigma = network.log_sigma.clamp(min=-6)
        return error / (2 * (2 * log_sigma).exp()) + log_sigma + self.beta * divergence.mean() / x[0].numel()

    def ask(self, x: Tensor, code: Tensor) -> Tensor:
        """One pass: there and back."""
        return self.network(x, code)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, latents + d)``: z, then the residual in units of pixels in [0, 1]."""

        def run(x: Tensor, code: Tensor) -> Tensor:
            z, _ = self.network.posterior(x, code, None)
            return torch.cat([z, (x - self.network.decode(z, code)).flatten(1) / 2], 1)

        return in_chunks(run, ROWS, self.pixels(x), self.context(parents), device=self.device)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The image ``(n, d)``: decoded, and the residual added to it if asked."""
        latents, residual = self.network.latents, self.query.residual

        def run(u: Tensor, code: Tensor) -> Tensor:
            x = self.flat(self.network.decode(u[:, :latents], code))
            return x + u[:, latents:] if residual else x

        return in_chunks(run, ROWS, u, self.context(parents), device=self.device)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """z ~ N(0, I) and pixel noise of the learned standard deviation, ``(n, latents + d)``."""
        z = torch.randn(n, self.network.latents, generator=generator)
        return torch.cat([z, float(self.network.log_sigma.exp()) / 2 * self.draws(n, generator)], 1)


class AutoencoderModel(ImageModel):
    """An image model by an autoencoder that halves images twice; a subclass writes `network` and sets `beta`."""

    query_options: ClassVar[frozenset[str]] = frozenset({"residual"})
    residual: bool
    beta: float

    @abstractmethod
    def network(self) -> Callable[[Sequence[int], int], Autoencoder]:
        """What makes the autoencoder of an image's shape ``(c, h, w)`` and the width of its parents' code."""

    def image(self, shape: Sequence[int], slots: Sequence[Slot]) -> ImageMechanism:
        """An autoencoder. Raises `Unsupported` for sides that cannot be halved twice."""
        if any(side % 4 for side in shape[1:]):
            who = type(self).__name__
            raise Unsupported(f"{who} halves images twice; a side of {tuple(shape)} is not divisible by 4")
        return Autoencoding(self.network(), self.beta, shape, slots, self.recipe(), self.at_query(), self.device)

    def at_query(self) -> Query:
        """The option of queries, checked."""
        return Query(chosen("residual", self.residual, (True, False)))
