"""Cocycles: their algebra, the discrepancy by its definition, linear worlds with and without tails, vectors."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from chains import CHAIN
from scmbench.models import conformance
from scmbench.models.cocycle import Cocycle
from scmbench.models.cocycle.discrepancy import Discrepancy, _Among, discrepancy
from scmbench.models.cocycle.maps import TRANSFORMS, Maps
from scmbench.models.contract.nodewise import Task

PAIR = nx.DiGraph([("x", "y")])
LINEAR = {"transform": "shift", "hidden": (), "epochs": 60, "lr": 1e-2}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def model():
    return Cocycle(**LINEAR).fit(CHAIN.graph, CHAIN.sample(1500, seed=0), seed=0)


@pytest.mark.parametrize("options", [{}, {"transform": "affine", "statistic": "V"}, LINEAR], ids=str)
def test_it_conforms(options):
    conformance.require(Cocycle, options | {"epochs": 2})


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_maps_rise_and_are_the_identity_at_zero(transform):
    maps = Maps(transform, 8, 5.0)
    z = torch.linspace(-9, 9, 200, dtype=torch.float64)
    torch.testing.assert_close(maps.at(torch.zeros(200, maps.size, dtype=torch.float64))(z), z)
    at = maps.at(normal(1, maps.size).expand(200, -1))
    assert (at(z).diff() > 0).all()
    torch.testing.assert_close(at.inv(at(z)), z)


def test_transports_compose_and_undo_each_other():
    task = Task(normal(300, 1), normal(300, 2, seed=1), 0)
    transport = Cocycle(epochs=3).scalar().fit(task)

    def moved(x, there, here):
        return transport.decode(transport.encode(x, here), there)

    here, there, beyond = (normal(300, 2, seed=seed) for seed in (1, 2, 3))
    torch.testing.assert_close(moved(moved(task.x, there, here), beyond, there), moved(task.x, beyond, here))
    torch.testing.assert_close(moved(moved(task.x, there, here), here, there), task.x)
    assert (moved(task.x, there, here) - task.x).abs().mean() > 1e-3


@pytest.mark.parametrize("unbiased", [True, False])
def test_the_discrepancy_is_its_definition(unbiased):
    n, s = 5, 1.7
    x, there = normal(n), normal(n, n, seed=1)

    def k(a, b):
        return torch.exp(-((a - b) ** 2) / s)

    expected = []
    for i in range(n):
        others = [j for j in range(n) if not (unbiased and j == i)]
        pairs = [(j, h) for j in others for h in others if not (unbiased and j == h)]
        among = torch.stack([k(there[i, j], there[i, h]) for j, h in pairs]).mean()
        expected.append(among - 2 * torch.stack([k(x[i], there[i, j]) for j in others]).mean())
    found = discrepancy(x[None], there[None], torch.full((1, 1, 1), s, dtype=torch.float64), unbiased=unbiased)
    torch.testing.assert_close(found[0], torch.stack(expected))


def test_the_gradient_of_the_kernel_sum():
    s = torch.full((2, 1, 1), 1.3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: _Among.apply(x, s), normal(2, 3, 4).requires_grad_())


def test_the_true_transport_has_the_least_discrepancy():
    pa, u = normal(2000, 1), normal(2000, 1, seed=1)
    objective = Discrepancy(Maps("shift", 8, 5.0), 1.5 * pa + u, pa, 0, statistic="U", batch_size=100)
    rows = objective.rows[:1800].reshape(18, 100, 2)
    width = objective.twice_square.expand(18, 100)
    values = [float(objective.loss(lambda f, b=b: b * f, rows, width).mean()) for b in (1.2, 1.5, 1.8)]
    assert values[1] < min(values[0], values[2])


def test_counterfactuals_of_a_linear_world(model):
    factual = CHAIN.sample(200, seed=5)
    answer = model.counterfactual(factual, {"x1": 2.5}, seed=0)
    moved = 1.5 * (2.5 - factual["x1"])
    for node, expected in {"x2": factual["x2"] + moved, "x3": factual["x3"] - 0.8 * moved}.items():
        assert (answer[node] - expected).square().mean().sqrt() < 0.15 * expected.std()


def test_samples_under_an_intervention_are_transported_training_rows(model):
    sample = model.sample(3000, {"x1": 3.0}, seed=0)
    assert sample["x2"].mean().item() == pytest.approx(4.5, abs=0.1)
    assert sample["x2"].std().item() == pytest.approx(0.5, rel=0.1)
    transport = model.mechanisms["x2"].parts[0]
    z = model.abduct(sample)["x2"]
    assert (z - transport.rows.T).abs().min(1).values.max() < 1e-9


@pytest.mark.parametrize("noise", ["cauchy", "sign"])
def test_no_law_of_the_noise_is_assumed(noise):
    """The linear pair of the paper: least squares fails where the noise is Cauchy's."""
    x, u = normal(1000), normal(1000, seed=1)
    u = u / normal(1000, seed=2) if noise == "cauchy" else u.sign()
    data = {"x": x, "y": x + u}
    answer = Cocycle(**LINEAR).fit(PAIR, data, seed=0).counterfactual(data, {"x": 0.0}, seed=0)["y"]
    error = (answer - u).square().mean().sqrt()
    slope = (x * data["y"]).sum() / x.square().sum()
    assert error < 0.12
    if noise == "cauchy":
        assert error < 0.3 * (slope - 1).abs() * x.square().mean().sqrt()


def test_curved_worlds_need_curved_maps():
    pa, u = normal(1500), normal(1500, seed=1)
    data = {"x": pa, "y": torch.sin(2 * pa) + (0.2 + 0.5 * pa.sigmoid()) * u}
    true = torch.sin(torch.tensor(1.0)) + (0.2 + 0.5 * torch.tensor(0.5).sigmoid()) * u
    answer = Cocycle("affine", hidden=(32, 32)).fit(PAIR, data, seed=0).counterfactual(data, {"x": 0.5}, seed=0)["y"]
    assert (answer - true).abs().median() < 0.2 * data["y"].std()


def test_a_result_does_not_depend_on_its_mates():
    tasks = [Task(normal(200, 1, seed=i), normal(200, p, seed=9), i) for i, p in enumerate((1, 2, 3))]
    together = Cocycle(epochs=2).scalar().fit_stack(tasks)
    alone = Cocycle(epochs=2).scalar().fit(tasks[1])
    torch.testing.assert_close(together[1].rows, alone.rows, rtol=1e-4, atol=1e-5)


def test_vector_nodes_keep_their_correlation():
    e = normal(1000, 4)
    v = e[:, :1] * torch.tensor([1.0, -1.0]) + e[:, 1:2] + 0.3 * e[:, 2:]
    fitted = Cocycle(**LINEAR).fit(nx.DiGraph([("a", "v")]), {"a": e[:, 0], "v": v}, seed=0)
    sample = fitted.sample(2000, {"a": 0.5}, seed=0)["v"]
    torch.testing.assert_close(sample.mean(0), torch.tensor([0.5, -0.5]).double(), rtol=0, atol=0.2)
    assert torch.corrcoef(sample.T)[0, 1] > 0.8


@pytest.mark.parametrize("rows", [1, 2, 3, 40])
def test_few_rows_give_finite_answers(rows):
    data = {"x": normal(rows), "y": normal(rows, seed=1)}
    assert Cocycle(epochs=2).fit(PAIR, data, seed=0).sample(5, {"x": 0.3}, seed=0)["y"].isfinite().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transform": "cubic"}, "transform='cubic': choose one of"),
        ({"statistic": "W"}, "statistic='W': choose one of"),
        ({"bins": 0}, "bins=0: expected a whole number above 0"),
        ({"lr": -1.0}, "lr=-1.0: expected a number above 0"),
    ],
    ids=lambda x: next(iter(x)) if isinstance(x, dict) else "",
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Cocycle(**options)
