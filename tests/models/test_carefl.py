"""CAREFL with splines: splines against zuko, compiled training against autograd, queries of both variants."""

from __future__ import annotations

import math

import pytest
import torch
from scmbench.datasets import SCM, Problem
from scmbench.datasets.seeds import generator
from scmbench.models.carefl import CAREFL
from scmbench.models.carefl.flow import Flow
from scmbench.models.carefl.prior import PRIORS
from scmbench.models.carefl.spline import Spline
from scmbench.models.carefl.training import train
from scmbench.models.training.recipe import Recipe
from zuko.transforms import MonotonicRQSTransform

LINEAR = SCM(
    {
        "x1": lambda u: u + 1,
        "x2": lambda u, x1: x1 / 2 + u,
        "x3": lambda u, x1, x2: x2 + x1 / 2 + u / 2 - 1,
    }
)
DOUBLE = torch.float64


def problem(n=3000, seed=1):
    return Problem("test/linear", seed, LINEAR.graph, LINEAR.sample(n, seed=seed), [], LINEAR)


@pytest.fixture(scope="module")
def fitted():
    given = problem()
    return {v: CAREFL(v, epochs=120, batch_size=500).fit(given.graph, given.train, seed=0) for v in CAREFL.variants}


@pytest.mark.parametrize("doubled", [True, False])
def test_splines_agree_with_zuko(doubled):
    spline = Spline.of(torch.randn(14, 60, generator=generator(0), dtype=DOUBLE), doubled)
    x = 2 * torch.randn(60, generator=generator(1), dtype=DOUBLE)
    theirs = MonotonicRQSTransform(*(torch.zeros(60, k, dtype=DOUBLE) for k in (5, 5, 4)), bound=3.0)
    theirs.horizontal, theirs.vertical, theirs.derivatives = spline.x.T, spline.y.T, spline.slope.T
    assert (x.abs() > 3).any()
    for ours, wanted in zip(spline.forward(x), theirs.call_and_ladj(x), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("doubled", [True, False])
def test_splines_and_their_inverse_are_exact(doubled):
    spline = Spline.of(2 * torch.randn(14, 500, generator=generator(0), dtype=DOUBLE), doubled)
    x = 2 * torch.randn(500, generator=generator(1), dtype=DOUBLE)
    torch.testing.assert_close(spline.inverse(spline.forward(x)[0]), x, rtol=0, atol=1e-9)


def test_inner_slopes_are_bounded_below_where_softplus_is_applied_twice():
    lowest = torch.full((14, 1), -50.0, dtype=DOUBLE)
    for doubled, floor in ((True, math.log(2) + 1e-3), (False, 1e-3)):
        slopes = Spline.of(lowest, doubled).slope[:, 0]
        torch.testing.assert_close(slopes[1:-1], torch.full((4,), floor, dtype=DOUBLE))
        torch.testing.assert_close(slopes[[0, -1]], torch.ones(2, dtype=DOUBLE))


def test_widths_are_bounded_below_where_softmax_is_applied_twice():
    peak = torch.zeros(14, 1, dtype=DOUBLE)
    peak[0] = 50
    for doubled, widest in ((True, 6 * (1e-3 + 0.995 * math.exp(6) / (math.exp(6) + 4))), (False, 6 * 0.996)):
        assert Spline.of(peak, doubled).x.diff(dim=0).max() == pytest.approx(widest)


@pytest.mark.parametrize("name", list(PRIORS))
def test_priors_are_what_they_are_called(name):
    prior, z = PRIORS[name], torch.linspace(-30, 30, 200_001, dtype=DOUBLE)
    density = prior.log_prob(z).exp()
    assert torch.trapezoid(density, z) == pytest.approx(1, abs=1e-6)
    below = torch.trapezoid(density[:100_501], z[:100_501])
    torch.testing.assert_close(prior.quantile(below), z[100_500], rtol=0, atol=1e-3)
    variance = {"normal": 1, "logistic": math.pi**2 / 3, "laplace": 2}[name]
    assert prior.sample((40_000,), generator(0)).var() == pytest.approx(variance, rel=0.05)


def test_parameter_counts():
    for d, parameters in ((3, 1488), (30, 36_480)):
        flow = Flow.draw(d, 4, True, generator(0))
        assert flow.size() == parameters
        assert flow.first.count_nonzero() == 4 * sum(10 * i for i in range(d))


def test_a_dimension_reads_only_those_before_it():
    flow = Flow.draw(4, 3, True, generator(0)).double()
    x = torch.randn(4, 1, generator=generator(1), dtype=DOUBLE)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow.forward(x)[0][:, 0], x)[:, :, 0]
    assert torch.equal(jacobian.triu(1), torch.zeros(4, 4, dtype=DOUBLE))
    assert (jacobian.tril() != 0).sum() == 10
    log_det = flow.forward(x)[1][0]
    torch.testing.assert_close(log_det, jacobian.diagonal().log().sum())


def test_all_dimensions_at_once_are_each_dimension_by_itself():
    flow = Flow.draw(5, 3, True, generator(0)).double()
    x = z = 1.5 * torch.randn(5, 70, generator=generator(1), dtype=DOUBLE)
    log_det = torch.zeros(70, dtype=DOUBLE)
    for layer in range(3):
        parts = [flow.spline(layer, i, z).forward(z[i]) for i in range(5)]
        z = torch.stack([y for y, _ in parts])
        log_det = log_det + torch.stack([log_slope for _, log_slope in parts]).sum(0)
    for ours, wanted in zip(flow.forward(x), (z, log_det), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-12)


def test_no_gradient_reaches_weights_that_read_ahead():
    flow = Flow.draw(4, 2, False, generator(0)).double()
    for tensor in flow.tensors():
        tensor.requires_grad_()
    z, log_det = flow.forward(torch.randn(4, 30, generator=generator(1), dtype=DOUBLE))
    (z.square().sum() + log_det.sum()).backward()
    assert flow.first.grad is not None
    ahead = torch.ones(4, 4, dtype=DOUBLE).triu().bool()
    by_pair = flow.first.grad.abs().amax((0, 2))
    assert not by_pair[ahead].any()
    assert by_pair[~ahead].all()


@pytest.mark.parametrize("doubled", [True, False])
def test_the_round_trip_of_a_flow_is_exact(doubled):
    flow = Flow.draw(5, 4, doubled, generator(0)).double()
    x = 1.5 * torch.randn(5, 300, generator=generator(1), dtype=DOUBLE)
    torch.testing.assert_close(flow.inverse(flow.forward(x)[0]), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("doubled", "prior"), [(True, "logistic"), (False, "normal")])
def test_both_ways_to_train_take_the_steps_of_autograd_on_the_definition(doubled, prior, compiled):
    x = torch.randn(500, 3, generator=generator(0), dtype=DOUBLE)
    x[:, 1] += x[:, 0]
    recipe = Recipe(epochs=2, batch_size=150, lr=1e-3, weight_decay=1e-2, decay=0.5)
    got = train(x, recipe, layers=2, doubled=doubled, prior=prior, seed=3, compiled=compiled)

    flow = Flow.draw(3, 2, doubled, generator(3, "weights")).double()
    for tensor in flow.tensors():
        tensor.requires_grad_()
    adam = torch.optim.Adam(flow.tensors(), lr=1e-3, weight_decay=1e-2)
    stream = generator(3, "batches")
    for epoch in range(2):
        adam.param_groups[0]["lr"] = 1e-3 * 0.5**epoch
        columns = x.T[:, torch.randperm(500, generator=stream)]
        for start in range(0, 450, 150):
            z, log_det = flow.forward(columns[:, start : start + 150])
            adam.zero_grad()
            (-(PRIORS[prior].log_prob(z).sum(0) + log_det).mean()).backward()
            adam.step()
    for ours, theirs in zip(got.tensors(), flow.tensors(), strict=True):
        torch.testing.assert_close(ours.double(), theirs.detach(), rtol=0, atol=1e-5)


def test_a_fit_does_not_depend_on_its_mates():
    problems = [problem(seed=s, n=300) for s in range(3)]
    model = CAREFL(epochs=3, batch_size=100)
    together = model.fit_many(problems, [4, 5, 6])[1]
    alone = model.fit_many(problems[1:2], [5])[0]
    for ours, theirs in zip(together.flow.tensors(), alone.flow.tensors(), strict=True):
        assert torch.equal(ours, theirs)


def test_linear_gaussian_answers(fitted):
    """x3 given do(x2 = a) is N(a - 1/2, 1/2); a counterfactual of x1 shifts x2 by half as much and x3 by as much."""
    model = fitted["corrected"]
    for a in (0.0, 3.0):
        x = model.sample(4000, {"x2": a}, seed=1)
        assert torch.equal(x["x2"], torch.full_like(x["x2"], a))
        assert float(x["x3"].mean()) == pytest.approx(a - 0.5, abs=0.25)
        assert float(x["x3"].var()) == pytest.approx(0.5, rel=0.25)
    noise = LINEAR.noise(1000, seed=5)
    factual, do = LINEAR.observed(LINEAR.run(noise)), {"x1": 2.0}
    truth, answer = LINEAR.counterfactual(noise, do), model.counterfactual(factual, do, seed=0)
    for v in ("x2", "x3"):
        assert (answer[v] - truth[v]).square().mean() < 0.05


def test_log_density_of_a_linear_gaussian_world(fitted):
    """The entropy of the world bounds the likelihood: 3 log(2πe)/2 + log(1 · 1 · ½) nats."""
    rows = LINEAR.sample(4000, seed=7)
    best = -(1.5 * math.log(2 * math.pi * math.e) + math.log(0.5))
    assert best - 0.15 < float(fitted["corrected"].log_prob(rows).mean()) < best + 0.05


def test_the_value_of_an_intervention_is_attained_by_the_corrected_variant_alone(fitted):
    reference = fitted["reference"].with_query_options(scaler_refit=0)
    first = reference.sample(200, {"x1": 2.0}, seed=0)["x1"]
    assert (first - 2).abs().max() < 1e-6
    later = reference.sample(200, {"x2": 2.0}, seed=0)["x2"]
    assert float(later.std()) > 0.2
    sequential = reference.with_query_options(intervention="sequential").sample(200, {"x2": 2.0}, seed=0)["x2"]
    assert torch.equal(sequential, torch.full_like(sequential, 2.0))
    assert (later - 2).abs().max() > 0.5


def test_counterfactuals_attain_the_value_in_both_variants(fitted):
    factual = LINEAR.sample(100, seed=3)
    for model in (fitted["corrected"], fitted["reference"].with_query_options(scaler_refit=0)):
        answer = model.counterfactual(factual, {"x2": 0.5}, seed=0)
        assert (answer["x2"] - 0.5).abs().max() < 1e-6
        assert (answer["x1"] - factual["x1"]).abs().max() < 1e-6


def test_queries_of_the_reference_share_a_scaler_where_they_share_the_value(fitted):
    """Rows are grouped by value, whatever else is in the batch, and other values get other scalers."""
    model, factual = fitted["reference"], LINEAR.sample(60, seed=3)
    values = torch.tensor([0.0, 1.0, 2.0], dtype=DOUBLE).repeat(20)
    together = model.counterfactual(factual, {"x1": values}, seed=0)["x3"]
    for a in (0.0, 1.0, 2.0):
        alone = model.counterfactual(factual, {"x1": a}, seed=1)["x3"]
        torch.testing.assert_close(together[values == a], alone[values == a], rtol=0, atol=1e-12)
    offsets = together - model.with_query_options(scaler_refit=0).counterfactual(factual, {"x1": values}, seed=0)["x3"]
    means = [float(offsets[values == a].mean()) for a in (0.0, 1.0, 2.0)]
    assert max(means) - min(means) > 1e-3


@pytest.mark.parametrize("option", ["variant", "spline", "prior", "intervention"])
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=f"{option}='neither'"):
        CAREFL(**{option: "neither"})


def test_a_diverging_training_is_told():
    given = problem(n=200)
    with pytest.raises(FloatingPointError, match="diverged by step"):
        CAREFL(lr=1e30, epochs=6, batch_size=50).fit(given.graph, given.train, seed=0)
