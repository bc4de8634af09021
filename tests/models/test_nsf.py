"""Spline flows: the analytic answers and density of a linear world, exact abduction, coordinates, vectors, levels."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from chains import CHAIN, counterfactual_error, log_prob
from scmbench.datasets.problem import Problem
from scmbench.models import Unsupported, conformance
from scmbench.models.nsf import NSF
from scmbench.models.nsf.coordinates import Coordinates
from scmbench.models.nsf.flow import Layers
from torch.distributions import Cauchy, Normal

FACTUAL = CHAIN.sample(200, seed=5)
HEAVY = Cauchy(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))


@pytest.fixture(scope="module")
def model():
    return NSF(roots="fitted", epochs=60, bins=8).fit(CHAIN.graph, CHAIN.sample(2000, seed=0), seed=0)


def test_it_conforms():
    conformance.require(NSF)


def test_counterfactuals_of_a_linear_world(model):
    assert counterfactual_error(model, FACTUAL) < 0.2


def test_samples_under_an_intervention(model):
    sample = model.sample(4000, {"x1": 3.0}, seed=0)
    assert sample["x2"].mean().item() == pytest.approx(4.5, abs=0.1)
    assert sample["x2"].std().item() == pytest.approx(0.5, rel=0.15)
    assert sample["x3"].mean().item() == pytest.approx(-3.6, abs=0.15)


def test_the_density_of_a_linear_world(model):
    x = CHAIN.sample(2000, seed=9)
    assert 0 < float((log_prob(x) - model.log_prob(x)).mean()) < 0.15  # the divergence from the truth


def test_a_node_sees_its_parents_and_no_other_ancestor(model):
    moved = FACTUAL | {"x1": FACTUAL["x1"] + 1}
    assert torch.equal(model.abduct(moved)["x3"], model.abduct(FACTUAL)["x3"])
    assert not torch.equal(model.abduct(moved)["x2"], model.abduct(FACTUAL)["x2"])


def test_the_density_is_that_of_the_noise_times_the_slope(model):
    flow = model.mechanisms["x3"]
    x, pa = FACTUAL["x3"][:, None].requires_grad_(), FACTUAL["x2"][:, None]
    u = flow.encode(x, pa)
    (slope,) = torch.autograd.grad(u.sum(), x)
    expected = Normal(0.0, 1.0).log_prob(u)[:, 0] + slope[:, 0].log()
    torch.testing.assert_close(flow.log_prob(x, pa), expected)


def test_noise_decodes_to_the_rows_that_it_was_abducted_from(model):
    flow, pa = model.mechanisms["x3"], FACTUAL["x2"][:, None]
    x = torch.linspace(-200, 200, 200, dtype=torch.float64)[:, None]
    torch.testing.assert_close(flow.decode(flow.encode(x, pa), pa), x, rtol=1e-6, atol=1e-6)


def test_a_node_rises_with_its_noise(model):
    u = torch.linspace(-6, 6, 200, dtype=torch.float64)[:, None]
    values = model.mechanisms["x2"].decode(u, torch.full((200, 1), 2.0, dtype=torch.float64))[:, 0]
    assert (values.diff() > 0).all()


def test_untrained_layers_are_the_identity():
    y = torch.linspace(-8, 8, 33, dtype=torch.float64)
    layers = Layers(3, 4, 5.0)
    u, log_slope = layers.transform(torch.zeros(33, layers.size, dtype=torch.float64)).call_and_ladj(y)
    torch.testing.assert_close(u, y)
    torch.testing.assert_close(log_slope, torch.zeros_like(y))


@pytest.mark.parametrize("kind", ["standard", "asinh"])
def test_coordinates_are_undone_and_know_their_slope(kind):
    x = 1e3 + 20 * HEAVY.icdf(torch.linspace(0.01, 0.99, 99, dtype=torch.float64))[:, None]
    y = Coordinates.of(x, kind)
    torch.testing.assert_close(y.undo(y(x)), x)
    at = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(y(at).sum(), at)
    torch.testing.assert_close(y.log_slope(x), slope.log())


def test_asinh_draws_tails_in():
    x = HEAVY.icdf(torch.linspace(1e-4, 1 - 1e-4, 999, dtype=torch.float64))[:, None]
    assert Coordinates.of(x, "standard")(x).abs().max() > 20 > 8 > Coordinates.of(x, "asinh")(x).abs().max()


def test_a_fit_does_not_depend_on_its_mates():
    problems = [Problem("chain", i, CHAIN.graph, CHAIN.sample(200, seed=i), ()) for i in range(2)]
    model = NSF(epochs=2)
    alone = model.fit_problem(problems[1], seed=1).sample(20, seed=0)
    together = model.fit_many(problems, [0, 1])[1].sample(20, seed=0)
    assert all(torch.equal(alone[node], together[node]) for node in alone)


def test_vector_nodes_keep_their_correlation():
    e = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a = e[:, 0]
    v = a[:, None] * torch.tensor([1.0, -1.0]) + e[:, 1:2] + 0.3 * e[:, 2:]
    model = NSF(epochs=40, bins=8).fit(nx.DiGraph([("a", "v")]), {"a": a, "v": v}, seed=0)
    sample = model.sample(4000, {"a": 1.0}, seed=0)["v"]
    torch.testing.assert_close(sample.mean(0), torch.tensor([1.0, -1.0], dtype=torch.float64), rtol=0, atol=0.2)
    expected = torch.tensor([[1.09, 1.0], [1.0, 1.09]], dtype=torch.float64)
    torch.testing.assert_close(torch.cov(sample.T), expected, rtol=0, atol=0.25)


def test_discrete_nodes_have_their_frequencies_and_no_density():
    x = torch.randn(2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    k = (x > 0.5).long() + (x > 1.5).long() * 9  # the levels 0, 1 and 10
    model = NSF(epochs=20, bins=8, roots="fitted").fit(nx.DiGraph([("a", "k")]), {"a": 0.1 * x, "k": k}, seed=0)
    drawn = model.sample(4000, seed=0)["k"]
    for level in (0, 1, 10):
        assert (drawn == level).double().mean().item() == pytest.approx((k == level).double().mean().item(), abs=0.06)
    with pytest.raises(Unsupported, match="discrete"):
        model.log_prob({"a": x[:3], "k": k[:3]})


def test_resampled_roots_have_no_density():
    model = NSF(epochs=1).fit(CHAIN.graph, CHAIN.sample(50, seed=0), seed=0)
    with pytest.raises(Unsupported, match=r"'x1' is resampled.*roots='fitted'"):
        model.log_prob(FACTUAL)


def test_images_are_refused():
    data = {"a": torch.randn(20), "i": torch.rand(20, 1, 4, 4)}
    with pytest.raises(Unsupported, match="'i' is an image"):
        NSF().fit(nx.DiGraph([("a", "i")]), data, seed=0)


@pytest.mark.parametrize(
    "option", [{"layers": 0}, {"bins": 2.5}, {"lr": -1.0}, {"coordinates": "polar"}, {"roots": "spline"}]
)
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))}="):
        NSF(**option)
