"""CAREFL's autoregressive spline flow: layers of splines whose numbers come from the dimensions before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from .spline import PARAMETERS, Spline

HIDDEN, SLOPE = 10, 0.2
"""Width of a conditioner's hidden layer, and the slope of its leaky ReLU below 0."""


@dataclass(frozen=True)
class Flow:
    """A flow z = T(x): layer after layer, all in the same order of dimensions, so that T is one autoregressive map.

    In a layer, dimension i passes through a spline whose 14 numbers come from a perceptron on dimensions 0 to i - 1,
    with 10 hidden features. Dimension 0 has nothing to read: its numbers are its bias, its other weights are and stay
    0. Tensors are ``(d, n)``, rows last.

    "Causal Autoregressive Flows", Khemakhem, Monti, Leech, Hyvärinen, AISTATS 2021, with the layers of "Neural Spline
    Flows", Durkan, Bekasov, Murray, Papamakarios, NeurIPS 2019.
    """

    first: Tensor
    """``(layers, d, 10, d)``, zero where a dimension may not look"""
    first_bias: Tensor
    """``(layers, d, 10)``"""
    second: Tensor
    """``(layers, d, 14, 10)``"""
    second_bias: Tensor
    """``(layers, d, 14)``"""
    doubled: bool
    """Which splines; see `Spline.of`."""

    @classmethod
    def draw(cls, d: int, layers: int, doubled: bool, generator: torch.Generator) -> Flow:
        """First weights from U(-1/√fan_in, 1/√fan_in), as `torch.nn.Linear` has them; dimension 0 from U(-1/2, 1/2)."""
        first, first_bias = torch.zeros(layers, d, HIDDEN, d), torch.zeros(layers, d, HIDDEN)
        second, second_bias = torch.zeros(layers, d, PARAMETERS, HIDDEN), torch.zeros(layers, d, PARAMETERS)
        for k in range(layers):
            second_bias[k, 0].uniform_(-0.5, 0.5, generator=generator)
            for i in range(1, d):
                reads = (
                    (i, first[k, i, :, :i]),
                    (i, first_bias[k, i]),
                    (HIDDEN, second[k, i]),
                    (HIDDEN, second_bias[k, i]),
                )
                for fan_in, weights in reads:
                    weights.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=generator)
        return cls(first, first_bias, second, second_bias, doubled)

    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """All weights."""
        return self.first, self.first_bias, self.second, self.second_bias

    def with_tensors(self, tensors: Sequence[Tensor]) -> Flow:
        """A flow of the same kind with other weights, in the order of `tensors`."""
        first, first_bias, second, second_bias = tensors
        return Flow(first, first_bias, second, second_bias, self.doubled)

    def double(self) -> Flow:
        """The same flow in float64."""
        return self.with_tensors([t.double() for t in self.tensors()])

    def size(self) -> int:
        """Number of trained scalars."""
        layers, d = self.first.shape[:2]
        return layers * (PARAMETERS + sum(HIDDEN * i + HIDDEN + PARAMETERS * (HIDDEN + 1) for i in range(1, d)))

    def spline(self, layer: int, i: int, x: Tensor) -> Spline:
        """The n splines of dimension `i`, given the layer's input ``x (d, n)``, of which it reads i rows."""
        hidden = leaky_relu(self.first[layer, i, :, :i] @ x[:i] + self.first_bias[layer, i, :, None], SLOPE)
        return Spline.of(self.second[layer, i] @ hidden + self.second_bias[layer, i, :, None], self.doubled)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Latents ``(d, n)`` of ``x (d, n)``, and log |det dz/dx| ``(n,)``."""
        d, n = x.shape
        log_det, before = torch.zeros_like(x[0]), x.new_ones(d, d).tril(-1)[:, None]
        for first, first_bias, second, second_bias in zip(*self.tensors(), strict=True):
            # What may not be read is 0 already; the mask keeps gradients from it.
            hidden = leaky_relu((first * before).flatten(0, 1) @ x + first_bias.view(-1, 1), SLOPE)
            raw = torch.baddbmm(second_bias[..., None], second, hidden.view(d, HIDDEN, n))
            y, log_slope = Spline.of(raw.transpose(0, 1).flatten(1), self.doubled).forward(x.flatten())
            x, log_det = y.view(d, n), log_det + log_slope.view(d, n).sum(0)
        return x, log_det

    def inverse(self, z: Tensor, forced: Mapping[int, Tensor] | None = None) -> Tensor:
        """Values ``(d, n)`` of latents ``z (d, n)``, dimension by dimension through all layers.

        A dimension in `forced` takes the value ``(n,)`` given there when its turn comes, whatever its latent.
        """
        layers = range(len(self.first))
        inputs = [torch.empty_like(z) for _ in layers]
        for i in range(len(z)):
            if forced and i in forced:
                value = forced[i]
                for layer in layers:
                    inputs[layer][i] = value
                    value, _ = self.spline(layer, i, inputs[layer]).forward(value)
            else:
                value = z[i]
                for layer in reversed(layers):
                    value = inputs[layer][i] = self.spline(layer, i, inputs[layer]).inverse(value)
        return inputs[0]
