"""Rank-preserving nodes: laws of points, forests as arrays, the analytic answers of a linear world."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import torch
from chains import CHAIN
from scipy.stats import norm
from scmbench.datasets import ValuesError
from scmbench.models import conformance
from scmbench.models.contract.points import Points
from scmbench.models.rank import Rank
from scmbench.models.rank.forest import Forest
from sklearn.ensemble import RandomForestRegressor


@pytest.fixture(scope="module")
def model():
    return Rank(trees=50).fit(CHAIN.graph, CHAIN.sample(1500, seed=0), seed=0)


def test_it_conforms():
    conformance.require(Rank)


def test_scores_of_a_normal_sample_are_normal_scores():
    y = np.sort(norm.rvs(3, 2, size=4000, random_state=0))
    law = Points.of(y, np.full(4000, 1 / 4000))
    at = np.array([-2.0, 1.0, 3.0, 6.0, 9.0])
    np.testing.assert_allclose(law.score(at), (at - 3) / 2, atol=0.1)
    assert law.score(np.array(30.0)) == pytest.approx(13.5, abs=1)  # beyond the points, as a normal law


def test_values_and_scores_are_inverse_to_each_other():
    law = Points.of(np.array([0.0, 0.0, 1.0, 5.0, 6.0]), np.array([0.2, 0.3, 0.1, 0.0, 0.4]))
    assert law.y.tolist() == [0, 1, 6]
    np.testing.assert_allclose(law.z, norm.ppf([0.25, 0.55, 0.8]))
    y = np.linspace(-10, 20, 61)
    np.testing.assert_allclose(law.value(law.score(y)), y, atol=1e-12)
    assert (np.diff(law.score(y)) > 0).all()


def test_one_point_alone_is_a_law_too():
    law = Points.of(np.array([4.0]), np.array([1.0]))
    assert (law.score(np.array(4.0)), law.value(np.array(0.0))) == (0, 4)


def test_weights_are_those_of_the_forest_that_was_grown():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 2)), rng.normal(size=80)
    forest = Forest.grown(X, y, trees=7, leaf=5, seed=3)
    theirs = RandomForestRegressor(7, min_samples_leaf=5, random_state=3).fit(X, y)
    new = rng.normal(size=(9, 2))
    starts = forest.roots
    np.testing.assert_array_equal(forest.leaves(new.astype(np.float32)) - starts, theirs.apply(new))
    weights = forest.weights(new)
    np.testing.assert_allclose(weights.sum(1), 1)
    same = theirs.apply(new)[:, None] == theirs.apply(X)[None]
    np.testing.assert_allclose(weights, (same / same.sum(1, keepdims=True)).mean(2))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("left", -1, "leads back"),
        ("right", 10**6, "not there"),
        ("roots", 10**6, "not there"),
        ("feature", -1, "before the first"),
    ],
)
def test_a_damaged_forest_is_refused(field, value, told):
    forest = Forest.grown(np.zeros((30, 1)) + np.arange(30)[:, None], np.arange(30.0), trees=2, leaf=5, seed=0)
    damaged = getattr(forest, field).copy()
    damaged[0] = value
    with pytest.raises(ValueError, match=told):
        replace(forest, **{field: damaged})
    with pytest.raises(ValueError, match="a leaf a tree"):
        replace(forest, ends=forest.ends[:, :1])
    with pytest.raises(ValueError, match="asks for column 0, there are 0"):
        forest.leaves(np.zeros((3, 0)))


def test_counterfactuals_of_a_linear_world(model):
    factual = CHAIN.sample(200, seed=5)
    answer = model.counterfactual(factual, {"x1": 2.0}, seed=0)
    moved = 1.5 * (2.0 - factual["x1"])
    inside = (factual["x1"] - 2).abs() < 1.5
    for node, expected in {"x2": factual["x2"] + moved, "x3": factual["x3"] - 0.8 * moved}.items():
        assert (answer[node] - expected)[inside].square().mean().sqrt() < 0.4 * factual[node].std()  # leaves smooth


def test_samples_under_an_intervention(model):
    sample = model.sample(2000, {"x1": 2.5}, seed=0)
    assert sample["x2"].mean().item() == pytest.approx(3.75, abs=0.1)
    assert sample["x2"].std().item() == pytest.approx(0.5, rel=0.15)


def test_vector_nodes_keep_their_correlation():
    e = torch.randn(1000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    v = e[:, :1] * torch.tensor([1.0, -1.0]) + e[:, 1:2] + 0.3 * e[:, 2:]
    model = Rank(trees=30).fit(nx.DiGraph([("a", "v")]), {"a": e[:, 0], "v": v}, seed=0)
    sample = model.sample(1000, {"a": 0.5}, seed=0)["v"]
    torch.testing.assert_close(sample.mean(0), torch.tensor([0.5, -0.5]).double(), rtol=0, atol=0.2)
    assert np.corrcoef(sample.T)[0, 1] > 0.75


def test_bad_options_and_one_row():
    with pytest.raises(ValueError, match="whole number above 0"):
        Rank(trees=0)
    with pytest.raises(ValuesError, match="at least 2 rows"):
        Rank().fit(CHAIN.graph, CHAIN.sample(1, seed=0), seed=0)
