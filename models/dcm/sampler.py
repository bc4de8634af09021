"""DCM's deterministic sampler: from noise to value (decode) and back (encode), in T steps given the parents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..training import Network
from ..training.inversion import fixed_point
from . import belm
from .schedule import Schedule

ROWS = 1024
"""Rows that go through all T steps together: their activations should stay in the processor's cache."""


@dataclass(frozen=True)
class Sampler:
    """Decoder and encoders of one trained network eps(z, parents, t), all in standardised units.

    `features (T + 1, k)` is what the network is told about t = 0..T; `guidance` is the weight w of
    ``(1 + w) eps(z, pa, t) - w eps(z, 0, t)`` (Ho, Salimans, "Classifier-Free Diffusion Guidance", 2022, eq. 6).
    """

    network: Network
    schedule: Schedule
    features: Tensor
    guidance: float = 0.0

    @torch.no_grad()
    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Value ``(n, d)`` of noise ``u (n, d)``: x_{t-1} = scale_t x_t + shift_t eps(x_t, pa, t), from x_T = u."""
        return self._by_rows(self._decode, u, parents)

    @torch.no_grad()
    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of value ``x (n, d)`` by DDIM inversion: the network is asked at the level it comes from.

        z_{t+1} = (z_t - shift_{t+1} eps(z_t, pa, t)) / scale_{t+1} from z_0 = x: an approximate inverse of `decode`.
        """
        return self._by_rows(self._encode, x, parents)

    @torch.no_grad()
    def invert(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` that `decode` takes to ``x (n, d)``: each of its steps inverted, to float32 rounding.

        z_{t+1} solves z = (z_t - shift_{t+1} eps(z, pa, t+1)) / scale_{t+1}.
        """
        return self._by_rows(self._invert, x, parents)

    @torch.no_grad()
    def decode_pair(self, u: Tensor, parents: Tensor) -> Tensor:
        """Value ``(n, d)`` of a pair of states ``u (n, 2d)``, by steps of second order: see `belm`."""
        return self._by_rows(partial(belm.from_noise, self.schedule), u, parents)

    @torch.no_grad()
    def encode_pair(self, x: Tensor, parents: Tensor) -> Tensor:
        """The pair ``(n, 2d)`` that `decode_pair` takes to ``x (n, d)``, without iteration: see `belm`."""
        return self._by_rows(partial(belm.to_noise, self.schedule), x, parents)

    def _by_rows(self, walk, start: Tensor, parents: Tensor) -> Tensor:
        times = self._time_table()
        pieces = zip(start.split(ROWS), parents.split(ROWS), strict=True)
        return torch.cat([walk(z, self._conditioned(pa, times)) for z, pa in pieces])

    def _decode(self, z: Tensor, eps) -> Tensor:
        scale, shift = self.schedule.scale.tolist(), self.schedule.shift.tolist()
        for t in range(self.schedule.steps, 0, -1):
            z = scale[t] * z + shift[t] * eps(z, t)
        return z

    def _encode(self, z: Tensor, eps) -> Tensor:
        scale, shift = self.schedule.scale.tolist(), self.schedule.shift.tolist()
        for t in range(self.schedule.steps):
            z = (z - shift[t + 1] * eps(z, t)) / scale[t + 1]
        return z

    def _invert(self, z: Tensor, eps) -> Tensor:
        scale, shift = self.schedule.scale.tolist(), self.schedule.shift.tolist()
        last = now = eps(z, 1)
        for t in range(1, self.schedule.steps + 1):
            # The prediction changes smoothly along the path: go on as it went, which saves most of the iterations.
            guess = (z - shift[t] * (2 * now - last)) / scale[t]
            start, z = z, fixed_point(lambda v, t=t, z=z: (z - shift[t] * eps(v, t)) / scale[t], guess)
            last, now = now, (start - scale[t] * z) / shift[t]
        return z

    def _time_table(self) -> Tensor:
        """The first layer's contribution of every t, bias included: ``(T + 1, hidden)``."""
        trunk, branch = self.network.trunk, self.network.branch
        embedded = branch(self.features) if branch else self.features
        return torch.addmm(trunk.biases[0], embedded, trunk.weights[0][-embedded.shape[1] :])

    def _conditioned(self, parents: Tensor, times: Tensor):
        """eps(z, t) for fixed parents: only z's own product is left of the first layer at each step."""
        trunk = self.network.trunk
        d, p = trunk.biases[-1].shape[0], parents.shape[1]
        from_z, from_parents = trunk.weights[0][:d], parents @ trunk.weights[0][d : d + p]

        def eps(z: Tensor, t: int) -> Tensor:
            alone = torch.addmm(times[t], z, from_z)
            given = trunk.from_first(alone + from_parents)
            if self.guidance == 0:
                return given
            return (1 + self.guidance) * given - self.guidance * trunk.from_first(alone)

        return eps
