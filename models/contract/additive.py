"""Additive-noise mechanisms ``x = f(pa) + u``: what the additive-noise model and the linear model share."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from scmbench.datasets.values import Intervention, Values, batch, expand
from torch import Tensor

from .nodewise import Empirical, Mechanism, NodewiseModel, columns


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

    def predict(self, do: Intervention) -> Values:
        """The value of every node at zero noise under `do`, ``{node: (n, *event)}``; a root is at its mean.

        ``n`` is the number of rows of the interventions, 1 where they are all scalars. For a linear model this is the
        mean of the interventional distribution.
        """
        n = batch(do)
        forced = expand(do, n, self.like)
        values: Values = {}
        for node in self.order:
            if node in forced:
                values[node] = forced[node]
                continue
            mechanism = self.mechanisms[node]
            assert isinstance(mechanism, AdditiveNoise | Empirical)
            x = mechanism.mean(columns(values, self.parents[node], n)).reshape(n, *self.like[node].shape[1:])
            values[node] = x if self.like[node].is_floating_point() else x.round().to(self.like[node].dtype)
        return values
