"""CAREFL with affine couplings: the flow, its quirk, its halves, and what it says of a linear world."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from pyro.distributions import Laplace
from scmbench.datasets import SCM
from scmbench.datasets.seeds import generator
from scmbench.models import Unsupported
from scmbench.models.carefl import AffineCAREFL
from scmbench.models.carefl.affine import halves
from scmbench.models.carefl.coupling import Coupling, CouplingFlow

DOUBLE = torch.float64
LAPLACE = Laplace(torch.zeros((), dtype=DOUBLE), torch.ones((), dtype=DOUBLE))
PAIR = SCM({"cause": lambda u: u, "effect": lambda u, cause: cause + u}, noise={"cause": LAPLACE, "effect": LAPLACE})


def double(layer):
    for tensor in layer.tensors():
        tensor.data = tensor.data.double()
    return layer


def draw(tied, *, scale=True, base=True, size=2):
    options = {"scale": scale, "base": base, "tied": tied}
    return CouplingFlow(tuple(double(Coupling.draw(size, 3, generator=generator(k), **options)) for k in range(4)))


@pytest.fixture(scope="module")
def fitted():
    data = PAIR.sample(1000, seed=0)
    return {v: AffineCAREFL(v, epochs=60, lr=5e-3).fit(PAIR.graph, data, seed=0) for v in AffineCAREFL.variants}


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_the_round_trip_is_exact_and_the_determinant_is_that_of_the_jacobian(tied, scale):
    flow = draw(tied, scale=scale)
    x = torch.randn(50, 4, generator=generator(9), dtype=DOUBLE)
    z, log_det = flow.forward(x)
    torch.testing.assert_close(flow.inverse(z), x, rtol=0, atol=1e-9)
    jacobian = torch.autograd.functional.jacobian(lambda row: flow.forward(row[None])[0][0], x[0])
    torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, log_det[0])


def test_causes_that_are_given_replace_the_inverted_ones():
    flow = draw(False)
    x = torch.randn(50, 4, generator=generator(9), dtype=DOUBLE)
    z, _ = flow.forward(x)
    other = x[:, :2] + 1
    moved = flow.inverse(z, other)
    assert torch.equal(moved[:, :2], other)
    torch.testing.assert_close(flow.forward(moved)[0][:, 2:], z[:, 2:], rtol=0, atol=1e-9)


def test_the_reference_shifts_causes_by_their_log_scale():
    layer = draw(True).layers[0]
    a = torch.randn(5, 2, generator=generator(1), dtype=DOUBLE)
    s0, t0 = layer.base(a)
    assert torch.equal(s0, t0)
    assert len(layer.tensors()) == len(draw(False).layers[0].tensors()) - 1


def test_without_scale_the_effect_has_unit_slope():
    flow = draw(True, scale=False, size=1)
    z, _ = flow.forward(torch.tensor([[0.5, 0.0], [0.5, 2.0]], dtype=DOUBLE))
    assert float(z[1, 1] - z[0, 1]) == pytest.approx(2)


def test_the_configuration_of_the_fmri_experiment_has_55_parameters_that_are_used(fitted):
    assert fitted["reference"].cost() == {"parameters": 55, "gradient_steps": 60 * 13}
    assert fitted["corrected"].cost()["parameters"] == 60


@pytest.mark.parametrize("variant", AffineCAREFL.variants)
def test_predictions_follow_the_cause(fitted, variant):
    a = torch.tensor([-2.0, 0.0, 2.0], dtype=DOUBLE)
    predicted = fitted[variant].predict({"cause": a})
    assert torch.equal(predicted["cause"], a)
    torch.testing.assert_close(predicted["effect"], a, rtol=0, atol=0.4)
    assert predicted["effect"].diff().min() > 1.4
    assert fitted[variant].predict({"cause": 1.0})["effect"].shape == (1,)


def test_the_likelihood_reaches_the_entropy_of_the_world(fitted):
    """Two Laplace noises of scale 1 have entropy 2 (1 + log 2) nats."""
    best = -2 * (1 + float(torch.tensor(2.0).log()))
    mean = float(fitted["reference"].log_prob(PAIR.sample(4000, seed=3)).mean())
    assert best - 0.25 < mean < best + 0.1


def test_counterfactuals_of_a_linear_pair(fitted):
    noise = PAIR.noise(500, seed=4)
    factual, do = PAIR.observed(PAIR.run(noise)), {"cause": 1.5}
    truth = PAIR.counterfactual(noise, do)
    for model in fitted.values():
        answer = model.counterfactual(factual, do, seed=0)
        error = (answer["effect"] - truth["effect"]).abs().median()
        assert error < 0.2 * (factual["effect"] - truth["effect"]).abs().median()


def test_an_intervened_effect_is_attained_by_the_corrected_variant_alone(fitted):
    got = {v: model.sample(100, {"effect": 2.0}, seed=0)["effect"] for v, model in fitted.items()}
    assert torch.equal(got["corrected"], torch.full((100,), 2.0, dtype=DOUBLE))
    assert float(got["reference"].std()) > 0.3
    cause = fitted["reference"].sample(100, {"cause": 2.0}, seed=0)["cause"]
    assert torch.equal(cause, torch.full((100,), 2.0, dtype=DOUBLE))


def test_the_first_share_of_the_rows_is_trained_on():
    data = PAIR.sample(100, seed=0)
    other = {v: torch.cat([x[:80], x[80:] + 100]) for v, x in data.items()}
    model, share = AffineCAREFL(epochs=2), AffineCAREFL(epochs=2, train_share=1.0)
    same = [model.fit(PAIR.graph, rows, seed=0).flow.layers[0].shift.first.clone() for rows in (data, other)]
    moved = [share.fit(PAIR.graph, rows, seed=0).flow.layers[0].shift.first.clone() for rows in (data, other)]
    assert torch.equal(*same)
    assert not torch.equal(*moved)


@pytest.mark.parametrize(
    "edges", [[("a", "b"), ("b", "c"), ("c", "d")], [("a", "b"), ("a", "c")], [("a", "b"), ("a", "c"), ("a", "d")]]
)
def test_graphs_without_two_halves_are_not_supported(edges):
    with pytest.raises(Unsupported, match="as many causes as effects"):
        halves(nx.DiGraph(edges))


def test_causes_come_first_and_loose_nodes_fill_up():
    graph = nx.DiGraph([("z", "a"), ("y", "b"), ("z", "b")])
    assert halves(graph) == ["y", "z", "a", "b"]
    graph = nx.DiGraph([("z", "a"), ("z", "b")])
    graph.add_node("loose")
    assert halves(graph) == ["loose", "z", "a", "b"]


@pytest.mark.parametrize("options", [{"variant": "x"}, {"prior": "x"}, {"train_share": 0.0}])
def test_options_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        AffineCAREFL(**options)
