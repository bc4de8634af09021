"""The worlds of my-worlds give finite data, obey interventions and replay their noise."""

from __future__ import annotations

import my_worlds  # noqa: F401  (importing it registers the worlds)
import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols

NAMES = [name for name in datasets.names() if name.startswith("my-worlds/")]


@pytest.mark.parametrize("name", NAMES)
def test_a_world_is_what_it_says(name):
    scm = datasets.get(name).scm(seed=0)
    noise = scm.noise(50, seed=1)
    plain = scm.observed(scm.run(noise))
    for node in scm.targets:
        moved = scm.counterfactual(noise, {node: plain[node][:1]})  # a value that it has: a discrete node has no others
        assert (moved[node] == plain[node][0]).all()
        assert all(torch.equal(moved[v], plain[v]) for v in plain if scm.graph.in_degree(v) == 0 and v != node)


@pytest.mark.parametrize("name", NAMES)
def test_a_protocol_can_ask_about_it(name):
    (problem,) = datasets.get(name).problems(protocols.get("standard"), seed=0)
    assert {query.kind for query in problem.queries} == {"observational", "interventional", "counterfactual"}


def test_a_treatment_is_set_to_its_levels():
    (problem,) = datasets.get("my-worlds/treatment").problems(protocols.get("standard"), seed=0)
    assert all(query.values.tolist() == [0, 1] for query in problem.queries if getattr(query, "node", "") == "treated")


def test_all_worlds_are_there():
    assert [f"my-worlds/{name}" for name in ("chain", "confounded", "drawn", "treatment")] == NAMES
