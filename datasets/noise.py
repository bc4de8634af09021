"""Noise distributions that Pyro does not have."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pyro.distributions import TorchDistribution
from torch import Tensor
from torch.distributions import constraints


class _Observed(constraints.Constraint):
    """Finitely many values: a law without a density. What they are matters to nobody."""

    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return torch.isfinite(value)


class Bootstrap(TorchDistribution):
    """A draw with replacement from observed values ``(m,)``, each with probability ``1/m``.

    ``icdf(q) = x_(⌊q m⌋)`` of the sorted values, so that it serves as exogenous noise of an `SCM`.

    >>> Bootstrap(torch.tensor([5.0, 1.0, 3.0])).icdf(torch.tensor([0.0, 0.5, 0.99])).tolist()
    [1.0, 3.0, 5.0]
    """

    def __init__(self, values: Tensor, batch_shape: Sequence[int] = ()):
        if values.ndim != 1 or not len(values) or not torch.isfinite(values).all():
            raise ValueError(f"a bootstrap needs finite values (m,), got shape {tuple(values.shape)}")
        self.values = values.sort().values
        super().__init__(torch.Size(batch_shape), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """None: the values are checked on construction."""
        return {}

    @property
    def support(self) -> constraints.Constraint:
        """The observed values."""
        return _Observed()

    def expand(self, batch_shape: Sequence[int], _instance: Bootstrap | None = None) -> Bootstrap:
        """The same distribution, independently for every entry of `batch_shape`."""
        return Bootstrap(self.values, batch_shape)

    def icdf(self, value: Tensor) -> Tensor:
        """The quantile function at ``value`` in [0, 1]."""
        return self.values[(value * len(self.values)).long().clamp(max=len(self.values) - 1)]

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws from torch's global stream, as Pyro expects; an `SCM` uses `icdf` on its own streams instead."""
        return self.icdf(torch.rand(self._extended_shape(torch.Size(sample_shape)), dtype=torch.float64))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log of the share of observed values that equal ``value``; −∞ for others."""
        low, high = (torch.searchsorted(self.values, value.contiguous(), right=side) for side in (False, True))
        return torch.log((high - low) / len(self.values))
