"""The law of a node's noise, which no parent moves: standard normal, a mixture, or a flow, learned with the map."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.gaussianization import ElementWiseTransform
from zuko.transforms import MonotonicRQSTransform

BASES = ("normal", "mixture", "flow")
PARTS, BINS = 5, 8


def _normal_log_prob(u: Tensor) -> Tensor:
    return -0.5 * (u.square() + math.log(2 * math.pi)).sum(-1)


class Base(nn.Module):
    """N(0, I) of d components."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def log_prob(self, u: Tensor) -> Tensor:
        """``log b(u)``, ``(n,)``, for ``u (n, d)``."""
        return _normal_log_prob(u)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``(n, d)``, float64."""
        return torch.randn(n, self.size, generator=generator, dtype=torch.float64)


class Mixture(Base):
    """``sum_k w_k N(m_k, diag(s_k^2))``, five parts, w by a softmax and log s learned; parts start apart on a grid."""

    def __init__(self, size: int):
        super().__init__(size)
        self.weight = nn.Parameter(torch.zeros(PARTS))
        self.mean = nn.Parameter(torch.linspace(-1.2, 1.2, PARTS)[:, None].repeat(1, size))
        self.log_scale = nn.Parameter(torch.full((PARTS, size), math.log(0.6)))

    def log_prob(self, u: Tensor) -> Tensor:
        """See `Base`."""
        parts = _normal_log_prob((u[:, None] - self.mean) * (-self.log_scale).exp()) - self.log_scale.sum(1)
        return torch.logsumexp(parts + self.weight.log_softmax(0), 1)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """See `Base`."""
        part = torch.multinomial(self.weight.softmax(0), n, replacement=True, generator=generator)
        return self.mean[part] + self.log_scale[part].exp() * super().draw(n, generator)


class Flow(Base):
    """``u = S^-1(e)``, e ~ N(0, I), S a triangular monotone rational-quadratic spline of 8 bins on [-5, 5]."""

    def __init__(self, size: int):
        super().__init__(size)
        kind = {"univariate": MonotonicRQSTransform, "shapes": [(BINS,), (BINS,), (BINS - 1,)]}
        if size > 1:
            self.spline = MaskedAutoregressiveTransform(size, hidden_features=(32, 32), activation=nn.SiLU, **kind)
        else:
            self.spline = ElementWiseTransform(size, **kind)
            for constant in self.spline.parameters():
                nn.init.zeros_(constant)

    def log_prob(self, u: Tensor) -> Tensor:
        """See `Base`."""
        e, slope = self.spline().call_and_ladj(u)
        return _normal_log_prob(e) + slope

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """See `Base`."""
        return self.spline().inv(super().draw(n, generator))


def made(kind: str, size: int) -> Base:
    """The base of this name, of `size` components."""
    return {"normal": Base, "mixture": Mixture, "flow": Flow}[kind](size)
