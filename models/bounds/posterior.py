"""The posterior-mean oracle: the counterfactual error that remains when the world is known but the noise is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeAlias

import networkx as nx
import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.scm import SCM
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values, n_rows
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from .oracle import known_scm

LOGIT = 18.0
"""The grid of noise reaches the quantiles sigmoid(-18) to sigmoid(18): six standard deviations of a normal noise."""

HALVINGS = 12
"""Folds and roots of f are located to the grid's spacing over 2^12."""

CELLS = 2**19
"""Rows times grid points that are evaluated together: bounds the memory."""


Function: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A mechanism on chosen rows: ``(row, u)`` to x, all of one shape."""

Grids: TypeAlias = tuple[Tensor, Tensor, Tensor]
"""For each row, increasing noises u, the logits of P(noise <= u), and x = f(u): ``(n, points)`` each."""


class Posterior(CausalModel):
    """``E[x_cf | factual row]``, the answer of least mean squared error, by a known SCM. Counterfactuals only.

    Where a mechanism is not invertible in its noise, several noises fit a row and no method reaches error 0; this is
    what remains. With every node observed the noises are independent given the row, and ``p(u_j | x_j, pa_j)`` is

        sum over the roots r of f_j(r, pa_j) = x_j of  p(r) / |f_j'(r)|  delta_r,

    (change of variables). A grid of `points` noises, made finer where f turns, brackets the roots; halving finds them,
    and what is left of a bracket gives the weight, its probability over the change of f. `particles` joint draws of the
    noise, stratified at each node and with random numbers shared by all rows, are replayed under `do` and averaged;
    their quantiles are its intervals.

    Exact in the limits of `points` and `particles`, where f is piecewise smooth in u, flat pieces and jumps included.
    Raises `Unsupported` without an SCM, with latent nodes, and where a node that is to be abducted has noise of more
    than one dimension.
    """

    role = "ceiling"

    version: ClassVar[int] = 1
    answers: ClassVar[frozenset[str]] = frozenset({"counterfactual"})

    def __init__(self, points: int = 513, particles: int = 256):
        self.points, self.particles = points, particles

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Raises `Unsupported`: it is given the SCM, through `fit_problem`."""
        raise Unsupported("the posterior oracle needs the structural causal model of a problem")

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """Keep the problem's SCM. Raises `Unsupported` without one, with latent nodes, for caused images."""
        scm = known_scm(problem)
        if scm.latent:
            raise Unsupported(f"latent nodes {sorted(scm.latent)}: the noises are not independent given the rows")
        for node in scm.order:
            if node in scm.images and scm.parents[node]:
                _check_scalar(scm, node)
        self._own(problem.graph, problem.train)
        self.scm = scm
        return self

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: ask the oracle for samples."""
        raise Unsupported("the posterior oracle only answers counterfactuals; the oracle samples")

    def saved(self) -> dict[str, Any]:
        """Raises `Unsupported`: what it knows is a program, not data."""
        raise Unsupported("the posterior oracle holds the structural causal model itself: a program and no data")

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """The mean over `particles` replays of each row."""
        return {node: x.mean(1) for node, x in self._replays(factual, forced, seed).items()}

    def _interval(self, factual: Values, forced: Values, level: float, *, seed: int) -> Values:
        """The central interval of `particles` replays of each row."""
        tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
        found = self._replays(factual, forced, seed)
        return {node: x.quantile(tails, dim=1).movedim(0, 1) for node, x in found.items()}

    def _replays(self, factual: Values, forced: Values, seed: int) -> Values:
        """What the intervention reaches, by each of k = `particles` draws of a row's noise: ``(n, k, *event)``."""
        scm, k, n = self.scm, self.particles, n_rows(factual)
        for node in self.reached(forced):
            _check_scalar(scm, node)
        reached, values = self.reached(forced), {v: x.repeat_interleave(k, 0) for v, x in (factual | forced).items()}
        for node in scm.order:
            if node in reached:
                u = abduct(scm, node, factual, k, self.points, generator(seed, "noise", node))
                values[node] = scm.functions[node](u.reshape(-1), *(values[parent] for parent in scm.parents[node]))
        return {node: values[node].double().reshape(n, k, *values[node].shape[1:]) for node in reached}


_WIDE = "{!r} has noise of more than one dimension, whose posterior is not found on a grid"


def _check_scalar(scm: SCM, node: str) -> None:
    if scm.noises[node].batch_shape or scm.noises[node].event_shape:
        raise Unsupported(_WIDE.format(node))


def abduct(scm: SCM, node: str, factual: Values, particles: int, points: int, stream: torch.Generator) -> Tensor:
    """Posterior draws ``u (n, particles)`` of the noise of `node` given ``factual {node: (n,)}``."""
    dist = scm.noises[node]
    if factual[node].ndim > 1:
        raise Unsupported(_WIDE.format(node))
    _check_scalar(scm, node)
    logit = torch.linspace(-LOGIT, LOGIT, points, dtype=torch.float64)
    u = dist.icdf(logit.sigmoid())
    strata = (torch.randperm(particles, generator=stream) + torch.rand(particles, generator=stream)) / particles
    parts = []
    for rows in torch.arange(len(factual[node])).split(max(1, CELLS // points)):
        pa = [factual[parent][rows] for parent in scm.parents[node]]

        def f(row: Tensor, u: Tensor, pa: list[Tensor] = pa) -> Tensor:
            return scm.functions[node](u, *(x[row] for x in pa)).double()

        x = factual[node][rows].double()
        grids = _refined(f, len(rows), u, logit)
        weights, roots = _roots(f, grids, x)
        # x beyond all of f, by less than the grid resolves: the nearest point stands for the root.
        lost = weights.sum(1) == 0
        nearest = (grids[2] - x.unsqueeze(1)).abs().nan_to_num(torch.inf)[:, :-1].argmin(1)
        weights[lost, nearest[lost]] = 1.0
        roots[lost, nearest[lost]] = grids[0][lost, nearest[lost]]
        cumulative = weights.cumsum(1)
        cell = torch.searchsorted(cumulative, strata * cumulative[:, -1:])
        parts.append(roots.gather(1, cell.clamp(max=roots.shape[1] - 1)))
    return torch.cat(parts)


def _refined(f: Function, n: int, u: Tensor, logit: Tensor) -> Grids:
    """The same grid for every row, made finer where f turns.

    Rows near the value at a fold of f are likely (their density is infinite there), and their roots lie close together:
    each fold is halved down `HALVINGS` times between its neighbours on the grid.
    """
    grids = u.repeat(n, 1), logit.repeat(n, 1), f(torch.arange(n).repeat_interleave(len(u)), u.repeat(n)).reshape(n, -1)
    slope = grids[2].diff(dim=1)
    turns = (slope[:, :-1] * slope[:, 1:] <= 0) & (slope[:, :-1] != slope[:, 1:])
    row, left = turns.nonzero(as_tuple=True)
    if not len(row):
        return grids
    up = (slope[row, left] - slope[row, left + 1]).sign()
    fold = [torch.stack([grid[row, left + i] for i in range(3)], dim=1) for grid in grids]
    added = []
    for _ in range(HALVINGS):
        middle = [(x[:, :-1] + x[:, 1:]) / 2 for x in fold]
        middle[2] = f(row.repeat_interleave(2), middle[0].reshape(-1)).reshape(-1, 2)
        added.append(middle)
        five = [
            torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1], x[:, 2]], 1) for x, y in zip(fold, middle, strict=True)
        ]
        top = (up.unsqueeze(1) * five[2][:, 1:4]).argmax(1)
        fold = [x.gather(1, top.unsqueeze(1) + torch.arange(3)) for x in five]
    # Rows with fewer folds repeat their first point: a cell without width has no weight.
    place = torch.arange(len(row)) - torch.searchsorted(row, row)
    room = 2 * HALVINGS
    wide = [torch.cat([grid, grid[:, :1].repeat(1, room * (int(place.max()) + 1))], dim=1) for grid in grids]
    columns = len(u) + place.unsqueeze(1) * room + torch.arange(room)
    for grid, new in zip(wide, zip(*added, strict=True), strict=True):
        grid[row.unsqueeze(1), columns] = torch.cat(new, dim=1)
    order = wide[0].argsort(1)
    return wide[0].gather(1, order), wide[1].gather(1, order), wide[2].gather(1, order)


def _roots(f: Function, grids: Grids, x: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and root ``(n, cells)`` of every cell of the grids ``(n, points)``, for targets ``x (n,)``.

    A cell that x crosses is halved `HALVINGS` times towards x; what is left is taken as linear.
    """
    slack = 1e-12 * (x.abs() + 1)
    low, high = torch.minimum(grids[2][:, :-1], grids[2][:, 1:]), torch.maximum(grids[2][:, :-1], grids[2][:, 1:])
    row, cell = ((low <= (x + slack).unsqueeze(1)) & (high >= (x - slack).unsqueeze(1))).nonzero(as_tuple=True)
    x, slack = x[row], slack[row]
    left, right = ([grid[row, cell + i] for grid in grids] for i in (0, 1))
    for _ in range(HALVINGS):
        middle = [(a + b) / 2 for a, b in zip(left, right, strict=True)]
        middle[2] = f(row, middle[0])
        first = (torch.minimum(left[2], middle[2]) <= x + slack) & (torch.maximum(left[2], middle[2]) >= x - slack)
        left, right = (
            [torch.where(first, a, m) for a, m in zip(left, middle, strict=True)],
            [torch.where(first, m, b) for m, b in zip(middle, right, strict=True)],
        )
    change = right[2] - left[2]
    share = torch.where(change.abs() > slack, (x - left[2]) / change, 0.5).clamp(0, 1)
    weights, roots = torch.zeros_like(low), torch.zeros_like(low)
    centre = (left[1] + right[1]) / 2
    probability = centre.sigmoid() * (-centre).sigmoid() * (right[1] - left[1])
    weights[row, cell] = probability / change.abs().maximum(slack)
    roots[row, cell] = left[0] + share * (right[0] - left[0])
    return weights, roots
