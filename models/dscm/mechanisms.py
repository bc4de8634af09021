"""The two kinds of deep mechanism: a conditional flow of the noise, and a conditional variational autoencoder."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyro.distributions as dist
import torch
from pyro.distributions.conditional import ConditionalTransformModule
from pyro.distributions.transforms import AffineTransform, ConditionalSpline
from pyro.nn import DenseNN
from torch import Tensor, nn
from torch.distributions import constraints

BINS, BOUND = 8, 3.0
LOG_SCALE_LIMIT = math.log(1e3)


class ConditionalAffine(ConditionalTransformModule):
    """``x = loc(c) + scale(c) * u`` elementwise, given the context c; the scale stays within (1/1000, 1000)."""

    domain = constraints.real
    codomain = constraints.real
    bijective = True

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def condition(self, context: Tensor) -> AffineTransform:
        """The transform at ``context (n, c)``."""
        loc, a = self.network(context)
        return AffineTransform(loc, (a / (1 + a.abs() / LOG_SCALE_LIMIT)).exp())


class Explicit(nn.Module):
    """``x = f(u; pa)``, invertible in u ~ N(0, 1): a conditional spline of the noise, then a conditional affine map.

    The "invertible, explicit" mechanism of Pawlowski, Coelho de Castro, Glocker, 2020. `affine` leaves the spline out;
    it is linear-rational with 8 bins on [-3, 3], the identity outside (Dolatabadi, Erfani, Leckie, "Invertible
    generative modeling using linear rational splines", 2020).
    """

    def __init__(self, width: int, context: int, *, transform: str, hidden: Sequence[int]):
        super().__init__()
        affine = ConditionalAffine(_network(context, hidden, [width, width]))
        spline = ConditionalSpline(
            _network(context, hidden, [width * k for k in (BINS, BINS, BINS - 1, BINS)]), width, BINS, bound=BOUND
        )
        self.transforms = nn.ModuleList([spline, affine] if transform == "spline" else [affine])
        self.width = width

    def likelihood(self, context: Tensor) -> dist.TorchDistribution:
        """p(x | pa), event ``(width,)``, with the noise u as its base."""
        base = _standard_normal(context, self.width)
        return dist.ConditionalTransformedDistribution(base, list(self.transforms)).condition(context)


class Amortised(nn.Module):
    """``x = mu(z; pa) + sigma(z; pa) * u`` with z, u ~ N(0, I): exact in u given z, and q(z | x, pa) learned with it.

    The "amortised, explicit" mechanism of Pawlowski, Coelho de Castro, Glocker, 2020.
    """

    def __init__(self, width: int, context: int, *, latent: int, hidden: Sequence[int]):
        super().__init__()
        self.decoder = ConditionalAffine(_network(latent + context, hidden, [width, width]))
        self.encoder = ConditionalAffine(_network(width + context, hidden, [latent, latent]))
        self.width, self.latent = width, latent

    def likelihood(self, context: Tensor, z: Tensor) -> dist.TorchDistribution:
        """p(x | z, pa), event ``(width,)``, with the noise u as its base."""
        base = _standard_normal(context, self.width)
        return dist.TransformedDistribution(base, [self.decoder.condition(torch.cat([z, context], -1))])

    def prior(self, context: Tensor) -> dist.TorchDistribution:
        """p(z) = N(0, I), event ``(latent,)``."""
        return _standard_normal(context, self.latent)

    def posterior(self, x: Tensor, context: Tensor) -> dist.TorchDistribution:
        """q(z | x, pa), a normal with diagonal covariance, event ``(latent,)``."""
        to_posterior = self.encoder.condition(torch.cat([x, context], -1))
        return dist.Normal(to_posterior.loc, to_posterior.scale).to_event(1)


def _network(inputs: int, hidden: Sequence[int], outputs: list[int]) -> DenseNN:
    return DenseNN(inputs, list(hidden), outputs, nonlinearity=nn.SiLU())


def _standard_normal(context: Tensor, width: int) -> dist.TorchDistribution:
    zero = context.new_zeros(len(context), width)
    return dist.Normal(zero, torch.ones_like(zero)).to_event(1)
