"""Triangular maps: triangular and rising, exact slopes and inverses, laws of bases, linear worlds, what is chosen."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from chains import CHAIN, counterfactual_error
from scmbench import datasets
from scmbench.models import conformance
from scmbench.models.contract.base import Unsupported
from scmbench.models.tm_scm import TMSCM, bases, maps

PAIR = nx.DiGraph([("x", "y")])
OPTIONS = {"layers": 2, "steps": 3, "hidden": (16, 16)}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn(kind: str, size: int, parents: int) -> maps.TriangularMap:
    """A map with weights as they are drawn, made steep."""
    torch.manual_seed(3)
    made = maps.made(kind, size, parents, **OPTIONS).double().requires_grad_(False)
    for weights in made.parameters():
        weights.mul_(1.5)
    return made


@pytest.mark.parametrize("options", [{}, {"kind": "tvsm", "base": "mixture", "roots": "fitted"}], ids=str)
def test_it_conforms(options):
    conformance.require(TMSCM, {**TMSCM.conformance_options, **options})


@pytest.mark.parametrize("kind", maps.KINDS)
@pytest.mark.parametrize(("size", "parents"), [(1, 0), (1, 2), (3, 0), (3, 2)])
def test_a_map_is_triangular_rises_and_knows_its_slope(kind, size, parents):
    made, x, pa = drawn(kind, size, parents), normal(5, size), normal(5, parents, seed=1)
    by_row = [
        torch.autograd.functional.jacobian(lambda v, i=i: made.encode(v[None], pa[i : i + 1])[0], x[i])
        for i in range(5)
    ]
    jacobian = torch.stack(by_row)
    assert (jacobian.triu(1) == 0).all()
    assert (jacobian.diagonal(dim1=1, dim2=2) > 0).all()
    u, slope = made.encode_and_slope(x, pa)
    torch.testing.assert_close(u, made.encode(x, pa))
    # the flow's slope is an integral by the same four steps, not the slope of the steps
    exact = jacobian.diagonal(dim1=1, dim2=2).log().sum(1)
    torch.testing.assert_close(slope, exact, rtol=0, atol=1e-10 if kind == "cmsm" else 1e-3)
    torch.testing.assert_close(made.decode(u, pa), x, rtol=0, atol=1e-6)


def test_random_signs_estimate_the_trace_without_bias():
    made, x = drawn("tvsm", 3, 0), normal(1, 3).expand(20_000, 3)
    signs = torch.randint(2, x.shape, generator=torch.Generator().manual_seed(0)).mul(2).sub(1).double()
    with torch.no_grad():
        _, estimates = made.encode_and_slope(x, x.new_zeros(len(x), 0), signs)
        _, exact = made.encode_and_slope(x[:1], x.new_zeros(1, 0))
    assert abs(float(estimates.mean() - exact)) < 4 * float(estimates.std()) / len(x) ** 0.5
    assert float(estimates.std()) > 0


@pytest.mark.parametrize("kind", bases.BASES)
def test_a_base_is_a_law_and_draws_are_its_own(kind):
    torch.manual_seed(1)
    base = bases.made(kind, 1).double().requires_grad_(False)
    for weights in base.parameters():
        weights.add_(0.3 * torch.randn_like(weights))
    grid = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    density = base.log_prob(grid[:, None]).exp()
    assert float(torch.trapezoid(density, grid)) == pytest.approx(1, abs=1e-3)
    draws = base.draw(20_000, torch.Generator().manual_seed(0))[:, 0]
    mean = float(torch.trapezoid(grid * density, grid))
    assert float(draws.mean()) == pytest.approx(mean, abs=4 * float(draws.std()) / 20_000**0.5)


@pytest.mark.parametrize("kind", maps.KINDS)
def test_a_linear_world_is_answered_as_it_is(kind):
    options = {"kind": kind, "base": "normal", "epochs": 40, "hidden": (32,), "lr": 1e-2}
    model = TMSCM(**options).fit(CHAIN.graph, CHAIN.sample(2000, seed=0), seed=0)
    assert counterfactual_error(model, CHAIN.sample(200, seed=1)) < 0.15


def test_a_vector_is_one_node_and_its_components_are_told_apart():
    """Of tmscm/fork nothing is linear; the last node's components err by less than knowing its mean alone would."""
    scm = datasets.get("tmscm/fork").scm(0)
    model = TMSCM(kind="cmsm", epochs=30).fit(scm.graph, scm.sample(2000, seed=0), seed=0)
    noise = scm.noise(300, seed=1)
    factual = scm.run(noise)
    do = {"x": factual["x"].flip(0)}
    truth, answer = scm.run(noise, do), model.counterfactual(factual, do, seed=0)
    error = (answer["w"] - truth["w"]).square().mean(0).sqrt() / truth["w"].std(0)
    assert (error < 0.7).all()


def test_the_likelier_of_both_is_used():
    x, sign = normal(800)[:, None], torch.where(normal(800, seed=2) > 0, 1.0, -1.0)[:, None]
    recipe = TMSCM(epochs=40, base="normal", hidden=(16,), lr=1e-2).mechanism().recipe
    clusters, line = (sign + 0.1 * normal(800, seed=3)[:, None] + x, normal(800, seed=3)[:, None] + x)
    for y in (clusters, line):
        losses = {kind: recipe.trained(kind, y, x, 0)[1] for kind in maps.KINDS}
        chosen, flow, _ = recipe.chosen(maps.KINDS, y, x, 0)
        assert losses[chosen] == min(losses.values()) < max(losses.values())
        assert isinstance(flow.map, {"cmsm": maps.Composed, "tvsm": maps.Flowing}[chosen])
        assert chosen == "tvsm" or y is line, "two clusters are no affine image of a normal"


def test_a_density_needs_fitted_roots_and_no_discrete_node():
    data = {"x": normal(300), "y": normal(300, seed=1)}
    fitted = TMSCM(kind="cmsm", epochs=2, roots="fitted").fit(PAIR, data, seed=0)
    assert fitted.log_prob(data).shape == (300,)
    with pytest.raises(Unsupported, match="roots='fitted'"):
        TMSCM(kind="cmsm", epochs=2).fit(PAIR, data, seed=0).log_prob(data)
    counts = {**data, "y": (data["y"] > 0).long()}
    with pytest.raises(Unsupported, match="discrete"):
        TMSCM(kind="cmsm", epochs=2, roots="fitted").fit(PAIR, counts, seed=0).log_prob(counts)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"kind": "nme"}, "kind='nme'"),
        ({"base": "cauchy"}, "base='cauchy'"),
        ({"layers": 0}, "layers=0"),
        ({"lr": -1.0}, "lr=-1"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, named):
    with pytest.raises(ValueError, match=named):
        TMSCM(**options)
