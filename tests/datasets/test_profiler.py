"""Worlds of causal-profiler: what its own SCM computes, drawn by the seed alone; a plain word without the package."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib.util import find_spec

import networkx as nx
import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.suites import papers
from scmbench.datasets import DataMissing, profiler
from scmbench.datasets.attributes import attributes
from scmbench.datasets.registry import UnknownDataset, resolve

needs_package = pytest.mark.skipif(
    find_spec("causal_profiler") is None, reason="causal-profiler is not installed: scmbench[profiler]"
)
NAMES = [
    "profiler/5/linear/additive/gaussian",
    "profiler/10/nn/multiplicative/gaussian",
    "profiler/10/nn/functional/uniform",
    "profiler/20/linear/multiplicative/uniform",
]


@needs_package
@pytest.mark.parametrize("name", NAMES)
def test_values_are_what_the_package_computes_from_this_noise(name, monkeypatch):
    kept = []
    package = profiler._package()
    own = package.Sampler.generate_scm

    def generate(self):
        kept.append(own(self))
        return kept[-1]

    monkeypatch.setattr(package.Sampler, "generate_scm", generate)
    n, *rest = name.split("/")[1:]
    world = profiler.draw(int(n), *rest, seed=3)
    theirs, noise = kept[-1], world.noise(50, seed=0)
    ours = world.run(noise)
    theirs.reset_values()
    for node, u in noise.items():
        theirs.variables[f"U_{node}"].value = u.numpy()[:, None]
    theirs.compute_variables()
    for node, x in ours.items():
        assert torch.allclose(x, torch.as_tensor(theirs.variables[node].value, dtype=torch.float64)[:, 0])


@needs_package
@pytest.mark.parametrize("name", NAMES)
def test_a_world_can_be_asked_at_every_rung(name):
    world = datasets.get(name).scm(1)
    assert len(world.graph) == attributes(name)["n"]
    assert 1 <= len(world.targets) <= 3
    assert all(nx.descendants(world.graph, node) for node in world.targets)
    noise = world.noise(20, seed=0)
    (target, *_), rows = world.targets, world.run(noise)
    moved = world.counterfactual(noise, {target: rows[target] + 1})
    reached = nx.descendants(world.graph, target) | {target}
    assert all(torch.equal(moved[v], rows[v]) for v in rows if v not in reached)
    assert any(not torch.equal(moved[v], rows[v]) for v in reached - {target})


@needs_package
def test_the_seed_alone_decides_and_nothing_global_moves():
    code = (
        "from scmbench.datasets import get; w = get('profiler/10/nn/functional/uniform').scm(1);"
        "print(sorted(w.graph.edges), sum(float(x.sum()) for x in w.sample(50, seed=2).values()))"
    )
    shown, state = warnings.showwarning, torch.get_rng_state()
    world = profiler.draw(10, "nn", "functional", "uniform", seed=1)
    own = sum(float(x.sum()) for x in world.sample(50, seed=2).values())
    assert warnings.showwarning is shown
    assert torch.equal(torch.get_rng_state(), state)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == f"{sorted(world.graph.edges)} {own}"
    assert sorted(profiler.draw(10, "nn", "functional", "uniform", seed=2).graph.edges) != sorted(world.graph.edges)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(profiler, "find_spec", lambda name: None)
    dataset = datasets.get(NAMES[0])
    assert "pip install 'scmbench[profiler]'" in dataset.missing()
    with pytest.raises(DataMissing, match=r"scmbench\[profiler\]"):
        dataset.scm(0)


@pytest.mark.parametrize(
    "name", ["profiler/7/nn/additive/uniform", "profiler/5/tree/additive/uniform", "profiler/5/nn"]
)
def test_what_there_is_not_is_told(name):
    with pytest.raises(UnknownDataset, match="write profiler/"):
        resolve(name)


def test_their_paper_is_cited():
    assert [paper.key for paper in papers.of_dataset(NAMES[0])] == ["panayiotou2025profiler"]
