"""Causal NF: exact round trips, the mask, interventions on several nodes, and a linear SCM's analytic answers."""

from __future__ import annotations

import math

import networkx as nx
import pytest
import torch
from scmbench.datasets import SCM, ValuesError
from scmbench.datasets.seeds import seeded
from scmbench.models import Unsupported
from scmbench.models.causal_nf import CausalNF
from scmbench.models.causal_nf.flow import CausalFlow

DIAMOND = torch.tensor([[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0]], dtype=torch.bool)
CHAIN = SCM(
    {
        "x1": lambda u: 2 + u,
        "x2": lambda u, x1: 1.5 * x1 - 0.5 * u,
        "x3": lambda u, x2: -0.8 * x2 + u,
        "x4": lambda u, x3: 0.7 * x3 + 0.6 * u,
    }
)


def random_flow(parents, transform, seed=0):
    with seeded(seed):
        flow = CausalFlow(parents, transform=transform, hidden=(24, 24)).double().requires_grad_(False)
    for parameter in flow.parameters():
        parameter.mul_(3)  # far from the identity
    return flow


@pytest.fixture(scope="module")
def chain():
    return CausalNF(epochs=250).fit(CHAIN.graph, CHAIN.sample(3000, seed=0), seed=0)


@pytest.mark.parametrize("transform", ["affine", "spline"])
@pytest.mark.parametrize("parents", [DIAMOND, torch.zeros(3, 3, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.bool)])
def test_encode_then_decode_is_the_identity(transform, parents):
    flow = random_flow(parents, transform)
    x = 2 * torch.randn(500, len(parents), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    u = flow.encode(x)
    every = torch.ones(len(parents), dtype=torch.bool)
    torch.testing.assert_close(flow.decode(u, torch.zeros_like(x), every), x, rtol=0, atol=1e-9)
    torch.testing.assert_close(flow.encode(flow.decode(x, torch.zeros_like(x), every)), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("transform", ["affine", "spline"])
def test_noise_depends_on_the_node_and_its_parents_alone(transform):
    flow = random_flow(DIAMOND, transform)
    jacobian = torch.autograd.functional.jacobian(flow.encode, torch.tensor([0.3, -0.7, 1.1, 0.4], dtype=torch.float64))
    assert torch.equal(jacobian != 0, DIAMOND | torch.eye(4, dtype=torch.bool))
    assert (jacobian.diagonal() > 0).all()


@pytest.mark.parametrize("transform", ["affine", "spline"])
def test_density_follows_from_the_jacobian(transform):
    flow = random_flow(DIAMOND, transform)
    x = torch.tensor([0.3, -0.7, 1.1, 0.4], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(flow.encode, x)
    base = -0.5 * (flow.encode(x).square().sum() + 4 * math.log(2 * math.pi))
    torch.testing.assert_close(flow.log_prob(x), base + torch.linalg.slogdet(jacobian).logabsdet)


@pytest.mark.parametrize("transform", ["affine", "spline"])
def test_several_interventions_need_causal_order_and_solving_has_it(transform):
    """The paper's rule for one node, applied node by node, agrees; applied to both at once, it misses the second."""
    flow = random_flow(torch.diag(torch.ones(3, dtype=torch.bool), -1), transform)
    u = torch.randn(50, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    held = torch.tensor([1.0, 0.0, -0.7, 0.0], dtype=torch.float64).expand(50, 4)
    every = torch.ones(4, dtype=torch.bool)

    def rule(u, nodes):
        x = flow.decode(u, torch.zeros_like(u), every)
        moved = u.clone()
        x[:, nodes] = held[:, nodes]
        moved[:, nodes] = flow.encode(x)[:, nodes]
        return moved

    def solve(u):
        return flow.decode(u, torch.zeros_like(u), every)

    answer = flow.decode(u, held, torch.tensor([False, True, False, True]))
    assert (answer[:, 0] == 1).all()
    assert (answer[:, 2] == -0.7).all()
    torch.testing.assert_close(solve(rule(rule(u, [0]), [2])), answer, rtol=0, atol=1e-9)
    assert (solve(rule(u, [0, 2]))[:, 2] + 0.7).abs().max() > 0.1


def test_counterfactual_of_two_interventions_against_the_analytic_answer(chain):
    noise = CHAIN.noise(500, seed=5)
    factual = CHAIN.run(noise)
    do = {"x1": CHAIN.sample(500, seed=6)["x1"], "x3": -2.0}
    answer = chain.counterfactual(factual, do, seed=0)
    assert torch.equal(answer["x1"], do["x1"])
    assert (answer["x3"] == -2).all()
    for node, expected in {
        "x2": factual["x2"] + 1.5 * (do["x1"] - factual["x1"]),
        "x4": factual["x4"] + 0.7 * (-2 - factual["x3"]),
    }.items():
        assert (answer[node] - expected).square().mean().sqrt() < 0.1 * expected.std()


def test_samples_under_two_interventions_against_the_analytic_answer(chain):
    sample = chain.sample(4000, {"x1": 3.0, "x3": -2.0}, seed=1)
    assert (sample["x1"] == 3).all()
    assert (sample["x3"] == -2).all()
    for node, (mean, std) in {"x2": (4.5, 0.5), "x4": (-1.4, 0.6)}.items():
        assert sample[node].mean().item() == pytest.approx(mean, abs=0.1)
        assert sample[node].std().item() == pytest.approx(std, rel=0.1)


def test_observational_moments_and_density(chain):
    truth, sample = CHAIN.sample(4000, seed=8), chain.sample(4000, seed=2)
    for node in truth:
        assert sample[node].mean().item() == pytest.approx(truth[node].mean().item(), abs=0.15)
        assert sample[node].std().item() == pytest.approx(truth[node].std().item(), rel=0.1)
    entropy = 2 * math.log(2 * math.pi * math.e) + math.log(0.5) + math.log(0.6)
    assert -chain.log_prob(truth).mean().item() == pytest.approx(entropy, abs=0.1)


def test_abduction_recovers_the_noise_up_to_its_sign(chain):
    noise = CHAIN.noise(500, seed=5)
    u = chain.abduct(CHAIN.run(noise))
    for node, sign in {"x1": 1, "x2": -1, "x3": 1, "x4": 1}.items():
        assert (u[node] - sign * noise[node]).abs().mean() < 0.15


def test_what_do_cannot_reach_stays_bit_identical(chain):
    factual = CHAIN.sample(100, seed=3)
    answer = chain.counterfactual(factual, {"x3": 0.5}, seed=0)
    assert torch.equal(answer["x1"], factual["x1"])
    assert torch.equal(answer["x2"], factual["x2"])
    plain, under = chain.sample(100, seed=4), chain.sample(100, {"x3": 0.5}, seed=4)
    assert torch.equal(plain["x1"], under["x1"])
    assert torch.equal(plain["x2"], under["x2"])


def test_a_factual_do_gives_the_factual_row(chain):
    factual = CHAIN.sample(100, seed=3)
    answer = chain.counterfactual(factual, {"x1": factual["x1"]}, seed=0)
    for node in factual:
        torch.testing.assert_close(answer[node], factual[node], rtol=0, atol=1e-9)


def test_same_seed_same_fit_and_the_order_of_nodes_does_not_matter():
    data = CHAIN.sample(200, seed=0)
    shuffled = nx.DiGraph()
    shuffled.add_nodes_from(["x4", "x2", "x1", "x3"])
    shuffled.add_edges_from(CHAIN.graph.edges)
    fits = [CausalNF(epochs=3).fit(graph, data, seed=7) for graph in (CHAIN.graph, CHAIN.graph, shuffled)]
    samples = [fit.sample(20, seed=0) for fit in fits]
    assert all(torch.equal(samples[0][v], other[v]) for other in samples[1:] for v in data)


@pytest.mark.parametrize("transform", ["affine", "spline"])
def test_a_graph_without_edges(transform):
    scm = SCM({"a": lambda u: 3 + 2 * u, "b": lambda u: -u})
    model = CausalNF(transform=transform, epochs=300, lr=1e-2).fit(scm.graph, scm.sample(2000, seed=0), seed=0)
    sample = model.sample(4000, {"b": 5.0}, seed=0)
    assert (sample["b"] == 5).all()
    assert sample["a"].mean().item() == pytest.approx(3, abs=0.2)
    assert sample["a"].std().item() == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("transform", ["affine", "spline"])
def test_without_edges_the_marginals_are_learned(transform):
    data = {v: a + b * torch.randn(500, dtype=torch.float64) for v, a, b in (("x", 0, 1), ("y", 3, 2), ("z", -40, 9))}
    graph = nx.DiGraph()
    graph.add_nodes_from(data)
    for epochs in (1, 20):
        answer = CausalNF(transform=transform, epochs=epochs).fit(graph, data, seed=0).sample(4000, seed=1)
        for v, x in data.items():
            assert abs(answer[v].mean() - x.mean()) < 0.1 * x.std()
            assert 0.9 < answer[v].std() / x.std() < 1.1


def test_vector_nodes_are_flattened_with_all_their_parents():
    mix = torch.tensor([[1.0, 0.0], [0.8, 0.6]], dtype=torch.float64)
    stream = torch.Generator().manual_seed(0)
    e = torch.randn(3000, 4, generator=stream, dtype=torch.float64)
    data = {"a": e[:, 0], "v": e[:, :1] * torch.tensor([1.0, -1.0]) + e[:, 1:3] @ mix.T}
    data["c"] = data["v"].sum(1) + 0.3 * e[:, 3]
    model = CausalNF(epochs=200).fit(nx.DiGraph([("a", "v"), ("v", "c")]), data, seed=0)
    sample = model.sample(4000, seed=1)
    torch.testing.assert_close(torch.cov(sample["v"].T), torch.cov(data["v"].T), rtol=0, atol=0.2)
    factual = {node: x[:200] for node, x in data.items()}
    answer = model.counterfactual(factual, {"a": factual["a"] + 1}, seed=0)
    expected = factual["v"] + torch.tensor([1.0, -1.0])
    assert (answer["v"] - expected).square().mean().sqrt() < 0.15 * expected.std()
    answer = model.counterfactual(factual, {"v": torch.tensor([[1.0, 2.0]])}, seed=0)
    assert (answer["v"] == torch.tensor([1.0, 2.0])).all()
    assert (answer["c"] - (3 + 0.3 * e[:200, 3])).abs().mean() < 0.3


def test_integer_nodes_are_answered_with_integers():
    stream = torch.Generator().manual_seed(0)
    k = torch.randint(0, 6, (2000,), generator=stream)
    data = {"k": k, "y": 2.0 * k + torch.randn(2000, generator=stream, dtype=torch.float64)}
    data["m"] = (data["y"] / 3).round().long()
    model = CausalNF(epochs=50).fit(nx.DiGraph([("k", "y"), ("y", "m")]), data, seed=0)
    sample = model.sample(50, {"k": 2}, seed=0)
    assert (sample["k"] == 2).all()
    assert sample["m"].dtype == torch.int64
    factual = {node: x[:100] for node, x in data.items()}
    answer = model.counterfactual(factual, {"k": factual["k"]}, seed=0)
    assert torch.equal(answer["m"], factual["m"])


def test_errors_name_the_culprit():
    with pytest.raises(ValueError, match=r"transform='cubic'.*affine.*spline"):
        CausalNF(transform="cubic")
    graph, image = nx.DiGraph([("a", "img")]), torch.randn(20, 4, 4)
    with pytest.raises(Unsupported, match=r"'img' is an image of shape \(4, 4\)"):
        CausalNF().fit(graph, {"a": torch.randn(20), "img": image}, seed=0)
    with pytest.raises(ValuesError, match="two rows"):
        CausalNF().fit(graph, {"a": torch.randn(1), "img": torch.randn(1)}, seed=0)
    with pytest.raises(FloatingPointError, match="diverged"):
        CausalNF(lr=1e30, epochs=20).fit(CHAIN.graph, CHAIN.sample(100, seed=0), seed=0)
    model = CausalNF(epochs=1).fit(CHAIN.graph, CHAIN.sample(50, seed=0), seed=0)
    rows = CHAIN.sample(5, seed=0)
    with pytest.raises(ValuesError, match=r"'x2' has shape \(5, 3\)"):
        model.counterfactual({**rows, "x2": torch.zeros(5, 3)}, {}, seed=0)
    with pytest.raises(ValuesError, match="unknown node 'x9'"):
        model.sample(5, {"x9": 0.0}, seed=0)
