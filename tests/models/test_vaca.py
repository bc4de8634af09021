"""VACA: the compiled training against autograd, the graph in encoder and decoder, queries of both variants."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest
import torch
from scmbench.datasets import SCM, Problem
from scmbench.datasets.seeds import generator
from scmbench.models.training.recipe import Recipe
from scmbench.models.vaca import VACA
from scmbench.models.vaca.network import GraphAutoencoder
from scmbench.models.vaca.training import train
from scmbench.models.vaca.wiring import Wiring, longest_path

TRIANGLE = nx.DiGraph([("x1", "x2"), ("x1", "x3"), ("x2", "x3")])
LINEAR = SCM(
    {
        "x1": lambda u: u + 1,
        "x2": lambda u, x1: x1 / 2 + u,
        "x3": lambda u, x1, x2: x2 + x1 / 2 + u / 2 - 1,
    }
)


def problem(scm=LINEAR, n=3000, seed=1):
    return Problem("test/linear", seed, scm.graph, scm.sample(n, seed=seed), [], scm)


@pytest.fixture(scope="module")
def fitted():
    given = problem()
    return {v: VACA(v, epochs=150, batch_size=500).fit(given.graph, given.train, seed=0) for v in VACA.variants}


def chain(length):
    names = [f"x{i}" for i in range(1, length + 1)]
    equations = {"x1": lambda u: u}
    equations |= {v: ((pa,), lambda u, pa: pa + u / 2) for pa, v in pairwise(names)}
    return SCM(equations)


def test_parameters_are_409_an_edge_self_loops_included():
    ladder = nx.DiGraph()
    for a, b in [
        (1, 2),
        (1, 3),
        (2, 4),
        (3, 4),
        (3, 5),
        (4, 6),
        (5, 6),
        (5, 7),
        (6, 8),
        (7, 8),
        (7, 9),
        (8, 10),
        (9, 10),
    ]:
        ladder.add_edges_from((f"{a:02d}{i}", f"{b:02d}{j}") for i in range(3) for j in range(3))
    for graph, parameters in ((TRIANGLE, 2454), (ladder, 60_123)):
        assert GraphAutoencoder.draw(Wiring.of(graph), 3, generator(0)).size() == parameters


def test_first_weights_have_a_range_set_by_the_number_of_edges():
    network = GraphAutoencoder.draw(Wiring.of(TRIANGLE), 3, generator(0))
    for layer in network.layers:
        assert 0.85 * 6**-0.5 < layer.abs().max() <= 6**-0.5


def test_wiring_lists_self_loops_and_then_edges_by_target():
    wiring = Wiring.of(TRIANGLE)
    assert list(zip(wiring.source.tolist(), wiring.target.tolist(), strict=True)) == [
        *[(0, 0), (1, 1), (2, 2)],
        *[(0, 1), (0, 2), (1, 2)],
    ]
    assert wiring.starts.tolist() == [3, 3, 4, 6]


def test_a_step_of_message_passing_is_the_sum_of_affine_messages():
    wiring = Wiring.of(TRIANGLE)
    network = GraphAutoencoder.draw(wiring, 1, generator(0)).double()
    z = torch.randn(3, 4, 5, generator=generator(1), dtype=torch.float64)
    weights = network.layers[2]

    def message(edge, t, s, row):
        return torch.cat([z[t, :, row], z[s, :, row], torch.ones(1, dtype=torch.float64)]) @ weights[edge, :, 0]

    x = network.decode(z, torch.ones(3, 5, dtype=torch.float64))
    wanted = message(2, 2, 2, 4) + message(4, 2, 0, 4) + message(5, 2, 1, 4)
    torch.testing.assert_close(x[2, 4], wanted)
    alone = network.decode(z, torch.tensor([[1.0], [1.0], [0.0]], dtype=torch.float64).expand(3, 5))
    torch.testing.assert_close(alone[2, 4], message(2, 2, 2, 4))


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("steps", [1, 3, 4])
def test_both_ways_to_train_take_the_steps_of_autograd_on_the_definition(steps, compiled):
    graph = nx.DiGraph([*TRIANGLE.edges, ("x2", "x4")])
    graph.add_node("x5")
    x = torch.randn(500, 5, generator=generator(0), dtype=torch.float64)
    recipe = Recipe(epochs=2, batch_size=150, lr=1e-3, weight_decay=1e-2, decay=0.5)
    got = train(x, graph, recipe, steps=steps, dropout=0.2, seed=3, compiled=compiled)

    network = GraphAutoencoder.draw(Wiring.of(graph), steps, generator(3, "weights")).double()
    for layer in network.layers:
        layer.requires_grad_()
    adam = torch.optim.Adam(network.layers, lr=1e-3, weight_decay=1e-2)
    stream = generator(3, "batches")
    for epoch in range(2):
        adam.param_groups[0]["lr"] = 1e-3 * 0.5**epoch
        columns = x.T[:, torch.randperm(500, generator=stream)]
        keep = (torch.rand(5, 500, generator=stream) >= 0.2).double()
        noise = torch.randn(5, 4, 500, generator=stream).double()
        for start in range(0, 450, 150):
            part = slice(start, start + 150)
            adam.zero_grad()
            network.negative_elbo(columns[:, part], keep[:, part], noise[:, :, part]).mean().backward()
            adam.step()
    for ours, theirs in zip(got.layers, network.layers, strict=True):
        torch.testing.assert_close(ours.double(), theirs.detach(), rtol=0, atol=1e-5)


def test_a_fit_does_not_depend_on_its_mates():
    problems = [problem(seed=s, n=300) for s in range(3)]
    model = VACA(epochs=3, batch_size=100)
    together = model.fit_many(problems, [4, 5, 6])[1]
    alone = model.fit_many(problems[1:2], [5])[0]
    for ours, theirs in zip(together.network.layers, alone.network.layers, strict=True):
        assert torch.equal(ours, theirs)


def test_interventions_of_the_reference_end_after_three_edges():
    scm = chain(6)
    train_rows = scm.sample(400, seed=0)
    factual = scm.sample(50, seed=1)
    moved = {}
    for variant in VACA.variants:
        model = VACA(variant, scaler_refit=0, epochs=20, batch_size=100).fit(scm.graph, train_rows, seed=0)
        low, high = (model.counterfactual(factual, {"x1": a}, seed=0) for a in (-1.0, 1.0))
        moved[variant] = [v for v in sorted(low) if not torch.equal(low[v], high[v])]
    assert moved["reference"] == ["x1", "x2", "x3", "x4"]
    assert moved["corrected"] == ["x1", "x2", "x3", "x4", "x5", "x6"]


def test_the_corrected_decoder_is_as_deep_as_the_graph():
    assert [longest_path(chain(n).graph) for n in (1, 2, 6)] == [0, 1, 5]
    scm = chain(6)
    rows = scm.sample(100, seed=0)
    depth = {v: len(VACA(v, epochs=0).fit(scm.graph, rows, seed=0).network.layers) - 2 for v in VACA.variants}
    assert depth == {"reference": 3, "corrected": 5}
    assert len(VACA("corrected", epochs=0).fit(TRIANGLE, LINEAR.sample(9, seed=0), seed=0).network.layers) - 2 == 3


@pytest.mark.parametrize("variant", VACA.variants)
def test_linear_gaussian_interventions(fitted, variant):
    """Under do(x2 = a) the truth is x1 ~ N(1, 1) and x3 ~ N(a - 1/2, 1/2)."""
    for a in (-1.0, 0.5, 2.0):
        x = fitted[variant].sample(4000, {"x2": a}, seed=1)
        assert float(x["x1"].mean()) == pytest.approx(1, abs=0.15)
        assert float(x["x3"].mean()) == pytest.approx(a - 0.5, abs=0.4)
        assert float(x["x3"].var()) == pytest.approx(0.5, rel=0.25)


@pytest.mark.parametrize("variant", VACA.variants)
def test_linear_gaussian_counterfactuals_beat_the_factual_row(fitted, variant):
    noise = LINEAR.noise(1000, seed=5)
    factual, do = LINEAR.observed(LINEAR.run(noise)), {"x1": 3.0}
    truth, answer = LINEAR.counterfactual(noise, do), fitted[variant].counterfactual(factual, do, seed=0)
    for v in ("x2", "x3"):
        assert (answer[v] - truth[v]).square().mean() < 0.5 * (factual[v] - truth[v]).square().mean()


def test_only_the_corrected_variant_shows_the_intervened_value(fitted):
    do = {"x2": torch.linspace(-1, 2, 40, dtype=torch.float64)}
    factual = LINEAR.sample(40, seed=3)
    for ask in (lambda m: m.sample(40, do, seed=0), lambda m: m.counterfactual(factual, do, seed=0)):
        assert torch.equal(ask(fitted["corrected"])["x2"], do["x2"])
        assert 1e-3 < (ask(fitted["reference"])["x2"] - do["x2"]).abs().max() < 1.5


def test_the_reference_scales_queries_with_a_scaler_of_their_own(fitted):
    model, factual = fitted["reference"], LINEAR.sample(200, seed=3)
    with_refit = model.counterfactual(factual, {"x1": 0.5}, seed=0)["x3"]
    without = model.with_query_options(scaler_refit=0).counterfactual(factual, {"x1": 0.5}, seed=0)["x3"]
    assert 1e-3 < (with_refit - without).abs().mean() < 0.5
    assert torch.equal(with_refit, model.counterfactual(factual, {"x1": 0.5}, seed=9)["x3"])
    huge = model.with_query_options(scaler_refit=200_000).counterfactual(factual, {"x1": 0.5}, seed=0)["x3"]
    assert (huge - without).abs().mean() < 0.2 * (with_refit - without).abs().mean()


def test_abduction_gives_four_numbers_a_node(fitted):
    z = fitted["corrected"].abduct(LINEAR.sample(7, seed=0))
    assert {v: tuple(u.shape) for v, u in z.items()} == {v: (7, 4) for v in LINEAR.graph}


def test_cost_counts_the_steps_of_the_paper():
    model = VACA(epochs=200)
    model.rows, model.network = torch.empty(5000, 3), GraphAutoencoder.draw(Wiring.of(TRIANGLE), 3, generator(0))
    assert model.cost() == {"parameters": 2454, "gradient_steps": 1000}


def test_a_diverging_training_is_told():
    given = problem(n=200)
    with pytest.raises(FloatingPointError, match="diverged by step"):
        VACA(lr=1e30, epochs=4, batch_size=50).fit(given.graph, given.train, seed=0)


@pytest.mark.parametrize(("options", "culprit"), [({"variant": "fixed"}, "fixed"), ({"depth": 0}, "depth=0")])
def test_options_are_checked(options, culprit):
    with pytest.raises(ValueError, match=culprit):
        VACA(**options)
