"""Flow matching: the analytic answers of a linear world, exact abduction, maps that rise, vector nodes."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from chains import CHAIN, counterfactual_error
from scmbench.datasets.problem import Problem
from scmbench.datasets.seeds import generator
from scmbench.models import conformance
from scmbench.models.flow_matching import FlowMatching
from scmbench.models.flow_matching.matching import Matching, time_features
from scmbench.models.training import Architecture, batched, draw_network, train_stack

FACTUAL = CHAIN.sample(200, seed=5)


@pytest.fixture(scope="module")
def model():
    return FlowMatching(epochs=40).fit(CHAIN.graph, CHAIN.sample(2000, seed=0), seed=0)


def test_it_conforms():
    conformance.require(FlowMatching)


def test_counterfactuals_of_a_linear_world(model):
    assert counterfactual_error(model, FACTUAL) < 0.15


def test_samples_under_an_intervention(model):
    sample = model.sample(4000, {"x1": 3.0}, seed=0)
    assert sample["x2"].mean().item() == pytest.approx(4.5, abs=0.06)
    assert sample["x2"].std().item() == pytest.approx(0.5, rel=0.1)
    assert sample["x3"].std().item() == pytest.approx((0.8**2 * 0.25 + 1) ** 0.5, rel=0.1)


def test_noise_decodes_to_the_rows_that_it_was_abducted_from(model):
    mechanism, pa = model.mechanisms["x3"], FACTUAL["x2"][:, None].float()
    x = FACTUAL["x3"][:, None].float()
    torch.testing.assert_close(mechanism.decode(mechanism.encode(x, pa), pa), x, rtol=0, atol=1e-4)


def test_a_scalar_node_rises_with_its_noise(model):
    u = torch.linspace(-4, 4, 200)[:, None]
    values = model.mechanisms["x2"].decode(u, torch.full((200, 1), 2.0))[:, 0]
    assert (values.diff() > 0).all()


def test_the_target_is_the_way_from_noise_to_the_row():
    x, pa = torch.randn(50, 2), torch.arange(50.0)[:, None]
    inputs, targets = Matching(x, pa, seed=0).epoch(torch.Generator().manual_seed(0))
    row, t = inputs[:, 2].long(), inputs[:, 3:4]
    assert row.sort().values.tolist() == list(range(50))
    torch.testing.assert_close(inputs[:, :2] + (1 - t) * targets, x[row])  # z + (1 - t)(x - e) = x
    torch.testing.assert_close(inputs[:, 3:], time_features(t))


def test_a_fit_does_not_depend_on_its_mates():
    problems = [Problem("chain", i, CHAIN.graph, CHAIN.sample(200, seed=i), ()) for i in range(2)]
    model = FlowMatching(epochs=2)
    alone = model.fit_problem(problems[1], seed=1).sample(20, seed=0)
    together = model.fit_many(problems, [0, 1])[1].sample(20, seed=0)
    assert all(torch.equal(alone[node], together[node]) for node in alone)


def test_vector_nodes_keep_their_correlation():
    e = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a = e[:, 0]
    v = a[:, None] * torch.tensor([1.0, -1.0]) + e[:, 1:2] + 0.3 * e[:, 2:]
    model = FlowMatching(epochs=40).fit(nx.DiGraph([("a", "v")]), {"a": a, "v": v}, seed=0)
    sample = model.sample(4000, {"a": 1.0}, seed=0)["v"]
    torch.testing.assert_close(sample.mean(0), torch.tensor([1.0, -1.0], dtype=torch.float64), rtol=0, atol=0.1)
    expected = torch.tensor([[1.09, 1.0], [1.0, 1.09]], dtype=torch.float64)
    torch.testing.assert_close(torch.cov(sample.T), expected, rtol=0, atol=0.15)


def test_both_programs_anneal_alike():
    regression = Matching(torch.randn(512, 1), torch.randn(512, 1), seed=0)
    recipe = {"epochs": 12, "batch_size": 64, "lr": 1e-2, "anneal": True}
    (compiled,) = train_stack([regression], Architecture((16, 16)), **recipe)
    first = draw_network(Architecture((16, 16)), regression.inputs, 1, generator(0, "weights"))
    (plain,) = batched.train([regression], [first], **recipe)
    for ours, theirs in zip(compiled.trunk.weights, plain.trunk.weights, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("option", [{"steps": 0}, {"epochs": 0}, {"lr": -1.0}])
def test_options_are_checked(option):
    with pytest.raises(ValueError, match="expected a number above 0"):
        FlowMatching(**option)
