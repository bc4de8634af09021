"""Bases of a flow: families of laws on the line whose parameters are learned with the flow."""

from __future__ import annotations

import torch
from scipy import stats
from torch import Tensor
from torch.distributions import Distribution, Laplace, Normal, StudentT

BASES = ("normal", "laplace", "student-t")

SIZE = 3
"""Numbers of a base: its location, the logarithm of its scale, and of Student's t that of its degrees of freedom."""

FREEDOM = 10.0
"""Degrees of freedom before training."""


def law(base: str, parameters: Tensor) -> Distribution:
    """The law of this family for ``parameters (SIZE,)``; at 0 it has location 0 and scale 1."""
    location, scale = parameters[0], parameters[1].exp()
    if base == "normal":
        return Normal(location, scale, validate_args=False)
    if base == "laplace":
        return Laplace(location, scale, validate_args=False)
    return StudentT(FREEDOM * parameters[2].exp(), location, scale, validate_args=False)


def draws(base: str, parameters: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """``(n,)`` draws, by the quantiles of uniform ones: torch's distributions take no generator."""
    q = torch.rand(n, generator=generator, dtype=torch.float64).clamp_min(2.0**-54)
    of = law(base, parameters.double())
    if not isinstance(of, StudentT):
        return of.icdf(q)
    return of.loc + of.scale * torch.from_numpy(stats.t.ppf(q.numpy(), float(of.df)))
