"""The DCM paper's generated SCMs of 30 nodes, ladder and random: random two-layer networks on fixed or drawn graphs.

Chao, Blöbaum, Patel, Kasiviswanathan, "Modeling Causal Mechanisms with Diffusion Models for Interventional and
Counterfactual Queries", TMLR 2024, as its released code has them. With ``W1 (16, ·)`` and ``W2 (k, 16)``, entries
U(−1, 1), and ``pa`` the parents in sorted-name order, scalar k of a super-node is

* ``nlin``: ``x = 0.75 [W2 silu(W1 pa)]_k + u``
* ``nadd``: ``x = 0.75 [W2 silu(W1 [u; pa])]_k``, the three scalars sharing the weights but not the noise.

At seed i these are the very SCMs that the released code drew. It seeds NumPy's legacy generator once and draws, in this
order, the graph, the intervention nodes and the weights; so do these functions, from a generator of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import silu

from ..registry import register
from ..scm import SCM, Equation

LADDER = [(1, 2), (1, 3), (2, 4), (3, 4), (3, 5), (4, 6), (5, 6), (5, 7), (6, 8), (7, 8), (7, 9), (8, 10), (9, 10)]
"""Edges between the ladder's super-nodes."""

HIDDEN, SIZE, SCALE = 16, 3, 0.75


@dataclass(frozen=True)
class Additive:
    """A node's mechanism, its noise added."""

    W1: Tensor
    w2: Tensor

    def __call__(self, u: Tensor, *pa: Tensor) -> Tensor:
        """``0.75 w2 · silu(W1 pa) + u``, ``(n,)``."""
        return SCALE * (silu(torch.stack(pa, 1) @ self.W1.T) @ self.w2) + u


@dataclass(frozen=True)
class NonAdditive:
    """A node's mechanism, its noise one more input."""

    W1: Tensor
    w2: Tensor

    def __call__(self, u: Tensor, *pa: Tensor) -> Tensor:
        """``0.75 w2 · silu(W1 [u; pa])``, ``(n,)``."""
        return SCALE * (silu(torch.stack((u, *pa), 1) @ self.W1.T) @ self.w2)


def legacy(seed: int) -> np.random.RandomState:
    """The stream that ``np.random.seed(seed)`` starts, without touching the global one."""
    return np.random.RandomState(seed)


def scalar(super_node: int, k: int) -> str:
    """Name of the k-th scalar (from 0) of a super-node (from 1): ``x01`` to ``x30``."""
    return f"x{SIZE * (super_node - 1) + k + 1:02d}"


def expand_edges(super_edges: Sequence[tuple[int, int]]) -> nx.DiGraph:
    """Every super-edge as its nine scalar edges; nodes in the order of their first appearance, which draws follow."""
    graph = nx.DiGraph()
    for a, b in super_edges:
        graph.add_edges_from((scalar(a, i), scalar(b, j)) for i in range(SIZE) for j in range(SIZE))
    return graph


def draw_super_edges(stream: np.random.RandomState, nodes: int = 10, p: float = 0.3) -> list[tuple[int, int]]:
    """Each edge i < j with probability p, row by row, the whole redrawn until it is weakly connected."""
    while True:
        edges = [(i, j) for i in range(1, nodes) for j in range(i + 1, nodes + 1) if stream.rand() < p]
        graph = nx.DiGraph(edges)
        if len(graph) == nodes and nx.is_weakly_connected(graph):
            return edges


def draw_targets(stream: np.random.RandomState, graph: nx.DiGraph, count: int = 3) -> list[str]:
    """The nodes to intervene on: `count` of those that have descendants, without replacement, sorted."""
    inner = [node for node in graph if nx.descendants(graph, node)]
    return sorted(map(str, stream.choice(inner, count, replace=False)))


def draw_equations(
    stream: np.random.RandomState, graph: nx.DiGraph, noise_model: str, group: Callable[[str], tuple[str, ...]]
) -> dict[str, Equation]:
    """Equations of all nodes of `graph`; a `group` shares its weights, drawn when the first node of it appears."""
    equations: dict[str, Equation] = {node: ((), lambda u: u) for node in graph}
    drawn: set[str] = set()
    for node in graph:
        parents = tuple(sorted(graph.predecessors(node)))
        if not parents or node in drawn:
            continue
        members = group(node)
        W1 = torch.tensor(stream.uniform(-1, 1, (HIDDEN, len(parents) + (noise_model == "nadd"))))
        W2 = torch.tensor(stream.uniform(-1, 1, (len(members), HIDDEN)))
        drawn.update(members)
        mechanism = {"nlin": Additive, "nadd": NonAdditive}[noise_model]
        equations.update({member: (parents, mechanism(W1, W2[k])) for k, member in enumerate(members)})
    return equations


def siblings(node: str) -> tuple[str, ...]:
    """The scalars of the super-node that `node` belongs to."""
    super_node = (int(node[1:]) - 1) // SIZE + 1
    return tuple(scalar(super_node, k) for k in range(SIZE))


def _ladder(seed: int, noise_model: str) -> SCM:
    graph = expand_edges(LADDER)
    return SCM(draw_equations(legacy(seed), graph, noise_model, siblings), targets=("x01", "x04"))


def _random(seed: int, noise_model: str) -> SCM:
    stream = legacy(seed)
    graph = expand_edges(draw_super_edges(stream))
    targets = draw_targets(stream, graph)
    return SCM(draw_equations(stream, graph, noise_model, siblings), targets=targets)


@register("dcm/ladder/nlin")
def ladder_nlin(seed: int) -> SCM:
    """Ten super-nodes of three scalars, up to five edges deep, additive noise; ``do`` acts on one scalar of three."""
    return _ladder(seed, "nlin")


@register("dcm/ladder/nadd")
def ladder_nadd(seed: int) -> SCM:
    """Ten super-nodes of three scalars, up to five edges deep; mechanisms may fold their noise."""
    return _ladder(seed, "nadd")


@register("dcm/random/nlin")
def random_nlin(seed: int) -> SCM:
    """Ten super-nodes of three scalars, a graph drawn at each seed, additive noise."""
    return _random(seed, "nlin")


@register("dcm/random/nadd")
def random_nadd(seed: int) -> SCM:
    """Ten super-nodes of three scalars, a graph drawn at each seed; mechanisms may fold their noise."""
    return _random(seed, "nadd")
