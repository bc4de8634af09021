"""CAREFL's original affine coupling flow: causes on one side, effects on the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from .flow import SLOPE


@dataclass(frozen=True)
class Net:
    """A perceptron ``(n, h) -> (n, h)`` with one hidden layer and a leaky ReLU."""

    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor

    @classmethod
    def draw(cls, size: int, width: int, generator: torch.Generator) -> Net:
        """First weights as `torch.nn.Linear` draws them: from U(-1/√fan_in, 1/√fan_in)."""

        def uniform(fan_in: int, *shape: int) -> Tensor:
            return torch.empty(shape).uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=generator)

        first, first_bias = uniform(size, size, width), uniform(size, width)
        return cls(first, first_bias, uniform(width, width, size), uniform(width, size))

    def __call__(self, x: Tensor) -> Tensor:
        """The perceptron's values."""
        return leaky_relu(x @ self.first + self.first_bias, SLOPE) @ self.second + self.second_bias

    def tensors(self) -> list[Tensor]:
        """All weights."""
        return [self.first, self.first_bias, self.second, self.second_bias]


@dataclass(frozen=True)
class Coupling:
    """A layer on causes a and effects b, ``(n, h)`` each: z_a = e^s0 a + t0, z_b = e^s(a) b + t(a).

    Without `scale` s is 0, without the base terms s0 and t0 are. In the published implementation the shift is t0 = s0
    (`tied`), its own parameter being never used.
    """

    shift: Net
    scale: Net | None
    base_scale: Tensor | None
    base_shift: Tensor | None
    tied: bool

    @classmethod
    def draw(
        cls, size: int, width: int, *, scale: bool, base: bool, tied: bool, generator: torch.Generator
    ) -> Coupling:
        """First weights: the base terms from N(0, 1), then the networks."""
        s0, t0 = (torch.randn(size, generator=generator) if base else None for _ in range(2))
        s = Net.draw(size, width, generator) if scale else None
        return cls(Net.draw(size, width, generator), s, s0, None if tied else t0, tied)

    def tensors(self) -> list[Tensor]:
        """All that is trained."""
        nets = [t for net in (self.scale, self.shift) if net for t in net.tensors()]
        return [t for t in (self.base_scale, self.base_shift) if t is not None] + nets

    def base(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """s0 and t0, as wide as `a`."""
        zero = torch.zeros_like(a)
        scale = zero if self.base_scale is None else self.base_scale.to(a).expand_as(a)
        if self.tied:
            return scale, scale
        return scale, zero if self.base_shift is None else self.base_shift.to(a).expand_as(a)

    def conditional(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """s(a) and t(a)."""
        return self.scale(a) if self.scale else torch.zeros_like(a), self.shift(a)


@dataclass(frozen=True)
class CouplingFlow:
    """Coupling layers with the same halves in every layer. Tensors are ``(n, d)``, causes first.

    "Causal Autoregressive Flows", Khemakhem, Monti, Leech, Hyvärinen, AISTATS 2021.
    """

    layers: tuple[Coupling, ...]

    def tensors(self) -> list[Tensor]:
        """All that is trained."""
        return [t for layer in self.layers for t in layer.tensors()]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Latents of ``x (n, d)``, and log |det dz/dx| ``(n,)``."""
        a, b = x.chunk(2, 1)
        log_det = torch.zeros_like(x[:, 0])
        for layer in self.layers:
            (s0, t0), (s, t) = layer.base(a), layer.conditional(a)
            a, b = s0.exp() * a + t0, s.exp() * b + t
            log_det = log_det + s0.sum(1) + s.sum(1)
        return torch.cat([a, b], 1), log_det

    def inverse(self, z: Tensor, causes: Tensor | None = None) -> Tensor:
        """Rows ``(n, d)`` of latents ``z (n, d)``; `causes` that are given replace the inverted ones."""
        a, b = z.chunk(2, 1)
        if causes is None:
            for layer in reversed(self.layers):
                s0, t0 = layer.base(a)
                a = (a - t0) * (-s0).exp()
            causes = a
        inputs = [causes]
        for layer in self.layers[:-1]:
            s0, t0 = layer.base(inputs[-1])
            inputs.append(s0.exp() * inputs[-1] + t0)
        for layer, a in zip(reversed(self.layers), reversed(inputs), strict=True):
            s, t = layer.conditional(a)
            b = (b - t) * (-s).exp()
        return torch.cat([causes, b], 1)
