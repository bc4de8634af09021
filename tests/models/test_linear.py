"""The linear-Gaussian model against analytic answers."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from scmbench.datasets.values import flatten
from scmbench.models import Unsupported, load
from scmbench.models.linear import LinearGaussian
from sklearn.linear_model import Ridge

GRAPH = nx.DiGraph([("a", "b"), ("a", "c"), ("b", "c")])
SD = {"a": 0.5, "b": 2.0, "c": 1.5}


def world(noise):
    """a = 1 + u, b = 2 a - 3 + u, c = -a + b / 2 + u."""
    a = 1 + noise["a"]
    b = 2 * a - 3 + noise["b"]
    return {"a": a, "b": b, "c": -a + b / 2 + noise["c"]}


@pytest.fixture(scope="module")
def noise():
    """Exactly white in the sample, so that least squares recovers the equations to rounding."""
    e = torch.randn(400, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    e = e - e.mean(0)
    e = torch.linalg.qr(e).Q * 20
    return {node: e[:, j] * SD[node] for j, node in enumerate("abc")}


@pytest.fixture(scope="module")
def model(noise):
    return LinearGaussian().fit(GRAPH, world(noise), seed=0)


def test_coefficients_and_variances_are_recovered(model):
    assert model.mechanisms["c"].W.tolist() == [pytest.approx([-1, 0.5])]
    assert float(model.mechanisms["b"].b) == pytest.approx(-3)
    assert {v: float(model.mechanisms[v].S) ** 0.5 for v in "abc"} == pytest.approx(SD)


def test_counterfactual_is_the_analytic_one(model, noise):
    factual = world(noise)
    answer = model.counterfactual(factual, {"b": 4.0}, seed=0)
    torch.testing.assert_close(answer["c"], -factual["a"] + 2 + noise["c"])
    torch.testing.assert_close(answer["a"], factual["a"], rtol=0, atol=0)
    moved = model.counterfactual(factual, {"a": factual["a"] + 1}, seed=0)
    torch.testing.assert_close(moved["b"] - factual["b"], torch.full((400,), 2.0, dtype=torch.float64))
    torch.testing.assert_close(moved["c"] - factual["c"], torch.zeros(400, dtype=torch.float64), rtol=0, atol=1e-9)


def test_abduction_is_the_noise_that_made_the_rows(model, noise):
    u = model.abduct(world(noise))
    for node in "abc":
        torch.testing.assert_close(u[node][:, 0], noise[node])


@pytest.mark.parametrize("do", [{}, {"a": 3.0}, {"b": -2.0}, {"a": 1.0, "b": 1.0}])
def test_samples_have_the_analytic_mean_and_covariance(model, do):
    """x = B x + c + u with the rows of intervened nodes in B and their variances set to 0."""
    B = np.array([[0, 0, 0], [2, 0, 0], [-1, 0.5, 0]])
    c, D = np.array([1.0, -3.0, 0.0]), np.diag([SD[v] ** 2 for v in "abc"])
    for node, value in do.items():
        j = "abc".index(node)
        B[j], c[j], D[j, j] = 0, value, 0
    A = np.linalg.inv(np.eye(3) - B)
    mean, cov = A @ c, A @ D @ A.T
    n = 40_000
    x = flatten(model.sample(n, do, seed=1), list("abc")).numpy()
    sd = np.sqrt(np.diag(cov))
    assert np.all(np.abs(x.mean(0) - mean) <= 5 * sd / np.sqrt(n) + 1e-9)
    # The variance of a sample covariance is (s_ii s_jj + s_ij^2) / n.
    spread = np.sqrt((np.outer(sd**2, sd**2) + cov**2) / n)
    assert np.all(np.abs(np.cov(x.T) - cov) <= 5 * spread + 1e-9)
    predicted = {node: x.item() for node, x in model.predict(do).items()}
    assert predicted == pytest.approx(dict(zip("abc", mean, strict=True)))


def test_log_prob_is_that_of_the_joint_gaussian(model, noise):
    x = world(noise)
    B = np.array([[0, 0, 0], [2, 0, 0], [-1, 0.5, 0]])
    A = np.linalg.inv(np.eye(3) - B)
    joint = multivariate_normal(A @ [1, -3, 0], A @ np.diag([SD[v] ** 2 for v in "abc"]) @ A.T)
    np.testing.assert_allclose(model.log_prob(x), joint.logpdf(flatten(x, list("abc"))))


def test_vector_nodes_keep_the_covariance_of_their_residuals():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(500, 2, generator=g, dtype=torch.float64)
    u = (
        torch.randn(500, 3, generator=g, dtype=torch.float64)
        @ torch.tensor([[1.0, 2, 0], [0, 1, 0], [0, 0, 0]]).double()
    )
    data = {"x": x, "y": x @ torch.ones(2, 3).double() + u}
    model = LinearGaussian().fit(nx.DiGraph([("x", "y")]), data, seed=0)
    sample = model.sample(50_000, {"x": torch.tensor([[1.0, 2.0]])}, seed=3)
    torch.testing.assert_close(sample["y"].T.cov(), model.mechanisms["y"].S, rtol=0, atol=0.15)
    answer = model.counterfactual(data, {"x": torch.zeros(1, 2)}, seed=0)
    torch.testing.assert_close(answer["y"], data["y"] - x @ model.mechanisms["y"].W.T)
    with pytest.raises(Unsupported, match="singular"):
        model.log_prob(data)


def test_ridge_agrees_with_scikit_learn(noise):
    data = world(noise)
    ours = LinearGaussian(ridge=7.0).fit(GRAPH, data, seed=0).mechanisms["c"]
    theirs = Ridge(alpha=7.0).fit(flatten(data, ["a", "b"]).numpy(), data["c"].numpy())
    np.testing.assert_allclose(ours.W[0], theirs.coef_)
    np.testing.assert_allclose(ours.b[0], theirs.intercept_)


def test_collinear_parents_still_have_a_solution():
    x = torch.arange(20.0, dtype=torch.float64)
    data = {"x": x, "y": 2 * x, "z": 3 * x}
    model = LinearGaussian().fit(nx.DiGraph([("x", "z"), ("y", "z")]), data, seed=0)
    torch.testing.assert_close(model.counterfactual(data, {}, seed=0)["z"], data["z"])
    assert model.predict({"x": 1.0, "y": 2.0})["z"].item() == pytest.approx(3.0)


def test_integer_nodes_have_no_density():
    data = {"x": torch.arange(20), "y": torch.randn(20, generator=torch.Generator().manual_seed(0)).double()}
    model = load("linear")().fit(nx.DiGraph([("x", "y")]), data, seed=0)
    assert model.sample(5, seed=0)["x"].dtype == torch.int64
    with pytest.raises(Unsupported, match="'x' is an integer node"):
        model.log_prob(data)


def test_negative_ridge_is_refused():
    with pytest.raises(ValueError, match="ridge=-1"):
        LinearGaussian(ridge=-1)
