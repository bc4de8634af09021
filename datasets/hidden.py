"""Which observed nodes have a hidden cause in common: the bidirected edges of a graph without its hidden nodes."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

CONFOUNDED = "confounded"
"""The attribute of a graph, ``graph.graph["confounded"]``, that holds what `groups` gives."""

Groups = tuple[tuple[str, ...], ...]
"""Sets of observed nodes, each with a hidden cause of its own in common."""


def groups(graph: nx.DiGraph, hidden: Iterable[str]) -> Groups:
    """For every hidden cause the observed nodes that it reaches through hidden ones alone, where there are two or more.

    Between any two nodes of a set goes a bidirected edge of a graph of observed nodes (Tian, Pearl, "A general
    identification condition for causal effects", AAAI 2002). A set says more than its edges do: that one cause has all
    of these effects. Hidden causes that reach the same nodes make one set.

    Args:
        graph: The graph of all nodes, hidden ones included.
        hidden: The nodes that are not observed.

    Returns:
        The sets, each sorted, and sorted.

    >>> groups(nx.DiGraph([("h", "x"), ("h", "m"), ("m", "y"), ("x", "y")]), ["h", "m"])
    (('x', 'y'),)
    """
    unseen, found = set(hidden), set()
    for cause in unseen:
        reached, waiting = set(), [cause]
        while waiting:
            for child in graph.successors(waiting.pop()):
                (waiting.append if child in unseen else reached.add)(child)
        if len(reached) > 1:
            found.add(tuple(sorted(reached)))
    return tuple(sorted(found))
