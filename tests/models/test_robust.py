"""Robust lines: exact on lines, unmoved by outliers, close to the truth under heavy tails."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench.datasets.values import ValuesError
from scmbench.models import conformance
from scmbench.models.contract.columns import Scaler
from scmbench.models.linear import LinearGaussian
from scmbench.models.robust import ESTIMATORS, RobustLinearModel

GRAPH = nx.DiGraph([("a", "b"), ("a", "c"), ("b", "c")])


def world(noise):
    """a = 1 + u, b = 2 a - 3 + u, c = -a + b / 2 + u."""
    a = 1 + noise[:, 0]
    b = 2 * a - 3 + noise[:, 1]
    return {"a": a, "b": b, "c": -a + b / 2 + noise[:, 2]}


def normal(n=400, seed=0):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_it_conforms(estimator):
    conformance.require(RobustLinearModel, {"estimator": estimator})


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_lines_are_recovered_whatever_a_tenth_of_the_rows_says(estimator):
    noise = 0.1 * normal()
    data = world(noise)
    data["c"][:40] += 1e4
    model = RobustLinearModel(estimator).fit(GRAPH, data, seed=0)
    assert model.mechanisms["c"].W.tolist() == [pytest.approx([-1, 0.5], abs=0.3)]
    moved = model.counterfactual(data, {"a": data["a"] + 1}, seed=0)
    torch.testing.assert_close(moved["b"] - data["b"], torch.full((400,), 2.0).double(), rtol=0, atol=0.1)
    plain = LinearGaussian().fit(GRAPH, data, seed=0).mechanisms["c"].W
    assert (plain - torch.tensor([[-1, 0.5]])).abs().max() > 100


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_cauchy_noise(estimator):
    """A pair b = 2 a + Cauchy noise: the analytic counterfactual is b + 2 (a' - a)."""
    uniform = torch.rand(2000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a, u = torch.special.ndtri(uniform[:, 0]), torch.tan(torch.pi * (uniform[:, 1] - 0.5))
    data = {"a": a, "b": 2 * a + u}
    model = RobustLinearModel(estimator).fit(nx.DiGraph([("a", "b")]), data, seed=0)
    answer = model.counterfactual(data, {"a": 0.0}, seed=0)["b"]
    torch.testing.assert_close(answer, u, rtol=0, atol=0.5)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_noise_is_resampled_from_the_residuals(estimator):
    data = world(normal())
    model = RobustLinearModel(estimator).fit(GRAPH, data, seed=0)
    sample = model.sample(1000, {"a": 0.0}, seed=0)
    residual = sample["b"] - model.mechanisms["b"].b
    assert torch.isin(residual.round(decimals=9), model.mechanisms["b"].residuals.flatten().round(decimals=9)).all()


def test_columns_that_are_mostly_one_value_keep_a_scale():
    x = torch.tensor([[0.0, 5.0, 1.0]] * 9 + [[3.0, 5.0, 2.0]], dtype=torch.float64)
    scaler = Scaler.robust(x)
    assert scaler.mean.tolist() == [0, 5, 1]
    assert scaler.std.tolist() == pytest.approx([0.9, 1, 0.3])


def test_bad_options_and_too_few_rows():
    with pytest.raises(ValueError, match="choose one of"):
        RobustLinearModel("ransac")
    with pytest.raises(ValuesError, match="needs at least 4 rows, got 3"):
        RobustLinearModel().fit(GRAPH, world(normal(3)), seed=0)
