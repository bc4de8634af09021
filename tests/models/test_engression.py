"""Engression: a proper score, the analytic answers of a linear world, ranks that are exact, vectors."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from chains import CHAIN, counterfactual_error
from scmbench.datasets.problem import Problem
from scmbench.models import Unsupported, conformance
from scmbench.models.engression import Engression
from scmbench.models.engression.score import EnergyScore

FACTUAL = CHAIN.sample(100, seed=5)
SMALL = {"hidden": (32, 32), "noise": 8, "draws": 300}


@pytest.fixture(scope="module")
def model():
    return Engression(**SMALL, epochs=60).fit(CHAIN.graph, CHAIN.sample(2000, seed=0), seed=0)


def test_it_conforms():
    conformance.require(Engression)


def test_counterfactuals_of_a_linear_world(model):
    assert counterfactual_error(model, FACTUAL) < 0.3


def test_samples_under_an_intervention(model):
    sample = model.sample(4000, {"x1": 3.0}, seed=0)
    assert sample["x2"].mean().item() == pytest.approx(4.5, abs=0.1)
    assert sample["x2"].std().item() == pytest.approx(0.5, rel=0.2)
    assert sample["x3"].mean().item() == pytest.approx(-3.6, abs=0.15)


def test_drawing_and_decoding_noise_give_one_law(model):
    generator = model.mechanisms["x3"].parts[0]
    pa = torch.full((3000, 1), 3.0, dtype=torch.float64)
    drawn = generator.draw(pa, torch.Generator().manual_seed(0))
    decoded = generator.decode(generator.noise(3000, torch.Generator().manual_seed(1)), pa)
    torch.testing.assert_close(drawn.mean(), decoded.mean(), rtol=0, atol=0.25)  # of 300 draws
    torch.testing.assert_close(drawn.std(), decoded.std(), rtol=0.15, atol=0)


def test_noise_decodes_to_the_rows_that_it_was_abducted_from(model):
    mechanism, pa = model.mechanisms["x3"], FACTUAL["x2"][:, None]
    x = torch.linspace(-30, 30, 100, dtype=torch.float64)[:, None]
    u = mechanism.encode(x, pa)
    torch.testing.assert_close(mechanism.decode(u, pa), x)


def test_the_score_is_least_for_the_true_law():
    x = torch.randn(20000, 1, generator=torch.Generator().manual_seed(0))
    score = EnergyScore(x, x.new_zeros(20000, 1), 1, seed=0)
    batch = [part[None] for part in score.batch(score.rows, torch.Generator().manual_seed(1))]
    found = {sd: score.loss(lambda given, sd=sd: sd * given[..., 1:], *batch).mean().item() for sd in (0.6, 1.0, 1.5)}
    assert found[1.0] < min(found[0.6], found[1.5])
    assert found[1.0] == pytest.approx(3.14159**-0.5, rel=0.03)  # E|x - x'| / 2 of standard normals


def test_a_fit_does_not_depend_on_its_mates():
    problems = [Problem("chain", i, CHAIN.graph, CHAIN.sample(100, seed=i), ()) for i in range(2)]
    model = Engression(**SMALL, epochs=2)
    alone = model.fit_problem(problems[1], seed=1).sample(20, seed=0)
    together = model.fit_many(problems, [0, 1])[1].sample(20, seed=0)
    assert all(torch.equal(alone[node], together[node]) for node in alone)


def test_vector_nodes_keep_their_correlation():
    e = torch.randn(1500, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a = e[:, 0]
    v = a[:, None] * torch.tensor([1.0, -1.0]) + e[:, 1:2] + 0.3 * e[:, 2:]
    model = Engression(**SMALL, epochs=60, lr=5e-3).fit(nx.DiGraph([("a", "v")]), {"a": a, "v": v}, seed=0)
    sample = model.sample(3000, {"a": 1.0}, seed=0)["v"]
    torch.testing.assert_close(sample.mean(0), torch.tensor([1.0, -1.0], dtype=torch.float64), rtol=0, atol=0.25)
    assert torch.corrcoef(sample.T)[0, 1] > 0.75


def test_roots_may_be_fitted_too():
    data = {"a": 5 + torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).exp()}
    graph = nx.DiGraph()
    graph.add_node("a")
    sample = Engression(**SMALL, roots="fitted", epochs=60, lr=5e-3).fit(graph, data, seed=0).sample(2000, seed=0)["a"]
    assert sample.median().item() == pytest.approx(6, abs=0.3)
    assert not torch.isin(sample, data["a"]).any()


def test_images_are_refused():
    data = {"a": torch.randn(20), "i": torch.rand(20, 1, 4, 4)}
    with pytest.raises(Unsupported, match="'i' is an image"):
        Engression().fit(nx.DiGraph([("a", "i")]), data, seed=0)


@pytest.mark.parametrize("option", [{"noise": 0}, {"draws": 2.5}, {"lr": -1.0}, {"roots": "spline"}])
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))}="):
        Engression(**option)
