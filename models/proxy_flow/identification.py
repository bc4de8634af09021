"""Which interventions the law of the observed nodes answers, where some of these have hidden causes in common.

Nothing here looks at data. A graph without proxies answers ``do(x)`` if no child of x shares a hidden cause with it,
be it by way of others (Tian, Pearl, "A general identification condition for causal effects", AAAI 2002). Where one
does, two proxies may still answer it (Miao, Geng, Tchetgen Tchetgen, "Identifying causal effects with proxy variables
of an unmeasured confounder", Biometrika, 2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import networkx as nx

from .groups import components


def unanswered(
    graph: nx.DiGraph, groups: Sequence[Sequence[str]], widths: Mapping[str, int], dim: int
) -> dict[str, str]:
    """The nodes whose effects do not follow from any law of the observed nodes as far as is known here, and why.

    A node x is among them if a child of it hangs together with it by hidden causes, unless every descendant y of x that
    does so shares hidden causes with it directly, each of which has proxies (`proxied`), and no others connect them.

    Args:
        graph: The observed nodes' graph.
        groups: Sets of nodes, each with a hidden cause in common.
        widths: The number of columns of every node.
        dim: The dimension that a hidden cause is taken to have.

    Returns:
        Node to a clause that says what is missing; the rule errs to the side of refusing.
    """
    whole = _with_causes(graph, groups)
    found: dict[str, str] = {}
    for part in components(groups):
        members = {node for i in part for node in groups[i]}
        for x in sorted(members):
            if members.isdisjoint(graph.successors(x)):
                continue
            for y in sorted(members & nx.descendants(graph, x)):
                shared = [i for i in part if {x, y} <= set(groups[i])]
                lacking = [i for i in shared if not proxied(whole, groups[i], i, x, y, widths, dim)]
                if lacking:
                    effects = ", ".join(map(str, groups[lacking[0]]))
                    found[x] = f"the hidden cause of {effects} lacks two proxies for it and {y}"
                elif not shared or _connected([groups[i] for i in part if i not in shared], x, y):
                    found[x] = f"{x} and {y} hang together by a chain of hidden causes"
                if x in found:
                    break
    return found


def proxied(
    whole: nx.DiGraph, group: Sequence[str], number: int, x: str, y: str, widths: Mapping[str, int], dim: int
) -> bool:
    """Whether a hidden cause U of x and y has proxies W and Z in its `group`, each of `dim` columns or more, such that

        W is independent of Z and x given U and C,   Z is independent of y given U, x and C,

    by d-separation; C are the other parents of x and y that x does not cause. (That they vary enough with U, which the
    theorem calls completeness, no graph can say; `dim` columns are the least that it takes.)
    """
    below, cause = nx.descendants(whole, x), _cause(number)
    parents = {v for node in (x, y) for v in whole.predecessors(node) if not isinstance(v, tuple)} - below - {x, y}
    able = sorted(set(group) - {x, y} - below)

    def given(*out: Iterable[str]) -> set:
        return {cause, *parents.difference(*out)}

    first = [w for w in able if separated(whole, {w}, {x}, given([w]))]
    second = [z for z in able if separated(whole, {z}, {y}, {x, *given([z])})]
    for w in _enough(first, widths, dim):
        for z in _enough([v for v in second if v not in w], widths, dim):
            conditions = given(w, z)
            if separated(whole, set(w), {x, *z}, conditions) and separated(whole, set(z), {y}, {x, *conditions}):
                return True
    return False


def separated(graph: nx.DiGraph, a: set, b: set, given: set) -> bool:
    """Whether `given` d-separates `a` from `b`: no path between them in the moral graph of all their ancestors.

    Lauritzen, Dawid, Larsen, Leimer, "Independence properties of directed Markov fields", 1990.
    """
    kept = a | b | given
    kept = kept.union(*(nx.ancestors(graph, v) for v in kept))
    moral = nx.Graph()
    moral.add_nodes_from(kept - given)
    for node in kept:
        family = [node, *(p for p in graph.predecessors(node) if p in kept)]
        moral.add_edges_from(pair for pair in combinations(family, 2) if given.isdisjoint(pair))
    return not any(nx.has_path(moral, u, v) for u in a for v in b)


def _enough(nodes: Sequence[str], widths: Mapping[str, int], dim: int) -> Iterator[tuple[str, ...]]:
    """Sets of these nodes that have `dim` columns, the smallest first, none with a node too many."""
    for size in range(1, min(dim, len(nodes)) + 1):
        for chosen in combinations(nodes, size):
            total = sum(widths[v] for v in chosen)
            if total >= dim and all(total - widths[v] < dim for v in chosen):
                yield chosen


def _cause(number: int) -> tuple[str, int]:
    return "hidden", number


def _with_causes(graph: nx.DiGraph, groups: Sequence[Sequence[str]]) -> nx.DiGraph:
    whole = nx.DiGraph(graph.edges)
    whole.add_nodes_from(graph)
    for i, group in enumerate(groups):
        whole.add_edges_from((_cause(i), node) for node in group)
    return whole


def _connected(groups: Iterable[Sequence[str]], x: str, y: str) -> bool:
    links = nx.Graph([(x, x), (y, y)])
    for group in groups:
        links.add_edges_from((group[0], node) for node in group[1:])
    return nx.has_path(links, x, y)
