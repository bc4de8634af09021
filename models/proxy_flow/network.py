"""The networks: a perceptron for every column, side by side, and one that infers the hidden causes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

LEAST, MOST = -5.0, 1.0
"""Between these lies the logarithm of the inferred standard deviation of a hidden cause, whose prior has 0."""


class Conditioners(nn.Module):
    """``h_j(inputs[..., seen[j]])`` for each of m columns: a line, and a perceptron with SiLU units beside it.

    Columns see different numbers of inputs: all are padded to the most by an input that is 0, which is the last one.
    The last layer begins at 0, and with it every h.
    """

    seen: Tensor

    def __init__(self, seen: Sequence[Sequence[int]], zero: int, hidden: Sequence[int], size: int):
        super().__init__()
        most = max((len(own) for own in seen), default=0)
        padded = [[*own, *[zero] * (most - len(own))] for own in seen]
        self.register_buffer("seen", torch.tensor(padded, dtype=torch.long).reshape(len(seen), most))
        widths = [most, *hidden, size]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for i, (a, b) in enumerate(pairwise(widths)):
            bound = 0.0 if i == len(hidden) else max(1, a) ** -0.5
            self.weights.append(torch.empty(len(seen), a, b).uniform_(-bound, bound))
            self.biases.append(torch.empty(len(seen), 1, b).uniform_(-bound, bound))
        self.line = nn.Parameter(torch.zeros(len(seen), most, size))

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, m, size)`` of ``inputs (n, D)``, the last of them 0."""
        own = inputs[:, self.seen].transpose(0, 1)  # (m, n, most)
        x = own
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, silu(x) if i else x, weight)
        return torch.baddbmm(x, own, self.line).transpose(0, 1)


class Encoder(nn.Module):
    """``q(z | x) = N(mean, std²)`` of the causes of one component, given the columns `seen`."""

    seen: Tensor

    def __init__(self, seen: Sequence[int], hidden: Sequence[int], causes: int):
        super().__init__()
        self.register_buffer("seen", torch.tensor(seen, dtype=torch.long))
        self.net = Conditioners([list(range(len(seen)))], len(seen), hidden, 2 * causes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation, ``(n, causes)`` each, of rows ``x (n, D)``."""
        mean, log_std = self.net(x[:, self.seen])[:, 0].chunk(2, 1)
        return mean, log_std.clamp(LEAST, MOST)
