"""Drawn worlds, ``drawn/{n}/{degree}/{mechanism}/{noise}``: each seed another graph and other mechanisms.

A world has n nodes and each of them `degree` causes on average: of a random order of the nodes, every earlier one is a
cause of a later one with probability 2 degree / (n - 1) (Erdős and Rényi), the whole drawn anew until some node has a
cause. Names say nothing of the order. With g and h two drawn functions of the causes, standardised, u ~ N(0, 1) and a
share τ ~ U(0.2, 0.6) of noise, a node is, before it is standardised itself,

* ``additive``: √(1 - τ) g + √τ u;
* ``heavy``: the same with Tukey's heavy-tailed u exp(u² / 10), of which moments below the fifth exist;
* ``heteroscedastic``: √(1 - τ) g + √τ softplus(h + 1/2) u;
* ``multiplicative``: softplus(1 + g) exp(√τ u);
* ``nonmonotone``: √(1 - τ) g + √τ √2 sin(3 u / 2 + h), whose counterfactuals no row tells.

A root is its noise. Functions are ``linear`` (weights ±U(1/2, 3/2)), ``mlp`` (16 tanh units), ``gp`` (64 random Fourier
features of a Gaussian kernel), ``tree`` (eight oblivious trees of depth three), ``periodic`` (a sine of each cause).

Every node is standardised inside, before its effects see it (Ormaniec et al., Standardizing structural causal models,
2024), so that the scale of a node tells nothing of its place in the order. What still does is printed:
`varsortability` (Reisach, Seiler, Weichwald, Beware of the simulated DAG!, NeurIPS 2021) is 1/2 where it tells nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from .problem import SCMDataset
from .scm import SCM, Equation
from .seeds import derive, generator
from .values import Values

NODES = (5, 10, 20, 50, 100)
MECHANISMS = ("linear", "mlp", "gp", "tree", "periodic")
NOISES = ("additive", "heteroscedastic", "multiplicative", "nonmonotone", "heavy")

PILOT = 5000
"""Rows that say how a function is standardised."""

TARGETS = 3
"""Nodes to intervene on, at most."""

Function = Callable[[Tensor], Tensor]
"""``(rows, causes) -> (rows,)``"""

TAIL = 0.2
"""Tukey's h: u exp(h u² / 2) has moments below the order 1 / h."""


@dataclass(frozen=True)
class Mechanism:
    """A node's equation; what is standardised by `centres` and `scales`: g, h, and the node itself."""

    noise: str
    g: Function | None
    h: Function | None
    share: float
    centres: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scales: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __call__(self, u: Tensor, *pa: Tensor) -> Tensor:
        """The node ``(rows,)``."""
        raw = self.raw(u, *pa)
        return (raw - self.centres[2]) / self.scales[2]

    def raw(self, u: Tensor, *pa: Tensor) -> Tensor:
        """The node before it is standardised."""
        if self.noise == "heavy":
            u = u * torch.exp(TAIL * u.square() / 2) * (1 - 2 * TAIL) ** 0.75  # unit variance
        if not pa or self.g is None or self.h is None:
            return u
        x = torch.stack(pa, 1).double()
        g, h = (
            (f(x) - centre) / scale
            for f, centre, scale in zip((self.g, self.h), self.centres, self.scales, strict=False)
        )
        signal, sd = math.sqrt(1 - self.share) * g, math.sqrt(self.share)
        if self.noise == "heteroscedastic":
            return signal + sd * softplus(h + 0.5) * u
        if self.noise == "multiplicative":
            return softplus(1 + g) * torch.exp(sd * u)
        if self.noise == "nonmonotone":
            return signal + sd * math.sqrt(2) * torch.sin(1.5 * u + h)
        return signal + sd * u


def function(kind: str, causes: int, stream: torch.Generator) -> Function:
    """A drawn function of `causes` standardised numbers."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=stream, dtype=torch.float64)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=stream, dtype=torch.float64)

    if kind == "linear":
        weights = uniform(0.5, 1.5, causes) * uniform(-1, 1, causes).sign()
        return lambda x: x @ weights
    if kind == "mlp":
        inner, shift, outer = 1.5 * normal(causes, 16) / math.sqrt(causes), normal(16), normal(16)
        return lambda x: torch.tanh(x @ inner + shift) @ outer
    if kind == "gp":
        frequencies = normal(causes, 64) / (uniform(1.0, 2.0, 1) * math.sqrt(causes))
        phases, weights = uniform(0, 2 * math.pi, 64), normal(64) / math.sqrt(32)
        return lambda x: torch.cos(x @ frequencies + phases) @ weights
    if kind == "periodic":
        rates, phases, weights = uniform(1, 3, causes), uniform(0, 2 * math.pi, causes), normal(causes)
        weights = weights.sign() * (weights.abs() + 0.3)
        return lambda x: torch.sin(x * rates + phases) @ weights
    splits = torch.cat([torch.randperm(causes, generator=stream) for _ in range(-(-24 // causes))])[:24]
    thresholds, leaves = 0.8 * normal(24), normal(8, 8)
    bits = torch.tensor([1, 2, 4])

    def trees(x: Tensor) -> Tensor:
        leaf = ((x[:, splits] > thresholds).long().reshape(-1, 8, 3) * bits).sum(2)
        return leaves[torch.arange(8), leaf].sum(1)

    return trees


def draw_graph(n: int, degree: int, seed: int) -> nx.DiGraph:
    """A random acyclic graph; at the same seed the same for every mechanism and noise."""
    stream = generator(seed, "drawn", "graph", n, degree)
    names = [f"x{i + 1:02d}" for i in range(n)]
    while True:
        order = torch.randperm(n, generator=stream).tolist()
        there = torch.rand(n, n, generator=stream, dtype=torch.float64) < 2 * degree / (n - 1)
        edges = [(order[i], order[j]) for i in range(n) for j in range(i + 1, n) if there[i, j]]
        if edges:
            graph = nx.DiGraph()
            graph.add_nodes_from(names[i] for i in order)
            graph.add_edges_from((names[a], names[b]) for a, b in edges)
            return graph


def draw(n: int, degree: int, mechanism: str, noise: str, seed: int) -> SCM:
    """The world of these at this seed."""
    graph, key = draw_graph(n, degree, seed), ("drawn", n, degree, mechanism, noise)
    equations: dict[str, Equation] = {}
    rows: Values = {}
    for node in nx.lexicographical_topological_sort(graph):
        causes = tuple(sorted(graph.predecessors(node)))
        stream = generator(seed, *key, node)
        g, h = (function(mechanism, len(causes), stream) for _ in range(2)) if causes else (None, None)
        share = 0.2 + 0.4 * float(torch.rand((), generator=stream, dtype=torch.float64))
        u = torch.randn(PILOT, generator=stream, dtype=torch.float64)
        pa = [rows[cause] for cause in causes]
        made = Mechanism(noise, g, h, share)
        if g is not None and h is not None:
            own = [f(torch.stack(pa, 1)) for f in (g, h)]
            made = Mechanism(noise, g, h, share, *_units([*own, None]))
        made = Mechanism(noise, g, h, share, *_units([None, None, made.raw(u, *pa)], made))
        rows[node] = made(u, *pa)
        equations[node] = (causes, made)
    inner = sorted(node for node in graph if nx.descendants(graph, node))
    chosen = torch.randperm(len(inner), generator=generator(seed, "drawn", "targets", n, degree))[:TARGETS]
    return SCM(equations, targets=sorted(inner[i] for i in chosen.tolist()))


def _units(
    columns: list[Tensor | None], before: Mechanism | None = None
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Means and standard deviations; those of `before`, or 0 and 1, where there is no column; 1 for a constant."""
    centres, scales = ([0.0] * 3, [1.0] * 3) if before is None else (list(before.centres), list(before.scales))
    for i, x in enumerate(columns):
        if x is not None:
            sd = float(x.std())
            centres[i], scales[i] = float(x.mean()), sd if sd > 1e-9 else 1.0
    return (centres[0], centres[1], centres[2]), (scales[0], scales[1], scales[2])


def varsortability(graph: nx.DiGraph, values: Mapping[str, Tensor]) -> float:
    """The share of directed paths, by length, along which the variance grows, equal ones counting half.

    1 where sorting by variance gives the causal order away, 1/2 where it says nothing (Reisach et al., 2021, eq. 1).
    """
    order = list(graph)
    variance = np.array([float(values[node].var()) for node in order])
    edges = nx.to_numpy_array(graph, order) != 0
    ratio = variance[None, :] / variance[:, None]  # (cause, effect)
    paths, grown, count = edges.copy(), 0.0, 0
    while paths.any():
        count += int(paths.sum())
        grown += float(((ratio > 1 + 1e-9) & paths).sum() + 0.5 * ((abs(ratio - 1) <= 1e-9) & paths).sum())
        paths = paths @ edges
    return grown / count if count else 0.5


class Drawn(SCMDataset):
    """A drawn family; see the module's first lines."""

    def __init__(self, n: int, degree: int, mechanism: str, noise: str):
        self._key = n, degree, mechanism, noise

        @lru_cache(maxsize=8)  # a problem asks for its world several times
        def build(seed: int) -> SCM:
            return draw(n, degree, mechanism, noise, seed)

        super().__init__(f"drawn/{n}/{degree}/{mechanism}/{noise}", build)
        self.__doc__ = f"{n} nodes, {degree} causes each on average, {mechanism} mechanisms, {noise} noise, drawn anew."

    @property
    def module(self) -> str:
        """This one."""
        return __name__

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        """What the name says, and the varsortability at seed 0."""
        n, degree, mechanism, noise = self._key
        world = self.scm(0)
        rows = world.sample(2000, seed=derive(0, self.name, "varsortability"))
        told = {"n": n, "degree": degree, "mechanism": mechanism, "noise": noise}
        return {**told, "varsortability": varsortability(world.graph, rows)}


@cache
def family(name: str) -> Drawn | None:
    """The dataset of a full name; None for a name outside of the family."""
    found = re.fullmatch(r"drawn/(\d{1,3})/(\d{1,2})/([a-z]+)/([a-z]+)", name, re.ASCII)
    if not found:
        return None
    n, degree, mechanism, noise = int(found[1]), int(found[2]), found[3], found[4]
    known = n in NODES and 1 <= degree <= (n - 1) // 2 and mechanism in MECHANISMS and noise in NOISES
    return Drawn(n, degree, mechanism, noise) if known and name == f"drawn/{n}/{degree}/{mechanism}/{noise}" else None
