"""The flow of one scalar given its parents, layer on layer, and the likelihood by which it is learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from zuko.transforms import ComposedTransform, MonotonicAffineTransform, MonotonicRQSTransform

from ..training.objective import Objective


@dataclass(frozen=True)
class Layers:
    """``u = T(y; h)``: layers of an affine map and a monotone rational-quadratic spline, all with parameters from h.

    A layer is ``y -> e^a y + b``, |a| < ln 1000, then a spline of `bins` bins on [-bound, bound], the identity outside
    (Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", 2019, section 3.1; by zuko).
    """

    layers: int
    bins: int
    bound: float

    @property
    def size(self) -> int:
        """Parameters of all layers, the numbers in an h."""
        return self.layers * (3 * self.bins + 1)

    def transform(self, h: Tensor) -> Any:
        """zuko's rising map ``y -> u`` of tensors ``(*,)`` for ``h (*, size)``; at h = 0 it is the identity."""
        parts = []
        for own in h.split(3 * self.bins + 1, -1):
            shift, scale, widths, heights, slopes = own.split([1, 1, self.bins, self.bins, self.bins - 1], -1)
            parts.append(MonotonicAffineTransform(shift.squeeze(-1), scale.squeeze(-1)))
            parts.append(MonotonicRQSTransform(widths, heights, slopes, bound=self.bound))
        return ComposedTransform(*parts)

    def log_prob(self, h: Tensor, y: Tensor) -> Tensor:
        """``log N(u; 0, 1) + log |du/dy|``, u = T(y; h), the shape of ``y (*,)``."""
        u, log_slope = self.transform(h).call_and_ladj(y)
        return log_slope - 0.5 * (u.square() + math.log(2 * math.pi))


class Likelihood(Objective):
    """``-log p(y | features)`` of ``y (n, 1)`` given ``features (n, p)``, h the network's answer to the features."""

    def __init__(self, layers: Layers, y: Tensor, features: Tensor, seed: int):
        self.layers = layers
        super().__init__(torch.cat([y, features], 1), features.shape[1], layers.size, seed)

    @property
    def kind(self) -> Hashable:
        """The layers."""
        return self.layers

    def batch(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The rows; nothing is drawn."""
        return (rows,)

    def loss(self, network: Callable[[Tensor], Tensor], *batch: Tensor) -> Tensor:
        """Nats ``(K, n)``."""
        (rows,) = batch
        return -self.layers.log_prob(network(rows[..., 1:]), rows[..., 0])
