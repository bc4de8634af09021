"""The monotone ceiling: the counterfactual of whoever knows every law of the world and assumes monotone mechanisms."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.scm import SCM
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from .oracle import known_scm

CELLS = 2**20
"""Rows times draws that are evaluated together: bounds the memory."""


class Monotone(CausalModel):
    """The rank-preserving counterfactual by the true conditional laws of a known SCM. Counterfactuals only.

    In topological order, with the parents' values as they were (``pa``) and as they would have been (``pa'``),

        u = F_j(x_j | pa),   x'_j = F_j^-1(u | pa'),

    where F_j is the law of the world. It is what a method of one increasing function of one noise a node (a flow, a
    quantile regression, an additive model) converges to with endless data: equal to the truth where mechanisms are
    monotone in their noise, as additive ones are, and wrong by what that assumption costs elsewhere. So it splits a
    method's error in three: what the factual row does not tell (`posterior`), what the assumption costs (`monotone`
    minus `posterior`), and what estimation costs (the method minus `monotone`).

    Laws are those of `draws` values a row, of noise at equally likely quantiles that both sides share (of more
    dimensions: of a Latin hypercube), linear between neighbours. A value beyond all draws keeps its distance from the
    last one in units of the draws' standard deviation, which is exact in families of location and scale. Of equal
    draws, as a label's, the middle one stands for all, and a label's answer is a label.

    Raises `Unsupported` without an SCM, with latent nodes (whose law given the row is another), and where a node that
    is to be answered is a vector, which has no rank.

    References:
        Pawlowski, Castro, Glocker, Deep structural causal models for tractable counterfactual inference, NeurIPS 2020
        (monotone mechanisms); Nasr-Esfahany, Alizadeh, Shah, Counterfactual identifiability of bijective causal
        models, ICML 2023.
    """

    role = "ceiling"

    version: ClassVar[int] = 1
    answers: ClassVar[frozenset[str]] = frozenset({"counterfactual"})

    def __init__(self, draws: int = 4000):
        if draws < 2:
            raise ValueError(f"draws={draws!r}: a law needs at least 2")
        self.draws = draws

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Raises `Unsupported`: it is given the SCM, through `fit_problem`."""
        raise Unsupported("the monotone ceiling needs the structural causal model of a problem")

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """Keep the problem's SCM. Raises `Unsupported` without one, with latent nodes, for caused images."""
        scm = known_scm(problem)
        if scm.latent:
            raise Unsupported(f"latent nodes {sorted(scm.latent)}: their law given a row is not that of the world")
        for node in scm.order:
            if node in scm.images and scm.parents[node]:
                raise Unsupported(_WIDE.format(node))
        self._own(problem.graph, problem.train)
        self.scm = scm
        return self

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: ask the oracle for samples."""
        raise Unsupported("the monotone ceiling only answers counterfactuals; the oracle samples")

    def saved(self) -> dict[str, Any]:
        """Raises `Unsupported`: what it knows is a program, not data."""
        raise Unsupported("the monotone ceiling holds the structural causal model itself: a program and no data")

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """Rank by rank, in topological order."""
        values, reached = factual | forced, self.reached(forced)
        for node in self.scm.order:
            if node not in reached:
                continue
            if factual[node].ndim > 1:
                raise Unsupported(_WIDE.format(node))
            u = noises(self.scm, node, self.draws, generator(seed, "noise", node))
            parts = []
            for rows in torch.arange(len(factual[node])).split(max(1, CELLS // self.draws)):
                before, after = (_law(self.scm, node, u, side, rows) for side in (factual, values))
                parts.append(moved(factual[node][rows], before, after))
            values[node] = torch.cat(parts)
        return {node: values[node] for node in reached}


_WIDE = "{!r} has more than one dimension, whose values have no rank"


def noises(scm: SCM, node: str, draws: int, stream: torch.Generator) -> Tensor:
    """Noise of `node` ``(draws, *event)`` at equally likely quantiles; of several dimensions, in a random pairing."""
    dist = scm.noises[node]
    shape = (*dist.batch_shape, *dist.event_shape)
    strata = (torch.arange(draws, dtype=torch.float64) + 0.5) / draws
    if not shape:
        return dist.icdf(strata)
    columns = [strata[torch.randperm(draws, generator=stream)] for _ in range(torch.Size(shape).numel())]
    return dist.icdf(torch.stack(columns, 1).reshape(draws, *shape))


def _law(scm: SCM, node: str, u: Tensor, values: Values, rows: Tensor) -> Tensor:
    """Draws of `node` given its parents' values, ``(rows, draws)``."""
    n, k = len(rows), len(u)
    pa = [values[parent][rows].repeat_interleave(k, 0) for parent in scm.parents[node]]
    return scm.functions[node](u.repeat(n, *[1] * (u.ndim - 1)), *pa).reshape(n, k)


def moved(x: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """``x (n,)`` from its place among the draws `before` ``(n, k)`` to the same place among `after`.

    >>> draws = torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64)
    >>> moved(torch.tensor([0.5], dtype=torch.float64), draws, 10 * draws).tolist()
    [5.0]
    """
    k = before.shape[1]
    column, ordered = x.unsqueeze(1).to(before.dtype), after.sort(1).values
    count, equal = (before <= column).sum(1), (before == column).sum(1)
    if not after.is_floating_point():
        place = (count - (equal + 1) // 2).clamp(0, k - 1)
        return ordered.gather(1, place.unsqueeze(1)).squeeze(1)
    far = torch.tensor(torch.inf, dtype=before.dtype)
    low = torch.where(before <= column, before, -far).amax(1)
    high = torch.where(before > column, before, far).amin(1)
    share = ((x - low) / (high - low)).nan_to_num(0.0, 0.0, 0.0)
    place = torch.where(equal > 0, count - (equal + 1) / 2, count - 1 + share).clamp(0, k - 1)
    left = place.floor().long().clamp(max=max(k - 2, 0))
    a, b = (ordered.gather(1, (left + i).unsqueeze(1)).squeeze(1) for i in (0, 1))
    inside = a + (place - left) * (b - a)
    beyond = (x - before.amax(1)).clamp(min=0) + (x - before.amin(1)).clamp(max=0)
    scale = (after.std(1) / before.std(1)).nan_to_num(0.0, 0.0, 0.0)
    return inside + beyond * scale
