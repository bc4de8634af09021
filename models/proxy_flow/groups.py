"""Which nodes have a hidden cause in common, as an option or a graph says it, and which of them hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import networkx as nx
from scmbench.datasets.hidden import CONFOUNDED, Groups
from scmbench.datasets.values import ValuesError


def written(texts: Sequence[str]) -> Groups:
    """The sets of texts such as ``"w, z, x, y"``, one text a hidden cause.

    Raises `ValueError` for anything else than texts that name two nodes or more, none of them twice.
    """
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValueError(f"confounded={texts!r}: expected a list of texts such as 'w, z, x, y'")
    found = []
    for text in texts:
        nodes = tuple(name.strip() for name in text.split(",")) if isinstance(text, str) else ()
        if len(nodes) < 2 or "" in nodes or len(set(nodes)) < len(nodes):
            raise ValueError(f"confounded: {text!r}; expected nodes with one hidden cause, such as 'w, z, x, y'")
        found.append(nodes)
    return tuple(found)


def told(texts: Sequence[str], graph: nx.DiGraph) -> Groups:
    """What the option says, or else the graph's attribute.

    Raises `ValuesError` for a node that is not in the graph, and for an attribute that is no list of sets of nodes.
    """
    names = {str(node): node for node in graph}
    found = tuple(tuple(names.get(name, name) for name in group) for group in written(texts))
    found = found or _of_graph(graph.graph.get(CONFOUNDED, ()))
    if unknown := sorted({str(node) for group in found for node in group if node not in graph}):
        raise ValuesError(f"{CONFOUNDED}: unknown node(s) {unknown}; there are {sorted(graph)}")
    return found


def _of_graph(given: Any) -> Groups:
    sets = list | tuple | set | frozenset
    if not isinstance(given, sets) or not all(isinstance(g, sets) and len(set(g)) == len(g) > 1 for g in given):
        raise ValuesError(
            f"graph.graph[{CONFOUNDED!r}] is {given!r}: expected a list of sets of two nodes or more, each with one "
            "hidden cause, such as [('w', 'z', 'x', 'y')]"
        )
    return tuple(tuple(group if isinstance(group, list | tuple) else sorted(group)) for group in given)


def components(groups: Iterable[Sequence[str]]) -> list[list[int]]:
    """The numbers of the groups that hang together, by nodes that are in several."""
    links = nx.Graph()
    for i, group in enumerate(groups):
        links.add_edges_from((i, ("node", node)) for node in group)
    return sorted(sorted(v for v in part if isinstance(v, int)) for part in nx.connected_components(links))
