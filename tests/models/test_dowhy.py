"""DoWhy's models behind our contract: analytic answers, one's own mechanisms, a clear message where it is missing."""

from __future__ import annotations

import random
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from scmbench.datasets import SCM
from scmbench.models import conformance, load
from scmbench.models.contract.registry import UnknownModel

needs_dowhy = pytest.mark.skipif(find_spec("dowhy") is None, reason="DoWhy is not installed: scmbench[dowhy]")

CHAIN = SCM(
    {
        "x1": lambda u: 2 + u,
        "x2": lambda u, x1: 1.5 * x1 - 0.5 * u,
        "x3": lambda u, x2: -0.8 * x2 + u,
        "x4": lambda u, x3: 0.7 * x3 + 0.6 * u,
    }
)


@pytest.fixture(scope="module")
def chain():
    return load("dowhy")().fit(CHAIN.graph, CHAIN.sample(1000, seed=0), seed=0)


def test_without_dowhy_the_message_says_how_to_get_it(monkeypatch):
    for module in (
        "dowhy",
        "dowhy.gcm",
    ):  # the second is found without the first where it is there
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "scmbench.models.dowhy", raising=False)
    with pytest.raises(UnknownModel, match=r"'dowhy'.*pip install 'scmbench\[dowhy\]'"):
        load("dowhy")


@needs_dowhy
def test_it_conforms():
    conformance.require(load("dowhy"))


@needs_dowhy
def test_counterfactual_of_two_interventions_against_the_analytic_answer(chain):
    factual = CHAIN.sample(300, seed=5)
    do = {"x1": CHAIN.sample(300, seed=6)["x1"], "x3": -2.0}
    answer = chain.counterfactual(factual, do, seed=0)
    assert torch.equal(answer["x1"], do["x1"])
    assert (answer["x3"] == -2).all()
    for node, expected in {
        "x2": factual["x2"] + 1.5 * (do["x1"] - factual["x1"]),
        "x4": factual["x4"] + 0.7 * (-2 - factual["x3"]),
    }.items():
        assert (answer[node] - expected).square().mean().sqrt() < 0.1 * expected.std()


@needs_dowhy
def test_samples_under_an_intervention_of_two_values(chain):
    a = torch.tensor([0.0, 4.0], dtype=torch.float64).repeat_interleave(2000)
    sample = chain.sample(4000, {"x1": a}, seed=0)
    assert torch.equal(sample["x1"], a)
    for half, value in ((slice(0, 2000), 0.0), (slice(2000, 4000), 4.0)):
        assert sample["x2"][half].mean().item() == pytest.approx(1.5 * value, abs=0.1)
        assert sample["x4"][half].mean().item() == pytest.approx(-0.84 * value, abs=0.2)


@needs_dowhy
def test_observational_moments(chain):
    truth, sample = CHAIN.sample(4000, seed=8), chain.sample(4000, seed=2)
    for node in truth:
        assert sample[node].mean().item() == pytest.approx(truth[node].mean().item(), abs=0.2)
        assert sample[node].std().item() == pytest.approx(truth[node].std().item(), rel=0.15)


@needs_dowhy
def test_mechanisms_of_ones_own():
    from dowhy import gcm
    from scmbench.models.dowhy import DoWhy

    class Linear(DoWhy):
        def assign(self, model, data):
            super().assign(model, data)
            model.set_causal_mechanism("x3", gcm.AdditiveNoiseModel(gcm.ml.create_ridge_regressor()))

    model = Linear().fit(CHAIN.graph, CHAIN.sample(200, seed=0), seed=0)
    assert "Ridge" in type(model.model.causal_mechanism("x3").prediction_model.sklearn_model).__name__
    assert (model.sample(10, {"x3": 1.0}, seed=0)["x3"] == 1).all()


@needs_dowhy
def test_integer_nodes_are_answered_with_integers():
    stream = torch.Generator().manual_seed(0)
    k = torch.randint(0, 6, (300,), generator=stream)
    flag = torch.rand(300, generator=stream) < 0.5
    data = {"k": k, "flag": flag, "m": 2 * k + flag + torch.randint(0, 2, (300,), generator=stream)}
    scm = SCM({"k": lambda u: u, "flag": lambda u: u, "m": lambda u, k, flag: u})
    model = load("dowhy")().fit(scm.graph, data, seed=0)
    sample = model.sample(20, {"k": 3}, seed=0)
    assert {node: x.dtype for node, x in sample.items()} == {node: x.dtype for node, x in data.items()}
    assert torch.equal(model.counterfactual(data, {"k": k}, seed=0)["m"], data["m"])


@needs_dowhy
def test_global_state_is_given_back():
    from dowhy import gcm

    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    settings = gcm.config.default_n_jobs, gcm.config.show_progress_bars
    model = load("dowhy")().fit(CHAIN.graph, CHAIN.sample(100, seed=0), seed=0)
    model.sample(5, seed=0)
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert random.getstate() == before[1]
    assert (gcm.config.default_n_jobs, gcm.config.show_progress_bars) == settings


@needs_dowhy
def test_an_unknown_quality_is_refused():
    with pytest.raises(ValueError, match=r"quality='fine'.*good.*better"):
        load("dowhy")(quality="fine")
