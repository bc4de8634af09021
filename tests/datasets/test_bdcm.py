"""Confounded worlds: graphs as drawn, what is hidden, the back door closed by the adjustment set, open without."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets import get, names
from scmbench.datasets.bdcm import ADJUSTMENT

PARENTS = {
    "scm1": {2: [1], 3: [1], 4: [3], 5: [2, 4]},
    "scm2": {2: [1], 3: [2], 4: [3], 5: [3], 6: [2, 4, 5]},
    "scm3": {2: [1], 3: [1], 4: [1], 5: [3], 6: [2, 4], 7: [1, 5, 6]},
    "scm4": {3: [1], 4: [2], 5: [3], 6: [4], 7: [3], 8: [4], 9: [5, 8], 10: [6, 7, 9]},
    "scm5": {2: [1], 3: [2], 4: [2], 5: [1], 6: [5], 7: [6], 8: [6], 9: [1, 5], 10: [9], 11: [3, 4, 7, 8, 9, 10]},
}
"""The graphs as the paper draws them."""

HIDDEN = {"scm1": "x1 x4", "scm2": "x2", "scm3": "x1", "scm4": "x1 x2 x5 x6", "scm5": "x1 x3 x4 x5 x7 x8"}
CAUSE = {"scm1": "x2", "scm2": "x4", "scm3": "x6", "scm4": "x9", "scm5": "x9"}
OUTCOME = {"scm1": "x5", "scm2": "x6", "scm3": "x7", "scm4": "x10", "scm5": "x11"}
ALL = [(graph, kind) for graph in PARENTS for kind in ("simple", "complex")]


def test_there_are_ten():
    assert [n for n in names() if n.startswith("bdcm/")] == sorted(f"bdcm/{graph}/{kind}" for graph, kind in ALL)


@pytest.mark.parametrize(("graph", "kind"), ALL)
def test_the_graph_is_the_papers_and_says_nothing_of_what_is_hidden(graph, kind):
    scm = get(f"bdcm/{graph}/{kind}").scm()
    drawn = {(f"x{parent}", f"x{child}") for child, parents in PARENTS[graph].items() for parent in parents}
    edges = set(scm.full_graph.edges)
    assert edges <= drawn
    assert (
        drawn - edges <= {("x5", "x6"), ("x4", "x6")} | {(a, "x11") for a in ("x3", "x4", "x7", "x8")}
        if kind == "complex"
        else drawn == edges
    )
    assert scm.latent == set(HIDDEN[graph].split())
    assert not scm.latent & set(scm.graph)
    assert scm.targets == (CAUSE[graph],)


@pytest.mark.parametrize(("graph", "kind"), ALL)
def test_nodes_are_in_units_of_their_own_spread(graph, kind):
    """Of 1,000 rows, as the published code standardises, in the middle of many draws."""
    scm = get(f"bdcm/{graph}/{kind}").scm()
    values = scm.run(scm.noise(200_000, seed=0))
    for node, x in values.items():
        draws = x.reshape(200, 1000)
        assert float(draws.mean(1).median()) == pytest.approx(0, abs=0.05), node
        assert float(draws.std(1).median()) == pytest.approx(1, abs=0.2), node


@pytest.mark.parametrize(("graph", "kind"), ALL)
def test_the_adjustment_set_closes_the_back_door(graph, kind):
    scm = get(f"bdcm/{graph}/{kind}").scm()
    cause, outcome = CAUSE[graph], OUTCOME[graph]
    below = nx.descendants(scm.full_graph, cause)
    adjusted = set(ADJUSTMENT[graph][outcome]) - {cause} - below
    cut = nx.DiGraph(scm.full_graph)
    cut.remove_edges_from(list(scm.full_graph.out_edges(cause)))
    assert nx.is_d_separator(cut, {cause}, {outcome}, adjusted)
    assert not nx.is_d_separator(cut, {cause}, {outcome}, set())
    assert adjusted <= set(scm.graph)


def test_the_suite_gives_each_outcome_what_closes_its_back_door():
    suite = suites.load("bdcm")
    (entry,) = [each for each in suite.models if each.label == "bdcm"]
    for graph, kind in ALL:
        given = entry.on(f"bdcm/{graph}/{kind}").build()._replaced()
        assert {node: tuple(parents) for node, parents in given.items()} == ADJUSTMENT[graph]


def test_by_hand():
    """scm1/simple from its noise: x2 = (x1^2 + u2 - 1) / sqrt(3), x4 has its cause x3, and the effect of x2 is 1."""
    scm = get("bdcm/scm1/simple").scm()
    noise = {f"x{i}": torch.full((1,), i / 10, dtype=torch.float64) for i in range(1, 6)}
    found = scm.run(noise)
    assert float(found["x2"]) == pytest.approx((0.01 + 0.2 - 1) / 3**0.5, abs=1e-3)
    assert float(found["x3"]) == pytest.approx((0.2 + 0.3) / 5**0.5, abs=1e-3)
    effect = scm.run(noise, {"x2": 1.0})["x5"] - scm.run(noise, {"x2": 0.0})["x5"]
    assert float(effect) == pytest.approx(1 / 6**0.5, abs=2e-3)
