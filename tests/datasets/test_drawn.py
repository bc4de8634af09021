"""Drawn worlds: the seed alone decides, scale tells nothing, noise is what the name says, names are read whole."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import networkx as nx
import pytest
import torch
from scmbench.datasets import registry
from scmbench.datasets.attributes import attributes
from scmbench.datasets.drawn import MECHANISMS, NOISES, draw_graph, family, varsortability
from scmbench.datasets.registry import UnknownDataset

SMALL = [f"drawn/5/2/{mechanism}/{noise}" for mechanism, noise in product(MECHANISMS, NOISES)]


@pytest.mark.parametrize("name", SMALL)
def test_every_member_is_standardised_finite_and_another_at_each_seed(name):
    world = registry.get(name).scm(3)
    rows = world.sample(3000, seed=1)
    for x in rows.values():
        assert x.isfinite().all()
        assert float(x.mean()) == pytest.approx(0, abs=0.12)
        assert float(x.std()) == pytest.approx(1, abs=0.2)
    assert 1 <= len(world.targets) <= 3
    assert all(nx.descendants(world.graph, node) for node in world.targets)
    other = registry.get(name).scm(4).sample(3000, seed=1)
    assert any(not torch.equal(other[node], x) for node, x in rows.items())


def test_a_world_is_the_same_in_another_process():
    code = (
        "from scmbench.datasets import get; w = get('drawn/10/2/gp/heavy').scm(1);"
        "print(sorted(w.graph.edges), w.targets, sum(float(x.sum()) for x in w.sample(50, seed=2).values()))"
    )
    world = registry.get("drawn/10/2/gp/heavy").scm(1)
    own = sum(float(x.sum()) for x in world.sample(50, seed=2).values())
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == f"{sorted(world.graph.edges)} {world.targets} {own}".split()


@pytest.mark.parametrize(
    ("name", "edges", "total"),
    [
        ("drawn/5/2/mlp/heteroscedastic", 10, -60.217431),
        ("drawn/10/2/tree/nonmonotone", 16, -117.437186),
        ("drawn/10/2/gp/heavy", 16, -7.068541),
        ("drawn/5/1/periodic/multiplicative", 8, -83.595756),
    ],
)
def test_what_is_drawn_moves_only_with_a_version(name, edges, total):
    """A mean under weights by node; where these move, raise the `version` of `Drawn`."""
    world = registry.get(name).scm(0)
    rows = sorted(world.sample(64, seed=1).items())
    assert (registry.get(name).version, world.graph.number_of_edges()) == (1, edges)
    assert sum(i * float(x.sum()) for i, (_, x) in enumerate(rows, start=1)) == pytest.approx(total, rel=1e-6)


def test_the_global_stream_is_left_alone():
    state = torch.get_rng_state()
    family.cache_clear()
    registry.get("drawn/5/1/mlp/additive").scm(0)
    assert torch.equal(state, torch.get_rng_state())


def test_graphs_have_the_degree_of_their_name_and_names_tell_no_order():
    degrees = [draw_graph(20, 3, seed).number_of_edges() / 20 for seed in range(40)]
    assert sum(degrees) / 40 == pytest.approx(3, abs=0.25)
    forward = [a < b for seed in range(40) for a, b in draw_graph(20, 3, seed).edges]
    assert sum(forward) / len(forward) == pytest.approx(0.5, abs=0.05)
    assert nx.is_directed_acyclic_graph(draw_graph(50, 4, 0))


def test_mechanisms_are_compared_on_one_graph():
    graphs = [registry.get(f"drawn/10/2/{mechanism}/additive").scm(2).graph for mechanism in MECHANISMS]
    assert all(set(graph.edges) == set(graphs[0].edges) for graph in graphs)


@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_monotone_but_where_the_name_says_otherwise(noise):
    world = registry.get(f"drawn/5/2/mlp/{noise}").scm(0)
    u = torch.linspace(-3, 3, 301, dtype=torch.float64)
    for node, parents in world.parents.items():
        if parents:
            x = world.functions[node](u, *(torch.full_like(u, 0.3) for _ in parents))
            rises = bool((x.diff() > 0).all())
            assert rises is (noise != "nonmonotone")


def test_heavy_tails_are_heavier_and_spread_depends_on_the_causes_where_the_name_says_so():
    def spread(noise):
        world = registry.get(f"drawn/5/2/gp/{noise}").scm(1)
        node = next(v for v, parents in world.parents.items() if parents)
        u = torch.randn(4000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        at = [world.functions[node](u, *(torch.full_like(u, a) for _ in world.parents[node])) for a in (-1.5, 0.0, 1.5)]
        kurtosis = float((at[1] - at[1].mean()).pow(4).mean() / at[1].var() ** 2)
        return max(float(x.std()) for x in at) / min(float(x.std()) for x in at), kurtosis

    assert spread("additive")[0] == pytest.approx(1)
    assert spread("heteroscedastic")[0] > 1.05
    assert spread("multiplicative")[0] > 1.05
    assert spread("heavy")[1] > 5
    assert spread("additive")[1] == pytest.approx(3, abs=0.4)


def test_varsortability_is_what_its_paper_says():
    chain = nx.DiGraph([("a", "b"), ("b", "c")])
    sizes = {"a": 1.0, "b": 2.0, "c": 3.0}
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)
    assert varsortability(chain, {v: s * x for v, s in sizes.items()}) == 1
    assert varsortability(chain, {v: x / s for v, s in sizes.items()}) == 0
    assert varsortability(chain, dict.fromkeys("abc", x)) == 0.5
    means = [attributes(f"drawn/20/2/{mechanism}/additive")["varsortability"] for mechanism in ("linear", "periodic")]
    assert all(0.25 < mean < 0.75 for mean in means)


def test_attributes_are_those_of_the_name():
    told = attributes("drawn/10/2/periodic/heavy")
    assert {k: told[k] for k in ("n", "degree", "mechanism", "noise", "paper")} == {
        **{"n": 10, "degree": 2, "mechanism": "periodic", "noise": "heavy", "paper": "drawn"}
    }


@pytest.mark.parametrize(
    "name",
    [
        *("drawn", "drawn/5", "drawn/6/1/mlp/heavy", "drawn/5/3/mlp/heavy", "drawn/5/0/mlp/heavy", "drawn/5/1/mlp/odd"),
        *("drawn/05/1/mlp/heavy", "drawn/5/1/mpl/heavy", "drawn/5/1/mlp/heavy/more", "drawn/٥/1/mlp/heavy"),
    ],
)
def test_a_name_outside_of_the_family_is_told_how_to_write_one(name):
    for ask in (registry.get, registry.resolve):
        with pytest.raises(UnknownDataset, match=r"write drawn/\{n\}/\{degree\}"):
            ask(name)


def test_members_resolve_and_are_not_listed():
    assert registry.resolve("drawn/20/2/mlp/heavy") == ["drawn/20/2/mlp/heavy"]
    assert registry.get("drawn/20/2/mlp/heavy") is registry.get("drawn/20/2/mlp/heavy")
    assert not [name for name in registry.names() if name.startswith("drawn")]
    assert registry.resolve("drawn/5", ["drawn/5/1/mlp/heavy", "dcm/y/nlin"]) == ["drawn/5/1/mlp/heavy"]


def test_a_family_s_name_is_taken():
    with pytest.raises(ValueError, match=r"'drawn/mine' is taken twice, by scmbench\.datasets\.drawn"):
        registry.register("drawn/mine")(lambda: {"x": lambda u: u})
