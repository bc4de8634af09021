"""Worlds told with a wrong graph, ``misspecified/{change}/{world}``: the truth is the world's, the graph is not.

What a model is told differs from the world's graph by one arrow or one node, which the seed draws:

* ``dropped``: an arrow is missing;
* ``added``: there is an arrow between two nodes that have none, the way that closes no cycle (where both ways do not,
  the seed chooses);
* ``reversed``: an arrow points the other way, where that closes no cycle;
* ``hidden``: a common cause of two nodes is not observed, neither in the rows nor in the graph, and not asked about.
  Its own causes count as causes of its effects (`SCM.graph`).

Training rows, questions and truth are those of the world at the same seed, so that what an error has more is owed to
the graph. Methods that read the order of the nodes alone notice an arrow only where it turns the order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import TypeVar

import networkx as nx
import torch

from .errors import UserError
from .hidden import CONFOUNDED
from .of_world import OfWorld, world_of
from .problem import SCMDataset
from .scm import SCM
from .seeds import generator


class NothingToChange(UserError, ValueError):
    """A graph that has no arrow or node of the wanted kind."""


Arrow = tuple[str, str]
T = TypeVar("T")


def arrows(graph: nx.DiGraph, change: str) -> list[Arrow]:
    """The arrows that a change may drop, add or reverse, sorted.

    >>> chain = nx.DiGraph([("x", "y"), ("y", "z")])
    >>> arrows(chain, "added"), arrows(chain, "reversed")
    ([('x', 'z')], [('x', 'y'), ('y', 'z')])
    """
    if change == "dropped":
        return sorted(graph.edges)
    if change == "reversed":
        return sorted((a, b) for a, b in graph.edges if not _other_way(graph, a, b))
    apart = [pair for pair in combinations(sorted(graph), 2) if not graph.has_edge(*pair)]
    both = [arrow for a, b in apart if not graph.has_edge(b, a) for arrow in ((a, b), (b, a))]
    return [(a, b) for a, b in both if not nx.has_path(graph, b, a)]


def _other_way(graph: nx.DiGraph, a: str, b: str) -> bool:
    """Whether there is a path from a to b beside the arrow."""
    rest = nx.DiGraph(graph)
    rest.remove_edge(a, b)
    return nx.has_path(rest, a, b)


def common_causes(graph: nx.DiGraph) -> list[str]:
    """Nodes with two children or more, sorted."""
    return sorted(node for node, children in graph.out_degree if children > 1)


def _drawn(found: Sequence[T], change: str, world: str, seed: int) -> T:
    if not found:
        what = "common cause to hide" if change == "hidden" else f"arrow that can be {change}"
        raise NothingToChange(f"the graph of {world} has no {what} at seed {seed}")
    stream = generator(seed, "misspecified", change, world)
    return found[int(torch.randint(len(found), (), generator=stream))]


class Misspecified(OfWorld):
    """A world told with a wrong graph; see the module's first lines."""

    def __init__(self, change: str, world: SCMDataset):
        self.change = change
        super().__init__(f"misspecified/{change}/{world.name}", world, other={"change": change})
        self.__doc__ = f"`{world.name}` with one {'node' if change == 'hidden' else 'arrow'} of its graph {change}."

    def told(self, scm: SCM, seed: int) -> nx.DiGraph:
        """The wrong graph of this seed. Raises `NothingToChange`."""
        graph = nx.DiGraph(self.world.told(scm, seed))
        if self.change == "hidden":
            graph.graph.pop(CONFOUNDED, None)  # that there is a hidden cause is what is not told
        else:
            a, b = _drawn(arrows(graph, self.change), self.change, self.world.name, seed)
            if self.change != "added":
                graph.remove_edge(a, b)
            if self.change != "dropped":
                graph.add_edge(*((a, b) if self.change == "added" else (b, a)))
        return graph

    def made(self, seed: int) -> SCM:
        """The world, one of its common causes hidden where that is the change. Raises `NothingToChange`."""
        scm = self.world.scm(seed)
        if self.change != "hidden":
            return scm
        return scm.hiding(_drawn(common_causes(scm.graph), self.change, self.world.name, seed))


@cache
def family(name: str) -> Misspecified | None:
    """The dataset of a full name; None for a name outside of the family.

    Raises `UnknownDataset` for a world that there is not, `NothingToChange` where its graph leaves nothing to change.
    """
    found = re.fullmatch(r"misspecified/(dropped|added|reversed|hidden)/(?!misspecified/)(.+)", name)
    world = world_of(found[2]) if found else None
    if not found or not world:
        return None
    made = Misspecified(found[1], world)
    if made.missing() is None:
        made.told(made.scm(0), 0)
    return made
