"""Laws on the line by a rising transformation to a logistic variable: Bernstein polynomials, and cut points."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, log
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

SPAN = 3.0
"""Of untrained coefficients, from -3 to 3: the logistic law's 5 % and 95 % points."""

LEAST = 1e-4
"""By how much a coefficient rises at least."""

HALVINGS = 60
"""Of the unit interval, until a polynomial is inverted to float64."""


def rising(raw: Tensor) -> Tensor:
    """Coefficients that rise along the last dimension, of any numbers ``(*, m)``: the first, then softplus steps.

    Of zeros they go from -`SPAN` to `SPAN` in even steps.
    """
    even = log(torch.expm1(torch.tensor(2 * SPAN / max(1, raw.shape[-1] - 1))).item())
    return torch.cat([raw[..., :1] - SPAN, softplus(raw[..., 1:] + even) + LEAST], -1).cumsum(-1)


class Law(Protocol):
    """The law of a scalar y whose coefficients are `size` numbers."""

    @property
    def size(self) -> int:
        """How many coefficients it has."""
        ...

    def log_prob(self, coefficients: Tensor, y: Tensor) -> Tensor:
        """The logarithm of density or probability of ``y (*,)`` for ``coefficients (*, size)``."""
        ...


@dataclass(frozen=True)
class Bernstein:
    """``P(y <= t) = σ(h(t))`` with ``h(t) = Σ_m c_m B_m(t)`` on [0, 1], going on as a line beyond.

    ``B_m(t) = C(M, m) t^m (1 - t)^(M - m)``, M the `degree`; h rises where its coefficients do (Hothorn, Möst,
    Bühlmann, "Most likely transformations", 2018).
    """

    degree: int

    @property
    def size(self) -> int:
        """Of the polynomial's coefficients."""
        return self.degree + 1

    def h(self, c: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """``h(t)`` and ``h'(t)`` of ``t (*,)`` for ``c (*, size)``."""
        inside = t.clamp(0, 1)
        slope = self.degree * (c.diff(dim=-1) * _basis(self.degree - 1, inside)).sum(-1)
        return (c * _basis(self.degree, inside)).sum(-1) + slope * (t - inside), slope

    def inverse(self, c: Tensor, u: Tensor) -> Tensor:
        """The t with ``h(t) = u``, ``(*,)``, by halving; exact on the lines beyond."""
        low, high = torch.zeros_like(u), torch.ones_like(u)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = self.h(c, middle)[0] > u
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        first, last = c[..., 0], c[..., -1]
        left = (u - first) / (self.degree * (c[..., 1] - first))
        right = 1 + (u - last) / (self.degree * (last - c[..., -2]))
        return torch.where(u < first, left, torch.where(u > last, right, (low + high) / 2))

    def log_prob(self, coefficients: Tensor, y: Tensor) -> Tensor:
        """``log f(h(y)) + log h'(y)``, f the logistic density."""
        h, slope = self.h(coefficients, y)
        return logsigmoid(h) + logsigmoid(-h) + slope.log()


@dataclass(frozen=True)
class Cuts:
    """``P(y <= k) = σ(c_k)`` for y in 0..count: an ordinal regression; with a single cut a logistic one.

    McCullagh, "Regression models for ordinal data", 1980.
    """

    count: int

    @property
    def size(self) -> int:
        """Of the cuts."""
        return self.count

    def interval(self, c: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The noises ``(low, high]`` that give ``y (*,)``, for ``c (*, size)``."""
        end = torch.full_like(c[..., :1], torch.inf)
        edges, k = torch.cat([-end, c, end], -1), y.long().clamp(0, self.count)[..., None]
        return edges.gather(-1, k)[..., 0], edges.gather(-1, k + 1)[..., 0]

    def value(self, c: Tensor, u: Tensor) -> Tensor:
        """The y ``(*,)`` of noise ``u (*,)``."""
        return (u[..., None] > c).sum(-1)

    def log_prob(self, coefficients: Tensor, y: Tensor) -> Tensor:
        """``log(σ(high) - σ(low))``, of (low, high] the interval of y."""
        low, high = self.interval(coefficients, y)
        # σ(b) - σ(a) = σ(b) σ(-a) (1 - e^(a - b)), which loses no digit in the tails.
        inner = torch.where(low.isfinite() & high.isfinite(), low - high, -1e3)
        return logsigmoid(high.nan_to_num(posinf=1e3)) + logsigmoid(-low.nan_to_num(neginf=-1e3)) + _log1mexp(inner)

    def noise(self, c: Tensor, y: Tensor, chance: Tensor) -> Tensor:
        """The noise ``(*,)`` of y at the share `chance` of its interval's probability, in the interval."""
        low, high = self.interval(c, y)
        upper = low > 0  # in the upper tail by the other end, where digits are left
        a, b = torch.where(upper, -high, low), torch.where(upper, -low, high)
        share = torch.where(upper, 1 - chance, chance)
        u = torch.logit(a.sigmoid() + share * (b.sigmoid() - a.sigmoid()))
        u = torch.where(upper, -u, u)
        above = torch.nextafter(low, torch.full_like(low, torch.inf)).nan_to_num(neginf=torch.finfo(u.dtype).min)
        return torch.minimum(torch.maximum(u, above), high)


def _basis(degree: int, t: Tensor) -> Tensor:
    """The Bernstein polynomials of ``t (*,)``, ``(*, degree + 1)``."""
    m = torch.arange(degree + 1, device=t.device)
    ways = torch.tensor([comb(degree, k) for k in range(degree + 1)], dtype=t.dtype, device=t.device)
    return ways * t[..., None] ** m * (1 - t[..., None]) ** (degree - m)


def _log1mexp(x: Tensor) -> Tensor:
    """``log(1 - e^x)`` for x < 0."""
    return (-torch.expm1(x)).log()
