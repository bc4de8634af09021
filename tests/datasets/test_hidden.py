"""Sets of nodes with a hidden cause in common, as a world's graph says them."""

from __future__ import annotations

import networkx as nx
import pytest
from scmbench import datasets
from scmbench.datasets.hidden import groups

FORK = [("h", "a"), ("h", "b")]


@pytest.mark.parametrize(
    ("edges", "hidden", "found"),
    [
        (FORK, "h", (("a", "b"),)),
        (FORK, "", ()),
        ([("a", "h"), ("h", "b")], "h", ()),  # it transmits, and is in no two
        ([("a", "h"), ("h", "b"), ("h", "c")], "h", (("b", "c"),)),
        ([("h", "a"), ("h", "m"), ("m", "b")], "hm", (("a", "b"),)),
        ([*FORK, ("g", "a"), ("g", "b")], "gh", (("a", "b"),)),
        ([*FORK, ("g", "b"), ("g", "c")], "gh", (("a", "b"), ("b", "c"))),
    ],
)
def test_groups(edges, hidden, found):
    assert groups(nx.DiGraph(edges), hidden) == found


@pytest.mark.parametrize(
    ("world", "found"),
    [
        ("confounded/open-0.5", (("x", "y"),)),
        ("confounded/closed-0.5", (("x", "z"),)),
        ("bdcm/scm1/simple", (("x2", "x3"),)),
        ("dcm/triangle/nlin", None),
    ],
)
def test_a_world_says_them_in_its_graph(world, found):
    assert datasets.get(world).scm().graph.graph.get("confounded") == found


def test_a_cause_that_is_hidden_later_is_among_them():
    scm = datasets.get("dcm/triangle/nlin").scm()
    assert scm.hiding("x1").graph.graph["confounded"] == (("x2", "x3"),)
