"""Base distributions of the flows: one standard distribution a dimension."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn.functional import softplus


class Prior(ABC):
    """A standard distribution on the line."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density at each entry."""

    @abstractmethod
    def quantile(self, q: Tensor) -> Tensor:
        """Where the distribution function is `q`, between 0 and 1."""

    def sample(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draws in float64."""
        q = torch.rand(shape, generator=generator, dtype=torch.float64)
        return self.quantile(q.clamp_min(2.0**-54))


class Normal(Prior):
    """N(0, 1)."""

    def log_prob(self, z: Tensor) -> Tensor:
        """-z²/2 - log(2π)/2."""
        return -z.square() / 2 - torch.tensor(2 * torch.pi, dtype=z.dtype).log() / 2

    def quantile(self, q: Tensor) -> Tensor:
        """The normal quantile function."""
        return torch.special.ndtri(q)


class Logistic(Prior):
    """The standard logistic distribution, of variance π²/3."""

    def log_prob(self, z: Tensor) -> Tensor:
        """-z - 2 log(1 + exp(-z))."""
        return -z - 2 * softplus(-z)

    def quantile(self, q: Tensor) -> Tensor:
        """log q - log(1 - q)."""
        return torch.logit(q)


class Laplace(Prior):
    """The Laplace distribution with location 0 and scale 1."""

    def log_prob(self, z: Tensor) -> Tensor:
        """-|z| - log 2."""
        return -z.abs() - torch.tensor(2.0, dtype=z.dtype).log()

    def quantile(self, q: Tensor) -> Tensor:
        """log 2q below the median, -log(2 - 2q) above."""
        return torch.where(q < 0.5, (2 * q).log(), -(2 - 2 * q).log())


PRIORS: dict[str, Prior] = {"normal": Normal(), "logistic": Logistic(), "laplace": Laplace()}
"""By the name that the option `prior` takes."""
