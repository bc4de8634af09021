"""Small multilayer perceptrons as plain tensors: their shape, their first weights and their forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"silu": functional.silu, "mish": functional.mish}


@dataclass(frozen=True)
class Architecture:
    """Widths of the hidden layers, and an optional branch through which the last columns of the input pass first.

    The trunk reads `[inputs without the last `features` columns, branch(the last `features` columns)]`. A branch of
    `(16, 128, 64)` is a perceptron 16 -> 128 -> 64 with one Mish in between, as DCM's positional time embedding has it;
    without a branch all columns go straight into the trunk. The trunk's activation is SiLU.
    """

    hidden: tuple[int, ...] = (64, 128)
    branch: tuple[int, ...] = ()

    def trunk_sizes(self, inputs: int, outputs: int) -> tuple[int, ...]:
        """Layer sizes of the trunk, for a network that reads `inputs` columns and predicts `outputs`."""
        if self.branch:
            inputs += self.branch[-1] - self.branch[0]
        return (inputs, *self.hidden, outputs)


@dataclass(frozen=True)
class Perceptron:
    """Affine maps with one activation between them: weights `(in, out)`, biases `(out,)`."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: str = "silu"

    def __call__(self, x: Tensor) -> Tensor:
        """Rows of inputs `(n, in)` to rows of outputs `(n, out)`."""
        return self.from_first(torch.addmm(self.biases[0], x, self.weights[0]))

    def from_first(self, z: Tensor) -> Tensor:
        """The rest of the forward pass, from the first layer's value before its activation `(n, hidden)`."""
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            z = torch.addmm(bias, ACTIVATIONS[self.activation](z), weight)
        return z

    def tensors(self) -> tuple[Tensor, ...]:
        """All that is trained: the weights, then the biases."""
        return (*self.weights, *self.biases)

    def of(self, tensors: Sequence[Tensor]) -> Perceptron:
        """The same perceptron with other `tensors`."""
        layers = len(self.weights)
        return Perceptron(tuple(tensors[:layers]), tuple(tensors[layers:]), self.activation)

    def size(self) -> int:
        """Number of trained scalars."""
        return sum(tensor.numel() for tensor in self.tensors())

    def to(self, where: torch.device | torch.dtype | str) -> Perceptron:
        """The same perceptron on another device, or of another type."""
        weights = tuple(weight.to(where) for weight in self.weights)
        return Perceptron(weights, tuple(bias.to(where) for bias in self.biases), self.activation)


@dataclass(frozen=True)
class Network:
    """A trunk, the branch before it if the architecture has one, and the mean squared error of every epoch so far."""

    trunk: Perceptron
    branch: Perceptron | None = None
    losses: Tensor = field(default_factory=lambda: torch.empty(0))

    def __call__(self, inputs: Tensor) -> Tensor:
        """Rows of inputs `(n, in)` to rows of outputs `(n, out)`."""
        if self.branch is None:
            return self.trunk(inputs)
        width = self.branch.weights[0].shape[0]
        return self.trunk(torch.cat([inputs[:, :-width], self.branch(inputs[:, -width:])], dim=1))

    def size(self) -> int:
        """Number of trained scalars."""
        return self.trunk.size() + (self.branch.size() if self.branch else 0)

    def to(self, where: torch.device | torch.dtype | str) -> Network:
        """The same network on another device, or of another type."""
        return Network(self.trunk.to(where), self.branch.to(where) if self.branch else None, self.losses)


def draw_perceptron(sizes: tuple[int, ...], activation: str, generator: torch.Generator) -> Perceptron:
    """First weights as `torch.nn.Linear` draws them: all of a layer from U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    weights, biases = [], []
    for fan_in, fan_out in pairwise(sizes):
        bound = fan_in**-0.5
        weight = torch.empty(fan_out, fan_in, device=generator.device).uniform_(-bound, bound, generator=generator)
        bias = torch.empty(fan_out, device=generator.device).uniform_(-bound, bound, generator=generator)
        weights.append(weight.T.contiguous())
        biases.append(bias)
    return Perceptron(tuple(weights), tuple(biases), activation)


def draw_network(architecture: Architecture, inputs: int, outputs: int, generator: torch.Generator) -> Network:
    """An untrained network: first the branch's weights are drawn, if there is one, then the trunk's."""
    branch = draw_perceptron(architecture.branch, "mish", generator) if architecture.branch else None
    return Network(draw_perceptron(architecture.trunk_sizes(inputs, outputs), "silu", generator), branch)
