"""DSCM: exact abduction, vector nodes, analytic answers of linear SCMs, and no trace left in Pyro or torch."""

from __future__ import annotations

import math

import networkx as nx
import pyro
import pytest
import torch
from scmbench.datasets import SCM, ValuesError
from scmbench.datasets.seeds import seeded
from scmbench.models import Unsupported
from scmbench.models.dscm import DSCM
from scmbench.models.dscm.mechanisms import Amortised, Explicit
from scmbench.models.dscm.program import Program

CHAIN = SCM(
    {
        "x1": lambda u: 2 + u,
        "x2": lambda u, x1: 1.5 * x1 - 0.5 * u,
        "x3": lambda u, x2: -0.8 * x2 + u,
        "x4": lambda u, x3: 0.7 * x3 + 0.6 * u,
    }
)
ROOM = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
ROOMS = nx.DiGraph([("a", "v"), ("v", "c")])


def rooms(n, seed, a=None):
    """A scalar cause, a vector node with correlated noise, a scalar effect; `a` replays the same noise under do(a)."""
    e = torch.randn(n, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    a = e[:, 0] if a is None else a
    v = a[:, None] * ROOM + 0.7 * e[:, 1:2] + 0.3 * e[:, 2:5]
    return {"a": a, "v": v, "c": v.sum(1) + 0.3 * e[:, 5]}


def random_program(transform="spline"):
    """A diamond with a vector node, its networks far from the identity."""
    with seeded(0):
        scalar = {"transform": transform, "hidden": (8,)}
        mechanisms = {
            "a": Explicit(1, 1, **scalar),
            "b": Explicit(1, 1, **scalar),
            "v": Amortised(3, 1, latent=2, hidden=(8,)),
            "d": Explicit(1, 4, **scalar),
        }
        program = Program({"a": [], "b": ["a"], "v": ["a"], "d": ["b", "v"]}, mechanisms)
    for parameter in program.double().requires_grad_(False).parameters():
        parameter.mul_(2)
    return program


def draws(rows, seed):
    stream = torch.Generator().manual_seed(seed)
    return lambda node, part, width: torch.randn(rows, width, generator=stream, dtype=torch.float64)


@pytest.fixture(scope="module")
def chain():
    return DSCM(transform="affine", epochs=30, lr=1e-2).fit(CHAIN.graph, CHAIN.sample(2000, seed=0), seed=0)


@pytest.fixture(scope="module")
def house():
    return DSCM(transform="affine", epochs=30, lr=1e-2, latent=2).fit(ROOMS, rooms(2000, 0), seed=0)


@pytest.mark.parametrize("transform", ["spline", "affine"])
def test_noise_to_values_to_noise(transform):
    program = random_program(transform)
    noise = program.noise(draws(300, 1))
    assert {site: tuple(u.shape) for site, u in noise.items()} == {
        "x(a)_base": (300, 1),
        "x(b)_base": (300, 1),
        "z(v)": (300, 2),
        "x(v)_base": (300, 3),
        "x(d)_base": (300, 1),
    }
    values = program.replay(noise, {})
    found = program.abduct(values, {"z(v)": noise["z(v)"]})
    for site, u in noise.items():
        torch.testing.assert_close(found[site], u, rtol=0, atol=1e-8)
    again = program.replay(program.abduct(values, {"z(v)": torch.zeros(300, 2, dtype=torch.float64)}), {})
    for node, x in values.items():
        torch.testing.assert_close(again[node], x, rtol=0, atol=1e-8)


def test_do_cuts_a_node_off_from_its_parents_and_moves_its_descendants():
    program = random_program()
    noise = program.noise(draws(50, 1))
    plain = program.replay(noise, {})
    acted = program.replay(noise, {"b": torch.full((50, 1), 0.3, dtype=torch.float64)})
    assert (acted["b"] == 0.3).all()
    assert torch.equal(acted["a"], plain["a"])
    assert torch.equal(acted["v"], plain["v"])
    assert (acted["d"] != plain["d"]).all()


@pytest.mark.parametrize("transform", ["spline", "affine"])
def test_density_of_a_flow_follows_from_the_jacobian(transform):
    with seeded(3):
        mechanism = Explicit(1, 2, transform=transform, hidden=(8,)).double().requires_grad_(False)
    x = torch.linspace(-4, 4, 41, dtype=torch.float64).unsqueeze(1).requires_grad_()
    likelihood = mechanism.likelihood(torch.ones(41, 2, dtype=torch.float64))
    u = x
    for part in reversed(likelihood.transforms):
        u = part.inv(u)
    slope = torch.autograd.grad(u.sum(), x)[0]
    expected = -0.5 * (u**2 + math.log(2 * math.pi)) + slope.log()
    torch.testing.assert_close(likelihood.log_prob(x.detach()), expected.squeeze(1).detach())


def test_the_elbo_of_scalar_nodes_is_the_log_likelihood(chain):
    values = chain.columns.split(chain.columns.pack(CHAIN.sample(100, seed=3)))
    loss = chain.program.negative_elbo(values, pyro.infer.Trace_ELBO())
    torch.testing.assert_close(-loss, chain.program.log_prob(values).mean())


def test_the_elbo_of_a_vector_node_is_its_bound_at_a_draw_from_the_posterior():
    program, rows = random_program(), 5
    values = program.replay(program.noise(draws(rows, 2)), {})
    one = torch.ones(rows, 1, dtype=torch.float64)
    contexts = {"a": one, "b": values["a"], "d": torch.cat([values["b"], values["v"]], 1)}
    expected = sum(program.mechanisms[v].likelihood(c).log_prob(values[v]) for v, c in contexts.items())
    mechanism, q = program.mechanisms["v"], program.posterior(values)["z(v)"]
    with seeded(0):
        z = q.rsample()
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    expected += mechanism.likelihood(values["a"], z).log_prob(values["v"]) + prior - q.log_prob(z)
    with seeded(0):
        loss = program.negative_elbo(values, pyro.infer.Trace_ELBO())
    torch.testing.assert_close(-loss, expected.mean())


def test_counterfactual_of_two_interventions_against_the_analytic_answer(chain):
    factual = CHAIN.sample(500, seed=5)
    do = {"x1": CHAIN.sample(500, seed=6)["x1"], "x3": -2.0}
    answer = chain.counterfactual(factual, do, seed=0)
    assert torch.equal(answer["x1"], do["x1"])
    assert (answer["x3"] == -2).all()
    for node, expected in {
        "x2": factual["x2"] + 1.5 * (do["x1"] - factual["x1"]),
        "x4": factual["x4"] + 0.7 * (-2 - factual["x3"]),
    }.items():
        assert (answer[node] - expected).square().mean().sqrt() < 0.15 * expected.std()


def test_samples_against_the_analytic_answer(chain):
    truth, sample = CHAIN.sample(4000, seed=8), chain.sample(4000, seed=2)
    for node in truth:
        assert sample[node].mean().item() == pytest.approx(truth[node].mean().item(), abs=0.2)
        assert sample[node].std().item() == pytest.approx(truth[node].std().item(), rel=0.15)
    sample = chain.sample(4000, {"x1": 3.0, "x3": -2.0}, seed=1)
    assert (sample["x3"] == -2).all()
    for node, (mean, std) in {"x2": (4.5, 0.5), "x4": (-1.4, 0.6)}.items():
        assert sample[node].mean().item() == pytest.approx(mean, abs=0.15)
        assert sample[node].std().item() == pytest.approx(std, rel=0.15)


def test_density_of_the_chain(chain):
    entropy = 2 * math.log(2 * math.pi * math.e) + math.log(0.5) + math.log(0.6)
    assert -chain.log_prob(CHAIN.sample(4000, seed=8)).mean().item() == pytest.approx(entropy, abs=0.1)


def test_vector_counterfactual_against_the_analytic_answer(house):
    factual, do = rooms(400, 9), rooms(400, 10)["a"]
    truth, answer = rooms(400, 9, a=do), house.counterfactual(factual, {"a": do}, seed=0)
    assert torch.equal(answer["a"], do)
    for node in ("v", "c"):
        assert (answer[node] - truth[node]).square().mean().sqrt() < 0.25 * truth[node].std()
    answer = house.counterfactual(factual, {"v": torch.tensor([[1.0, 2.0, 0.0]])}, seed=0)
    assert (answer["v"] == torch.tensor([1.0, 2.0, 0.0])).all()
    assert (answer["c"] - (3 + factual["c"] - factual["v"].sum(1))).abs().mean() < 0.3


def test_vector_samples_have_the_covariance_of_the_data(house):
    truth, sample = rooms(4000, 11), house.sample(4000, seed=0)
    torch.testing.assert_close(torch.cov(sample["v"].T), torch.cov(truth["v"].T), rtol=0, atol=0.25)


def test_factual_do_gives_the_factual_row_and_permuted_rows_permuted_answers(house):
    factual = rooms(60, 12)
    answer = house.counterfactual(factual, {"a": factual["a"]}, seed=0)
    for node in factual:
        torch.testing.assert_close(answer[node], factual[node], rtol=0, atol=1e-8)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    plain = house.counterfactual(factual, {"a": 1.0}, seed=0)
    permuted = house.counterfactual({v: x[order] for v, x in factual.items()}, {"a": 1.0}, seed=0)
    for node in factual:
        torch.testing.assert_close(permuted[node], plain[node][order], rtol=0, atol=1e-10)


def test_abducted_noise_is_shaped_like_the_nodes(house):
    factual = rooms(7, 12)
    assert {v: u.shape for v, u in house.abduct(factual).items()} == {v: x.shape for v, x in factual.items()}


def test_particles_act_at_query_time(house):
    one, factual = house.with_query_options(particles=1), rooms(20, 12)
    assert one.program is house.program
    assert not torch.equal(*(m.counterfactual(factual, {"a": 1.0}, seed=0)["c"] for m in (one, house)))


def test_no_trace_in_pyro_or_torch():
    pyro.clear_param_store()
    pyro.param("somebody's", torch.tensor(3.0))
    before, validation = torch.get_rng_state(), torch.distributions.Distribution._validate_args
    model = DSCM(epochs=2, particles=2).fit(ROOMS, rooms(300, 0), seed=0)
    model.sample(5, seed=0)
    model.counterfactual(rooms(5, 1), {"a": 0.0}, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.distributions.Distribution._validate_args == validation
    assert list(pyro.get_param_store()) == ["somebody's"]
    pyro.clear_param_store()


def test_same_seed_same_fit():
    fits = [DSCM(epochs=2).fit(ROOMS, rooms(300, 0), seed=seed) for seed in (1, 1, 2)]
    first, same, other = [fit.sample(5, seed=0)["c"] for fit in fits]
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_integer_nodes_are_answered_with_integers():
    stream = torch.Generator().manual_seed(0)
    k = torch.randint(0, 6, (500,), generator=stream)
    data = {"k": k, "m": k + torch.randint(0, 2, (500,), generator=stream)}
    model = DSCM(epochs=5).fit(nx.DiGraph([("k", "m")]), data, seed=0)
    sample = model.sample(50, {"k": 2}, seed=0)
    assert (sample["k"] == 2).all()
    assert sample["m"].dtype == torch.int64
    assert torch.equal(model.counterfactual(data, {"k": k}, seed=0)["m"], data["m"])


def test_images_are_answered_as_images():
    stream = torch.Generator().manual_seed(0)
    t = torch.rand(300, generator=stream)
    data = {"t": t, "img": t[:, None, None] * torch.ones(5, 5) + 0.1 * torch.randn(300, 5, 5, generator=stream)}
    model = DSCM(epochs=3).fit(nx.DiGraph([("t", "img")]), data, seed=0)
    assert model.sample(4, {"t": 1.0}, seed=0)["img"].shape == (4, 5, 5)
    answer = model.counterfactual({v: x[:6] for v, x in data.items()}, {"t": 1.0}, seed=0)
    assert answer["img"].shape == (6, 5, 5)


@pytest.mark.filterwarnings("ignore:Encountered NaN")
def test_errors_name_the_culprit(house):
    with pytest.raises(ValueError, match=r"transform='cubic'.*spline.*affine"):
        DSCM(transform="cubic")
    with pytest.raises(Unsupported, match=r"vector node\(s\) \['v'\]"):
        house.log_prob(rooms(5, 0))
    with pytest.raises(ValuesError, match=r"'v' has shape \(5,\)"):
        house.counterfactual({**rooms(5, 0), "v": torch.zeros(5)}, {}, seed=0)
    with pytest.raises(FloatingPointError, match="diverged"):
        DSCM(lr=1e30, epochs=20).fit(CHAIN.graph, CHAIN.sample(100, seed=0), seed=0)
