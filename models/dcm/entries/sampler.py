"""DCM's sampler around a network of any entry."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..sampler import Sampler
from .networks import Entry
from .training import Learned


@dataclass(frozen=True)
class EntrySampler(Sampler):
    """All walks of `Sampler`, for a network of the shape `entry`; what is made of the parents is made once a walk."""

    network: Learned  # type: ignore[assignment]
    entry: Entry | None = None

    def _time_table(self) -> Tensor:
        return self.features

    def _conditioned(self, parents: Tensor, times: Tensor):
        entry, w = self.entry, self.network.weights
        assert entry is not None
        told = entry.condition(w, parents)
        without = entry.condition(w, torch.zeros_like(parents)) if self.guidance else told

        def eps(z: Tensor, t: int) -> Tensor:
            state = torch.cat([z, times[t].expand(len(z), -1)], 1)
            given = entry.predict(w, state, told)
            if self.guidance == 0:
                return given
            return (1 + self.guidance) * given - self.guidance * entry.predict(w, state, without)

        return eps
