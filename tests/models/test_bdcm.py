"""BDCM: what nodes are given instead of their parents, roots that stay together, a confounded line."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench.datasets.values import ValuesError
from scmbench.models import conformance
from scmbench.models.dcm import BDCM, DCM

FEW = {"epochs": 2, "steps": 10, "width": (16, 16)}
GRAPH = nx.DiGraph([("c", "x"), ("x", "y")])


def rows(n: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """A hidden h is in c and y, and c in x: the back door from x to y goes through c."""
    h, c, x, y = torch.randn(4, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    c = h + c / 4
    x = c + x
    return {"c": c, "x": x, "y": 2 * h + x + y / 4}


def test_it_conforms():
    conformance.require(BDCM, {"epochs": 2})


def test_without_anything_given_it_is_dcm():
    ours, theirs = (cls(variant="corrected", **FEW).fit(GRAPH, rows(100), seed=0) for cls in (BDCM, DCM))
    do = {"x": torch.zeros(5, dtype=torch.float64)}
    few = {node: x[:5] for node, x in rows(100).items()}
    for node, x in theirs.counterfactual(few, do, seed=0).items():
        torch.testing.assert_close(ours.counterfactual(few, do, seed=0)[node], x)


def test_what_is_given_takes_the_place_of_parents():
    model = BDCM(given=("y | x, c", "x |"), **FEW).fit(GRAPH, rows(100), seed=0)
    assert set(model.graph.edges) == {("x", "y"), ("c", "y")}
    assert set(GRAPH.edges) == {("c", "x"), ("x", "y")}  # the caller's graph is left alone


def test_nodes_that_are_given_nothing_are_drawn_together():
    data = rows(300)
    model = BDCM(given=("y | x, c", "x |"), **FEW).fit(GRAPH, data, seed=0)
    drawn = model.sample(200, seed=1)
    pairs = {(float(a), float(b)) for a, b in zip(data["c"], data["x"], strict=True)}
    assert {(float(a), float(b)) for a, b in zip(drawn["c"], drawn["x"], strict=True)} <= pairs
    apart = DCM(**FEW).fit(nx.DiGraph([("c", "y"), ("x", "y")]), data, seed=0).sample(200, seed=1)
    assert not {(float(a), float(b)) for a, b in zip(apart["c"], apart["x"], strict=True)} <= pairs


def test_the_adjusted_effect_is_the_true_one_and_the_other_is_not():
    """E y | do(x = 2) is 2; given x alone, the hidden cause is in it: 2 + 2 E(h | x = 2) = 3.9, as far as learned."""
    data, options = rows(1500), {"epochs": 60, "lr": 2e-3, "width": (32, 32), "steps": 30}
    found = {}
    for name, given in (("alone", ["y | x"]), ("adjusted", ["y | x, c"])):
        model = BDCM(given=given, **options).fit(GRAPH, data, seed=0)
        found[name] = float(model.sample(2000, {"x": 2.0}, seed=1)["y"].mean())
    assert found["adjusted"] == pytest.approx(2, abs=0.4)
    assert found["alone"] - found["adjusted"] > 0.7


@pytest.mark.parametrize(
    ("given", "message"),
    [(["z | x"], r"unknown node\(s\) \['z'\]"), (["c | y"], "cycle"), (["y | q"], "'q'")],
)
def test_what_cannot_be_given_is_named(given, message):
    with pytest.raises(ValuesError, match=message):
        BDCM(given=given, **FEW).fit(GRAPH, rows(50), seed=0)


@pytest.mark.parametrize("given", ["y | x", ["y"], ["| x"], ["y | x", "y | c"], [3]], ids=str)
def test_options_of_another_form_are_named(given):
    with pytest.raises(ValueError, match="given"):
        BDCM(given=given)
