"""The density of a structural causal model whose mechanisms are monotone in their noise: change of variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin as Distribution
from torch import Tensor

from .values import Values, ValuesError, check_values

GRID = 65
"""Quantiles of its noise at which a mechanism has to be strictly monotone, for the parents of every row."""

EDGES = (2.0**-54, 1 - 2.0**-53)
"""The quantiles between which the search for a noise begins: the outermost that `SCM.noise` draws."""

HALVINGS = 64
"""A noise is searched for until its bracket is a few roundings wide."""

ATTAINED = 1e-6
"""How far from x, in multiples of 1 + |x|, the nearest value of a mechanism may lie before x counts as out of reach."""

Mechanism = Callable[[Tensor], Tensor]
"""``u (n, k) -> x (n, k)``: k noises for each row, its parents fixed."""


class NoDensity(ValuesError):
    """An SCM without a density that one root of each mechanism gives: the message names the node and says why."""


@dataclass(frozen=True)
class Equations:
    """What a density needs of an SCM: for every node, in causal order, its function, its parents and its noise."""

    functions: Mapping[str, Callable[..., Tensor]]
    parents: Mapping[str, Sequence[str]]
    noises: Mapping[str, Distribution]


def log_prob(of: Equations, x: Values) -> Tensor:
    """``log p(x) = sum_i log p(u_i) - log |df_i / du_i|`` at the noise ``u`` with ``x_i = f_i(u_i, pa_i)``: ``(n,)``.

    See `SCM.log_prob`.
    """
    total = torch.zeros(check_values(x, of.functions, what="rows"), dtype=torch.float64)
    for node in of.functions:
        total = total + _log_prob_of(of, node, x)
    return total


def _log_prob_of(of: Equations, node: str, values: Mapping[str, Tensor]) -> Tensor:
    """``log p(x_i | pa_i)``, ``(n,)``; minus infinity where no noise gives x_i."""
    x, noise = values[node], of.noises[node]
    if x.ndim != 1 or not x.is_floating_point() or noise.batch_shape or noise.event_shape:
        shapes = f"{tuple(x.shape[1:])}, its noise {tuple(noise.batch_shape + noise.event_shape)}"
        raise NoDensity(f"a density is known of real scalars of scalar noise; {node!r} is {x.dtype} of shape {shapes}")
    if noise.support.is_discrete:  # type: ignore[union-attr]
        raise NoDensity(f"the noise of {node!r} is discrete ({type(noise).__name__}): it has no density")
    if not len(x):
        return x.double()
    mechanism = partial(_applied, of, node, values)
    direction = _direction(node, mechanism, noise, len(x))
    u = _root(mechanism, noise, direction, x.double())
    found, slope = _with_slope(node, mechanism, u)
    attained = (found - x).abs() <= ATTAINED * (1 + x.abs())
    if (turned := attained & ~(slope * direction > 0)).any():
        row = int(turned.nonzero()[0])
        raise NoDensity(f"{node!r} does not move with its noise in row {row}: df/du is {float(slope[row]):g} there")
    return torch.where(attained, noise.log_prob(u) - slope.abs().log(), -torch.inf)


def _applied(of: Equations, node: str, values: Mapping[str, Tensor], u: Tensor) -> Tensor:
    parents = [values[parent].repeat_interleave(u.shape[1], dim=0) for parent in of.parents[node]]
    return of.functions[node](u.reshape(-1), *parents).reshape(u.shape)


def _direction(node: str, mechanism: Mechanism, noise: Distribution, n: int) -> Tensor:
    """Whether x rises (1) or falls (-1) with the noise, row by row. Raises `NoDensity` where it does neither."""
    quantiles = (torch.arange(GRID, dtype=torch.float64) + 0.5) / GRID
    with torch.no_grad():
        steps = mechanism(noise.icdf(quantiles).expand(n, GRID)).diff(dim=1)
    rises, falls = (steps > 0).all(1), (steps < 0).all(1)
    if not (rises | falls).all():
        row = int((~(rises | falls)).nonzero()[0])
        raise NoDensity(
            f"{node!r} is not strictly monotone in its noise (with the parents of row {row}): several noises, or a "
            f"whole interval of them, give one value"
        )
    return torch.where(rises, 1.0, -1.0).double()


def _root(mechanism: Mechanism, noise: Distribution, direction: Tensor, x: Tensor) -> Tensor:
    """The noise at which the mechanism passes x, by halving; an end of the bracket where it never does."""
    edges = noise.icdf(torch.tensor(EDGES, dtype=torch.float64))
    low, high = (edge.expand(len(x)).clone() for edge in edges)
    if noise.support.check(edges + edges.diff() * torch.tensor([-1.0, 1.0])).all():  # type: ignore[union-attr]
        low, high = low - edges.diff(), high + edges.diff()
    with torch.no_grad():
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = (mechanism(middle[:, None])[:, 0] - x) * direction < 0
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return high


def _with_slope(node: str, mechanism: Mechanism, u: Tensor) -> tuple[Tensor, Tensor]:
    """``f(u)`` and ``df / du``, both ``(n,)``, by automatic differentiation."""
    with torch.enable_grad():
        u = u.detach().requires_grad_()
        x = mechanism(u[:, None])[:, 0]
        if not x.requires_grad:
            raise NoDensity(f"the equation of {node!r} is not differentiable in its noise")
        (slope,) = torch.autograd.grad(x.sum(), u)
    return x.detach(), slope
