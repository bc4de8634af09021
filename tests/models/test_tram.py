"""Transformation models: laws against closed forms, a linear world, logistic regressions, noise of discrete nodes."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
import torch
from chains import CHAIN, counterfactual_error, log_prob
from scmbench.datasets.problem import Problem
from scmbench.models import Unsupported, conformance
from scmbench.models.tram import TRAM
from scmbench.models.tram.laws import Bernstein, Cuts, rising

FACTUAL = CHAIN.sample(200, seed=5)
SMALL = {"degree": 10, "hidden": (32, 32)}


def logistic(n, seed):
    return torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).logit()


@pytest.fixture(scope="module")
def model():
    return TRAM(**SMALL, roots="fitted", epochs=80, lr=4e-3).fit(CHAIN.graph, CHAIN.sample(2000, seed=0), seed=0)


def mixed(n, seed):
    """A binary and an ordinal node of logistic noise, a measured node below them."""
    a = torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    b = (logistic(n, seed + 100) + 1.5 * a > 0.5).long()
    k = torch.bucketize(logistic(n, seed + 200) + a, torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64))
    e = torch.randn(n, generator=torch.Generator().manual_seed(seed + 300), dtype=torch.float64)
    return {"a": a, "b": b, "k": 10 * k, "y": a + 2 * b + 0.5 * k + e}


MIXED = nx.DiGraph([("a", "b"), ("a", "k"), ("a", "y"), ("b", "y"), ("k", "y")])


@pytest.fixture(scope="module")
def shifts():
    return TRAM(terms="ls", epochs=60, lr=3e-2).fit(MIXED, mixed(3000, 0), seed=0)


def test_it_conforms():
    conformance.require(TRAM)


def test_a_polynomial_of_even_coefficients_is_a_line():
    t = torch.linspace(-2, 3, 51, dtype=torch.float64)
    law = Bernstein(6)
    c = torch.linspace(-3, 3, 7, dtype=torch.float64).expand(51, -1)
    h, slope = law.h(c, t)
    torch.testing.assert_close(h, 6 * t - 3)
    torch.testing.assert_close(slope, torch.full_like(t, 6.0))


def test_polynomials_rise_and_are_inverted_exactly():
    law, t = Bernstein(8), torch.linspace(-2, 3, 501, dtype=torch.float64)
    raw = 3 * torch.randn(9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    c = rising(raw).expand(501, -1)
    h, slope = law.h(c, t)
    assert (h.diff() > 0).all()
    at = t.clone().requires_grad_()
    (expected,) = torch.autograd.grad(law.h(c, at)[0].sum(), at)
    torch.testing.assert_close(slope, expected)
    torch.testing.assert_close(law.inverse(c, h), t, rtol=0, atol=1e-9)
    density = law.log_prob(c, t).exp()
    left, right = h[0].sigmoid(), h[-1].sigmoid()
    torch.testing.assert_close(torch.trapezoid(density, t), right - left, rtol=0, atol=1e-3)


def test_levels_have_the_probabilities_of_their_intervals():
    c = torch.tensor([-60.0, -1.0, 0.5, 50.0], dtype=torch.float64)
    law, y = Cuts(4), torch.arange(5.0, dtype=torch.float64)
    log_p = law.log_prob(c.expand(5, -1), y)
    inner = torch.tensor([-1.0, 0.5], dtype=torch.float64).sigmoid()
    torch.testing.assert_close(log_p[2].exp(), inner[1] - inner[0])
    torch.testing.assert_close(log_p[[0, 4]], torch.tensor([-60.0, -50.0], dtype=torch.float64))
    torch.testing.assert_close(log_p.exp().sum(), torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("chance", [2.0**-53, 0.3, 1 - 2.0**-53])
def test_noise_of_a_level_lies_in_its_interval_and_gives_it_back(chance):
    c = torch.tensor([-60.0, -1.0, -1.0 + 1e-12, 0.5, 50.0], dtype=torch.float64).expand(6, -1)
    law, y = Cuts(5), torch.arange(6.0, dtype=torch.float64)
    u = law.noise(c, y, torch.full((6,), chance, dtype=torch.float64))
    assert u.isfinite().all()
    assert law.value(c, u).tolist() == y.tolist()


def test_counterfactuals_of_a_linear_world(model):
    assert counterfactual_error(model, FACTUAL) < 0.2


def test_samples_under_an_intervention(model):
    sample = model.sample(4000, {"x1": 3.0}, seed=0)
    assert sample["x2"].mean().item() == pytest.approx(4.5, abs=0.15)
    assert sample["x2"].std().item() == pytest.approx(0.5, rel=0.2)
    assert sample["x3"].mean().item() == pytest.approx(-3.6, abs=0.2)


def test_the_density_of_a_linear_world(model):
    x = CHAIN.sample(2000, seed=9)
    assert 0 < float((log_prob(x) - model.log_prob(x)).mean()) < 0.2  # the divergence from the truth


def test_noise_decodes_to_the_rows_that_it_was_abducted_from(model):
    mechanism, pa = model.mechanisms["x3"], FACTUAL["x2"][:, None]
    x = torch.linspace(-50, 50, 200, dtype=torch.float64)[:, None]
    torch.testing.assert_close(mechanism.decode(mechanism.encode(x, pa), pa), x)


def test_linear_shifts_are_odds_ratios(shifts):
    found = {}
    for node in ("b", "k"):
        part = shifts.mechanisms[node].parts[0]
        found[node] = -float(part.network.trunk.weights[0][0, -1] / part.given.std[0])  # h counts against the parents
    assert found["b"] == pytest.approx(1.5, abs=0.2)
    assert found["k"] == pytest.approx(1.0, abs=0.2)


def test_discrete_nodes_under_an_intervention(shifts):
    sample = shifts.sample(4000, {"a": 1.0}, seed=0)
    assert sample["b"].double().mean().item() == pytest.approx(1 / (1 + 2.718281828**-1.0), abs=0.05)
    assert set(sample["k"].tolist()) == {0, 10, 20, 30}
    expected = torch.tensor([-2.0, -0.5, 1.0]).sigmoid()
    for level, p in zip((0, 10, 20), expected.tolist(), strict=True):
        assert (sample["k"] <= level).double().mean().item() == pytest.approx(p, abs=0.05)


def test_counterfactuals_of_a_binary_node_have_the_law_of_what_its_row_allows(shifts):
    """Of rows with b = 0 at a = 0, P(b' = 1 under do(a = 1)) = P(u > -1 | u < 0.5) = 1 - σ(-1)/σ(0.5)."""
    n = 2000
    rows = mixed(n, 7) | {"a": torch.zeros(n, dtype=torch.float64), "b": torch.zeros(n, dtype=torch.long)}
    answer = shifts.counterfactual(rows, {"a": 1.0}, seed=0)["b"].double().mean().item()
    low, high = torch.tensor([-1.0, 0.5]).sigmoid().tolist()
    assert answer == pytest.approx(1 - low / high, abs=0.07)
    assert torch.equal(shifts.counterfactual(rows, {"a": 0.0}, seed=0)["b"], rows["b"])
    other = shifts.counterfactual(rows, {"a": 1.0}, seed=1)["b"]
    assert not torch.equal(other, shifts.counterfactual(rows, {"a": 1.0}, seed=0)["b"])


def test_probabilities_of_discrete_nodes_are_part_of_the_density():
    data = {node: x for node, x in mixed(1000, 0).items() if node in ("a", "b")}
    graph = MIXED.subgraph(["a", "b"]).copy()
    model = TRAM(terms="ls", roots="fitted", epochs=40, lr=3e-2).fit(graph, data, seed=0)
    both = [model.log_prob({"a": data["a"], "b": torch.full((1000,), k)}).exp() for k in (0, 1)]
    root: Any = model.mechanisms["a"]
    alone = root.log_prob(data["a"][:, None] - model.origins["a"], torch.empty(1000, 0).double())
    torch.testing.assert_close(sum(both), alone.exp())


def test_a_fit_does_not_depend_on_its_mates():
    problems = [Problem("chain", i, CHAIN.graph, CHAIN.sample(100, seed=i), ()) for i in range(2)]
    problems.append(Problem("mixed", 0, MIXED, mixed(100, 0), ()))
    model = TRAM(**SMALL, terms="cs", epochs=2)
    fitted = model.fit_many(problems, [0, 1, 2])
    for i in (1, 2):
        alone = model.fit_problem(problems[i], seed=i).sample(20, seed=0)
        together = fitted[i].sample(20, seed=0)
        assert all(torch.equal(alone[node], together[node]) for node in alone)


def test_a_node_of_many_levels_or_of_one():
    a = torch.randn(300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    data = {"a": a, "many": (40 * a).round().long(), "one": torch.full((300,), 7)}
    model = TRAM(**SMALL, epochs=2).fit(nx.DiGraph([("a", "many"), ("a", "one")]), data, seed=0)
    many: Any = model.mechanisms["many"]
    assert many.parts[0].levels is None
    answer = model.counterfactual(data, {"a": 0.5}, seed=0)
    assert torch.isin(answer["many"], data["many"]).all()
    assert set(answer["one"].tolist()) == {7}


def test_images_are_refused():
    data = {"a": torch.randn(20), "i": torch.rand(20, 1, 4, 4)}
    with pytest.raises(Unsupported, match="'i' is an image"):
        TRAM().fit(nx.DiGraph([("a", "i")]), data, seed=0)


@pytest.mark.parametrize("option", [{"degree": 0}, {"terms": "si"}, {"lr": -1.0}, {"roots": "spline"}])
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))}="):
        TRAM(**option)
