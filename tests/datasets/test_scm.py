"""The SCM as a Pyro program: interventions, counterfactuals, latent nodes, streams, and refusals."""

from __future__ import annotations

import networkx as nx
import pyro
import pytest
import torch
from scmbench.datasets import SCM, SCMDataset, ValuesError, get, names
from scmbench.datasets.noise import Bootstrap

FILES = ("dcm/sachs/", "image/morpho")
ALL = [name for name in names() if isinstance(get(name), SCMDataset) and not name.startswith(FILES)]
"""Every SCM that needs no file."""


def confounded() -> SCM:
    return SCM(
        {
            "hidden": lambda u: u,
            "x": lambda u, hidden: hidden + u,
            "between": lambda u, x: 2 * x + u,
            "y": lambda u, between, hidden: between - hidden + u,
        },
        latent=["hidden", "between"],
    )


def test_edges_follow_from_the_argument_names():
    scm = SCM({"c": lambda u, a, b: a + b + u, "a": lambda u: u, "b": lambda u, a: a * u})
    assert set(scm.graph.edges) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert scm.order == ["a", "b", "c"]
    assert scm.targets == ("a", "b")


def test_generated_equations_give_their_parents_explicitly():
    named = SCM({"a": lambda u: u, "b": lambda u: u, "c": lambda u, a, b: a - 2 * b + u})
    given = SCM({"a": lambda u: u, "b": lambda u: u, "c": (("a", "b"), lambda u, *pa: pa[0] - 2 * pa[1] + u)})
    assert set(named.graph.edges) == set(given.graph.edges)
    assert named.sample(9, seed=0)["c"].equal(given.sample(9, seed=0)["c"])


@pytest.mark.parametrize("name", ALL)
def test_do_is_obeyed_and_leaves_non_descendants_bit_identical(name):
    scm = get(name).scm(0)  # type: ignore[attr-defined]
    noise = scm.noise(50, seed=1)
    plain = scm.run(noise)
    for node in scm.targets:
        a = plain[node].flip(0)  # other rows' own values: some mechanisms are defined on their parents' range alone
        forced = scm.run(noise, {node: a})
        reached = nx.descendants(scm.full_graph, node)
        assert forced[node].equal(a)
        assert all(forced[v].equal(plain[v]) for v in scm.order if v != node and v not in reached)
        assert not reached or any(not forced[v].equal(plain[v]) for v in reached)


@pytest.mark.parametrize("name", ALL)
def test_the_counterfactual_under_an_empty_do_is_the_factual_row(name):
    scm = get(name).scm(0)  # type: ignore[attr-defined]
    noise = scm.noise(50, seed=2)
    factual, replayed = scm.observed(scm.run(noise)), scm.counterfactual(noise, {})
    assert list(factual) == list(replayed)
    assert all(factual[v].equal(replayed[v]) for v in factual)


def test_the_counterfactual_of_a_linear_model_moves_by_its_slope():
    scm = SCM({"x": lambda u: u, "y": lambda u, x: 3 * x + u})
    noise = scm.noise(20, seed=0)
    factual = scm.run(noise)
    moved = scm.counterfactual(noise, {"x": factual["x"] + 1})
    torch.testing.assert_close(moved["y"], factual["y"] + 3)


def test_setting_a_node_to_its_factual_value_changes_nothing():
    scm = get("dcm/diamond/nadd").scm(0)  # type: ignore[attr-defined]
    noise = scm.noise(20, seed=0)
    factual = scm.run(noise)
    assert all(scm.counterfactual(noise, {"x2": factual["x2"]})[v].equal(factual[v]) for v in factual)


def test_several_nodes_at_once():
    scm = get("dcm/triangle/nlin").scm(0)  # type: ignore[attr-defined]
    noise = scm.noise(5, seed=0)
    values = scm.run(noise, {"x1": 0.5, "x2": -1.0})
    expected = (20 * torch.sigmoid(torch.tensor(0.5)) + noise["x3"]) / 2.41
    torch.testing.assert_close(values["x3"], expected.double(), rtol=1e-6, atol=1e-6)


def test_latent_nodes_are_generated_but_never_seen():
    scm = confounded()
    assert set(scm.sample(5, seed=0)) == {"x", "y"}
    assert set(scm.counterfactual(scm.noise(5, seed=0), {"x": 0.0})) == {"x", "y"}
    assert set(scm.run(scm.noise(5, seed=0))) == {"hidden", "x", "between", "y"}
    values = scm.sample(20_000, seed=0)
    covariance = torch.cov(torch.stack([values["x"], values["y"]]))[0, 1]
    assert covariance == pytest.approx(2 * 2 - 1, rel=0.05), "the hidden common cause has to act"


def test_a_latent_mediator_leaves_its_arrow_in_the_observed_graph():
    scm = confounded()
    assert set(scm.graph.edges) == {("x", "y")}
    assert scm.targets == ("x",)


def test_each_node_has_its_own_noise_stream():
    small = SCM({"x": lambda u: u, "y": lambda u, x: x + u})
    large = SCM({"y": lambda u, x: x + u, "w": lambda u: u, "x": lambda u: u})
    a, b = small.sample(10, seed=3), large.sample(10, seed=3)
    assert a["x"].equal(b["x"])
    assert a["y"].equal(b["y"])
    assert not a["x"].equal(small.sample(10, seed=4)["x"])
    assert not small.noise(10, seed=3)["x"].equal(small.noise(10, seed=3)["y"])


def test_sampling_leaves_global_random_state_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    scm = confounded()
    scm.sample(10, {"x": 1.0}, seed=0)
    scm.counterfactual(scm.noise(10, seed=0), {"x": 1.0})
    assert torch.random.get_rng_state().equal(before)


def test_the_program_is_one_that_pyro_runs_by_itself():
    pyro.set_rng_seed(0)
    scm = SCM({"x": lambda u: u, "y": lambda u, x: 2 * x + u}, noise={"x": Bootstrap(torch.tensor([0.0, 1.0]))})
    trace = pyro.poutine.trace(scm.program).get_trace(4)
    assert {"u_x", "x", "u_y", "y"} <= set(trace.nodes)
    assert torch.isfinite(trace.log_prob_sum())


def test_vector_and_integer_nodes():
    scm = SCM(
        {"v": lambda u: u, "k": lambda u, v: (v.sum(1) + u > 0).long(), "y": lambda u, v, k: v[:, 0] * k + u},
        noise={"v": pyro.distributions.Normal(torch.zeros(3).double(), torch.ones(3).double())},
    )
    values = scm.sample(6, {"v": torch.tensor([[1.0, 2.0, 3.0]])}, seed=0)
    assert values["v"].shape == (6, 3)
    assert values["k"].dtype == torch.int64
    assert scm.sample(6, {"k": 1}, seed=0)["k"].tolist() == [1] * 6
    pyro.poutine.trace(scm.program).get_trace(4).log_prob_sum()


def bad(**equations):
    return lambda: SCM({"x": lambda u: u, **equations}).sample(5, seed=0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (bad(y=lambda u, z: u + z), "equation of 'y' uses 'z'"),
        (bad(y=lambda u, z: u + z, z=lambda u, y: u + y), "cycle: 'y' -> 'z' -> 'y'|cycle: 'z' -> 'y' -> 'z'"),
        (bad(y=3.0), "equation of 'y' is a float"),
        (bad(y=lambda: torch.zeros(5)), "equation of 'y' must be"),
        (bad(y=lambda u, *pa: u), "equation of 'y' must be"),
        (bad(y=lambda u: 1.0), "equation of 'y' returned float; expected a tensor of 5 rows"),
        (bad(y=lambda u: u.sum()), r"equation of 'y' returned shape \(\); expected a tensor of 5 rows"),
        (bad(y=lambda u, x: x[:2]), r"equation of 'y' returned shape \(2,\)"),
        (bad(y=lambda u, x: torch.log(-x.abs())), "equation of 'y' returned NaN"),
        (bad(u_x=lambda u: u), r"\['u_x'\] are taken by the noise of \['x'\]"),
        (lambda: SCM({"x": lambda u: u}, latent=["h"]), r"latent: unknown node\(s\) \['h'\]"),
        (lambda: SCM({"x": lambda u: u}, targets=["t"]), r"targets: unknown node\(s\) \['t'\]"),
        (lambda: SCM({"x": lambda u: u}, noise={"x": torch.distributions.Normal(0.0, 1.0)}), "noise of 'x': .*Pyro"),
        (lambda: confounded().sample(5, {"q": 1.0}, seed=0), "unknown node 'q'"),
        (lambda: confounded().run({"x": torch.zeros(5)}), "noise lacks"),
    ],
)
def test_a_bad_model_is_refused_by_name(build, message):
    with pytest.raises(ValuesError, match=message):
        build()


def test_bootstrap_is_the_empirical_distribution():
    values = torch.tensor([3.0, 1.0, 1.0, 2.0]).double()
    noise = Bootstrap(values)
    drawn = SCM({"x": lambda u: u}, noise={"x": noise}).sample(4000, seed=0)["x"]
    assert drawn.dtype == torch.float64
    shares = {v: float((drawn == v).double().mean()) for v in (1.0, 2.0, 3.0)}
    assert shares == pytest.approx({1.0: 0.5, 2.0: 0.25, 3.0: 0.25}, abs=0.03)
    assert noise.icdf(torch.tensor([0.0, 0.49, 0.5, 0.75, 1.0])).tolist() == [1, 1, 2, 3, 3]
    assert noise.log_prob(torch.tensor([1.0, 2.0, 9.0]).double()).exp().tolist() == [0.5, 0.25, 0.0]
    with pytest.raises(ValueError, match=r"finite values \(m,\)"):
        Bootstrap(torch.tensor([]))
