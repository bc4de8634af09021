"""A graph as index tensors: which edge leads where."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import torch
from scmbench.datasets.values import check_graph
from torch import Tensor


@dataclass(frozen=True)
class Wiring:
    """Nodes 0, 1, ... in topological order, ties by name, and edges ``source -> target``.

    First comes a self-loop for every node, then the other edges, target after target: those into node t are
    ``starts[t], ..., starts[t + 1] - 1``.
    """

    source: Tensor
    target: Tensor
    starts: Tensor

    @classmethod
    def of(cls, graph: nx.DiGraph) -> Wiring:
        """The wiring of `graph`."""
        place = {v: i for i, v in enumerate(check_graph(graph))}
        loops = [(i, i) for i in place.values()]
        parents = [(place[pa], i) for v, i in place.items() for pa in sorted(graph.predecessors(v))]
        source, target = torch.tensor(loops + parents).T.contiguous()
        degrees = torch.tensor([0, *(graph.in_degree(v) for v in place)])
        return cls(source, target, len(place) + degrees.cumsum(0))

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.starts) - 1

    @property
    def edges(self) -> int:
        """Number of edges, self-loops included."""
        return len(self.source)


def longest_path(graph: nx.DiGraph) -> int:
    """Edges on the longest directed path."""
    return nx.dag_longest_path_length(graph, weight=None)
