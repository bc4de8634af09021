"""Worlds told with a wrong graph: the truth stays, one arrow or node of what is told does not."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest
import torch
from scmbench import datasets, models
from scmbench.benchmarks.questions import protocols
from scmbench.datasets.attributes import attributes
from scmbench.datasets.misspecified import NothingToChange, arrows, common_causes, family
from scmbench.datasets.registry import UnknownDataset, resolve

WORLD = "dcm/diamond/nlin"
PROTOCOL = replace(protocols.get("standard"), n_train=200, n_observational=50, n_interventional=20, n_factual=20)


def problem(change, world=WORLD, seed=0):
    (made,) = datasets.get(f"misspecified/{change}/{world}").problems(PROTOCOL, seed=seed)
    return made


def base(world=WORLD, seed=0):
    (made,) = datasets.get(world).problems(PROTOCOL, seed=seed)
    return made


@pytest.mark.parametrize("change", ["dropped", "added", "reversed"])
@pytest.mark.parametrize("world", ["dcm/chain/nlin", "drawn/10/2/mlp/additive"])
def test_rows_and_truth_are_the_worlds_and_one_arrow_is_not(change, world):
    told, true = problem(change, world), base(world)
    assert all(torch.equal(told.train[node], x) for node, x in true.train.items())
    assert sorted(told.scm.graph.edges) == sorted(true.graph.edges)
    assert nx.is_directed_acyclic_graph(told.graph)
    more, less = set(told.graph.edges) - set(true.graph.edges), set(true.graph.edges) - set(told.graph.edges)
    assert (len(more), len(less)) == {"dropped": (0, 1), "added": (1, 0), "reversed": (1, 1)}[change]
    if change == "reversed":
        assert {(b, a) for a, b in more} == less
    assert len(told.queries) == len(true.queries)


def test_a_hidden_cause_is_in_neither_rows_nor_graph_nor_questions():
    told, true = problem("hidden"), base()
    (hidden,) = set(true.train) - set(told.train)
    assert hidden in common_causes(true.graph)
    assert hidden not in told.graph
    assert "confounded" not in told.graph.graph
    assert hidden not in told.scm.targets
    assert all(torch.equal(x, true.train[node]) for node, x in told.train.items())
    graph = true.graph
    passed = {(a, b) for a in graph.predecessors(hidden) for b in graph.successors(hidden)}
    assert set(told.graph.edges) == {e for e in graph.edges if hidden not in e} | passed


def test_seeds_draw_other_changes_and_one_seed_the_same():
    name = "misspecified/dropped/drawn/10/2/mlp/additive"
    first = [sorted(problem("dropped", "drawn/10/2/mlp/additive", seed).graph.edges) for seed in (0, 0)]
    assert first[0] == first[1]
    chain = {tuple(sorted(problem("dropped", "dcm/y/nlin", seed).graph.edges)) for seed in range(12)}
    assert len(chain) == datasets.get("dcm/y/nlin").scm().graph.number_of_edges()
    assert datasets.get(name).version == datasets.get("drawn/10/2/mlp/additive").version


@pytest.mark.parametrize(
    ("change", "edges"),
    [("dropped", "x1-x3"), ("reversed", "x1-x2"), ("added", "x1-x3")],
)
def test_candidates(change, edges):
    graph = nx.DiGraph(
        [("x1", "x2"), ("x2", "x3"), ("x1", "x3")] if change != "added" else [("x1", "x2"), ("x2", "x3")]
    )
    assert tuple(edges.split("-")) in arrows(graph, change)
    if change == "reversed":
        assert ("x1", "x3") not in arrows(graph, change)  # x1 -> x2 -> x3 would be a cycle with it


def test_a_dropped_arrow_costs_the_effect_along_it_and_the_oracle_does_not_mind():
    told = problem("dropped", "cnf/chain/lin")
    fitted = models.load("linear")().fit(told.graph, told.train, seed=0)
    assert set(fitted.sample(5, seed=0)) == set(told.train)
    oracle = models.load("oracle")().fit_many([told], [0])[0]
    counterfactual = next(q for q in told.queries if q.kind == "counterfactual")
    scores = [s.score for s in counterfactual.score(counterfactual.ask(oracle, seed=0))]
    assert max(scores) == 0.0


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("misspecified/lost/dcm/y/nlin", UnknownDataset, "write misspecified/{change}/{world}"),
        ("misspecified/dropped/dcm/nowhere", UnknownDataset, "no dataset 'dcm/nowhere'"),
        ("misspecified/dropped/misspecified/added/dcm/y/nlin", UnknownDataset, "write misspecified/"),
        ("misspecified/added/dcm/triangle/nlin", NothingToChange, "has no arrow that can be added at seed 0"),
        ("misspecified/hidden/dcm/fork9", UnknownDataset, "no dataset 'dcm/fork9'"),
        ("misspecified/hidden/cnf/chain/lin", NothingToChange, "has no common cause to hide at seed 0"),
    ],
)
def test_what_there_is_not_is_told(name, error, words):
    with pytest.raises(error, match=words.replace("{", r"\{").replace("}", r"\}")):
        resolve(name)


def test_attributes_are_those_of_the_world_that_is_left():
    assert attributes(f"misspecified/hidden/{WORLD}")["latent"] == 1
    assert attributes(f"misspecified/dropped/{WORLD}")["edges"] == attributes(WORLD)["edges"]
    assert "hidden" in family(f"misspecified/hidden/{WORLD}").__doc__
