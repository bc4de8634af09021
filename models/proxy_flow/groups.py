"""Which nodes have a hidden cause in common, as an option or a graph says it, and which of them hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx
from scmbench.datasets.hidden import CONFOUNDED, Groups
from scmbench.datasets.values import ValuesError


def written(texts: Sequence[str]) -> Groups:
    """The sets of texts such as ``"w, z, x, y"``, one text a hidden cause.

    Raises `ValueError` for anything else than texts that name two nodes or more, none of them twice.
    """
    if isinstance(texts, str):
        raise ValueError(f"confounded={texts!r}: expected a list of texts such as 'w, z, x, y'")
    found = []
    for text in texts:
        nodes = tuple(name.strip() for name in text.split(",")) if isinstance(text, str) else ()
        if len(nodes) < 2 or "" in nodes or len(set(nodes)) < len(nodes):
            raise ValueError(f"confounded: {text!r}; expected nodes with one hidden cause, such as 'w, z, x, y'")
        found.append(nodes)
    return tuple(found)


def told(texts: Sequence[str], graph: nx.DiGraph) -> Groups:
    """What the option says, or else the graph's attribute. Raises `ValuesError` for a node that is not in the graph."""
    found = written(texts) or tuple(tuple(group) for group in graph.graph.get(CONFOUNDED, ()))
    if unknown := sorted({node for group in found for node in group} - set(graph)):
        raise ValuesError(f"{CONFOUNDED}: unknown node(s) {unknown}; there are {sorted(graph)}")
    return found


def components(groups: Iterable[Sequence[str]]) -> list[list[int]]:
    """The numbers of the groups that hang together, by nodes that are in several."""
    links = nx.Graph()
    for i, group in enumerate(groups):
        links.add_edges_from((i, ("node", node)) for node in group)
    return sorted(sorted(v for v in part if isinstance(v, int)) for part in nx.connected_components(links))
