"""The flow of a trained velocity: from noise to value by Heun's method, and back by inverting each of its steps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..training import Network
from ..training.inversion import fixed_point
from .matching import time_features

ROWS = 1024
"""Rows that go through all steps together: their activations should stay in the processor's cache."""


@dataclass(frozen=True)
class Flow:
    """The flow of ``dz/dt = v(z, parents, t)`` from t = 0 (noise) to t = 1 (value), all in standardised units.

    `steps` of size h = 1 / steps by Heun's method, z' = z + h/2 (v(z, t) + v(z + h v(z, t), t + h)): of second order
    (Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I", 1993, section II.1). Paths of an ordinary
    differential equation do not cross, so that the map of a scalar node rises with its noise, whatever v is, if the
    steps are small enough.
    """

    network: Network
    steps: int

    @torch.no_grad()
    def forward(self, u: Tensor, parents: Tensor) -> Tensor:
        """Values ``(n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``."""
        return self._by_rows(self._forward, u, parents)

    @torch.no_grad()
    def inverse(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` that `forward` takes to values ``x (n, d)``: every step inverted, to float32 rounding."""
        return self._by_rows(self._inverse, x, parents)

    def _by_rows(self, walk, start: Tensor, parents: Tensor) -> Tensor:
        pieces = zip(start.split(ROWS), parents.split(ROWS), strict=True)
        return torch.cat([walk(z, self._rise(pa)) for z, pa in pieces])

    def _rise(self, parents: Tensor):
        """``h/2 (v(z, t) + v(z + h v(z, t), t + h))`` of step i, for fixed parents."""
        h = 1 / self.steps
        times = time_features(torch.arange(self.steps + 1, device=parents.device).to(parents)[:, None] * h)
        trunk = self.network.trunk
        d, p = trunk.biases[-1].shape[0], parents.shape[1]
        from_z = trunk.weights[0][:d]
        given = torch.addmm(trunk.biases[0], parents, trunk.weights[0][d : d + p])  # the same at every step
        clock = times @ trunk.weights[0][d + p :]

        def v(z: Tensor, i: int) -> Tensor:
            return trunk.from_first(torch.addmm(given + clock[i], z, from_z))

        def rise(z: Tensor, i: int) -> Tensor:
            slope = v(z, i)
            return h / 2 * (slope + v(z + h * slope, i + 1))

        return rise

    def _forward(self, z: Tensor, rise) -> Tensor:
        for i in range(self.steps):
            z = z + rise(z, i)
        return z

    def _inverse(self, z: Tensor, rise) -> Tensor:
        for i in reversed(range(self.steps)):
            z = fixed_point(lambda v, i=i, z=z: z - rise(v, i), z - rise(z, i))
        return z
