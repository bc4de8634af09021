"""Additive-noise mechanisms ``x = f(pa) + u``: what the additive-noise model and the linear model share."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from scmbench.datasets.values import Values
from torch import Tensor

from .nodewise import Empirical, Mechanism, NodewiseModel


class AdditiveNoise(Mechanism):
    """``x = f(pa) + u`` with ``u`` independent of the parents; a subclass writes `fit`, `mean` and `noise`.

    "Nonlinear causal discovery with additive noise models", Hoyer, Janzing, Mooij, Peters, Schölkopf, 2009, eq. 1.
    """

    dtype: ClassVar[torch.dtype] = torch.float64

    @abstractmethod
    def mean(self, parents: Tensor) -> Tensor:
        """The regression ``f(pa)``, ``(n, p)`` to ``(n, d)``."""

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The residual ``u = x - f(pa)``, ``(n, d)``."""
        return x - self.mean(parents)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """``x = f(pa) + u``, ``(n, d)``."""
        return self.mean(parents) + u


class AdditiveNoiseModel(NodewiseModel):
    """A nodewise model with additive noise at every node that has parents: it can predict without sampling."""

    def _predict(self, n: int, forced: Values) -> Values:
        """Every node at zero noise, a root at its mean: for a linear model the mean under the intervention."""
        values: Values = {}
        for node in self.order:
            if node in forced:
                values[node] = forced[node]
                continue
            mechanism = self.mechanisms[node]
            assert isinstance(mechanism, AdditiveNoise | Empirical)
            mean = mechanism.mean(self._parent_columns(mechanism, node, values, n))
            values[node] = self._value(mechanism, node, mean)
        return values
