"""DCM's deterministic sampler: from noise to value (decode) and back (encode), in T steps given the parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import torch
from torch import Tensor

from ..training import Network
from ..training.inversion import fixed_point, settled
from . import belm, walks
from .schedule import Schedule

ROWS = 1024
"""Rows that go through all T steps together: their activations should stay in the processor's cache."""

SETTLING = 6
"""Evaluations of a fixed point where nobody watches: two to three are enough for nearly all."""


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
        return self._by_rows("decode", u, parents)

    @torch.no_grad()
    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of value ``x (n, d)`` by DDIM inversion: the network is asked at the level it comes from.

        z_{t+1} = (z_t - shift_{t+1} eps(z_t, pa, t)) / scale_{t+1} from z_0 = x: an approximate inverse of `decode`.
        """
        return self._by_rows("encode", x, parents)

    @torch.no_grad()
    def invert(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` that `decode` takes to ``x (n, d)``: each of its steps inverted, to float32 rounding.

        z_{t+1} solves z = (z_t - shift_{t+1} eps(z, pa, t+1)) / scale_{t+1}.
        """
        return self._by_rows("invert", x, parents)

    @torch.no_grad()
    def decode_pair(self, u: Tensor, parents: Tensor) -> Tensor:
        """Value ``(n, d)`` of a pair of states ``u (n, 2d)``, by steps of second order: see `belm`."""
        return self._by_rows("decode_pair", u, parents)

    @torch.no_grad()
    def encode_pair(self, x: Tensor, parents: Tensor) -> Tensor:
        """The pair ``(n, 2d)`` that `decode_pair` takes to ``x (n, d)``, without iteration: see `belm`."""
        return self._by_rows("encode_pair", x, parents)

    def walk(self, kind: str, start: Tensor, parents: Tensor, *, watched: bool = True) -> tuple[Tensor, Tensor]:
        """Any of the above by its name, all rows together: the answers ``(n, k)``, and which rows settled ``(n,)``.

        `watched`, a fixed point is iterated for as long as a row moves (`fixed_point`), and all rows count as settled.
        Otherwise nothing on the way depends on a number, as a graph of a GPU asks for: a fixed point takes `SETTLING`
        evaluations, and rows for which that was too few somewhere on the way are not settled.
        """
        eps, how = self._conditioned(parents, self._time_table()), self.schedule
        if kind == "invert":
            return self._invert(start, eps, watched=watched)
        kinds = {
            "decode": self._decode,
            "encode": self._encode,
            "decode_pair": partial(belm.from_noise, how),
            "encode_pair": partial(belm.to_noise, how),
        }
        return kinds[kind](start, eps), torch.ones(len(start), dtype=torch.bool, device=start.device)

    def tensors(self) -> list[Tensor]:
        """All that the walks of samplers of one shape differ in."""
        trunk, branch = self.network.trunk, self.network.branch
        return [*trunk.tensors(), *(branch.tensors() if branch else ()), self.features]

    def with_tensors(self, tensors: Sequence[Tensor]) -> Self:
        """The same sampler around other `tensors`."""
        *weights, features = tensors
        trunk, branch = self.network.trunk, self.network.branch
        ends = len(trunk.tensors())
        network = Network(trunk.of(weights[:ends]), branch.of(weights[ends:]) if branch else None)
        return replace(self, network=network, features=features)

    def _by_rows(self, kind: str, start: Tensor, parents: Tensor) -> Tensor:
        if start.is_cuda:
            return walks.run(self, kind, start, parents)
        pieces = zip(start.split(ROWS), parents.split(ROWS), strict=True)
        return torch.cat([self.walk(kind, z, pa)[0] for z, pa in pieces])

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

    def _invert(self, z: Tensor, eps, *, watched: bool) -> tuple[Tensor, Tensor]:
        scale, shift = self.schedule.scale.tolist(), self.schedule.shift.tolist()
        last = now = eps(z, 1)
        still = torch.ones(len(z), dtype=torch.bool, device=z.device)
        for t in range(1, self.schedule.steps + 1):
            # The prediction changes smoothly along the path: go on as it went, which saves most of the iterations.
            guess = (z - shift[t] * (2 * now - last)) / scale[t]
            start, back = z, partial(self._back, z, eps, t, scale[t], shift[t])
            if watched:
                z = fixed_point(back, guess)
            else:
                z, there = settled(back, guess, SETTLING)
                still &= there
            last, now = now, (start - scale[t] * z) / shift[t]
        return z, still

    @staticmethod
    def _back(z: Tensor, eps, t: int, scale: float, shift: float, v: Tensor) -> Tensor:
        """A step back whose end is `v`, as the noise that the network sees there has it."""
        return (z - shift * eps(v, t)) / scale

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
