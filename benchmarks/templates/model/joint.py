"""my-method: one model of all nodes together."""

from __future__ import annotations

from typing import ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets import Intervention, Values
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import check_graph, expand, parents
from scmbench.models import CausalModel
from scmbench.models.contract.columns import Table
from torch import Tensor


class MyMethod(CausalModel):
    """Say in one sentence what the method does, then cite it: title, authors, year.

    This skeleton learns ``z = z W + u`` over the standardised columns of all nodes, with W zero where the graph has no
    arrow: put your own method in its place.

    Option `ridge`: the penalty on the squared weights.
    """

    version: ClassVar[int] = 1
    """Count it up whenever answers change, so that old results are not taken for new ones."""

    answers: ClassVar[frozenset[str]] = frozenset({"observational", "interventional", "counterfactual"})
    """Drop what the method cannot answer: it is not asked then."""

    def __init__(self, ridge: float = 1e-6):
        self.ridge = ridge  # every option is a plain value, kept under its own name

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Learn from rows ``{node: (n, *event)}``; all randomness from `seed`."""
        # A method that draws: generator(seed, "what for") of scmbench.datasets.seeds, never the global generator.
        self.order = check_graph(graph)  # topological; a cycle is refused
        self.table = Table(self.order, data)  # (n, D) and back; a missing column or NaN is refused
        self.graph = graph.copy()
        z = self.table.pack(data)
        self.W = torch.zeros(z.shape[1], z.shape[1], dtype=z.dtype)
        for node in self.order:
            sources = self.table.mask(parents(graph, node))
            A, x = z[:, sources], z[:, self.table.slices[node]]
            penalty = self.ridge * torch.eye(A.shape[1], dtype=A.dtype)
            self.W[sources, self.table.slices[node]] = torch.linalg.solve(A.T @ A + penalty, A.T @ x)
        self.noise = z - z @ self.W
        return self

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` rows, observational or under `do`: fresh noise for every node, then from causes to effects."""
        u = torch.empty(n, len(self.W), dtype=self.W.dtype)
        for node, columns in self.table.slices.items():
            drawn = torch.randint(len(self.noise), (n,), generator=generator(seed, node))
            u[:, columns] = self.noise[drawn, columns]
        return self._solve(u, expand(do, n, self.table.like))

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """The same rows under `do`: abduct their noise, set the intervened nodes, predict the others."""
        z = self.table.pack(factual)  # missing nodes, NaN and other shapes are refused
        forced = expand(do, len(z), self.table.like)  # unknown nodes and values that do not fit are refused
        answer = self._solve(z - z @ self.W, forced)
        reached = set(forced).union(*(nx.descendants(self.graph, node) for node in forced))
        return {node: answer[node] if node in reached else factual[node].clone() for node in answer}

    def cost(self) -> dict[str, int]:
        """What the tables say a fit took; count ``gradient_steps`` too where there are any."""
        return {"parameters": int((self.W != 0).sum())}

    def _solve(self, u: Tensor, forced: Values) -> Values:
        z = torch.zeros_like(u)
        for node in self.order:
            columns = self.table.slices[node]
            given = node in forced
            z[:, columns] = self.table.standardise(node, forced[node]) if given else (z @ self.W + u)[:, columns]
        return {**self.table.unpack(z), **forced}  # `do` is exact, not what scaling and back makes of it
