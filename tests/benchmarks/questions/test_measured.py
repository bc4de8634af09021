"""Questions about measured data: held-out rows, likelihood, row-by-row prediction."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from scmbench import metrics
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.measured import HeldOut, Likelihood, Predictive
from scmbench.datasets import Problem, ValuesError
from scmbench.models import Unsupported
from scmbench.models.anm import ANM
from scmbench.models.bounds.trivial import Marginal, Persistence, Resample
from scmbench.models.linear import LinearGaussian

GRAPH = nx.DiGraph([("x", "y")])


def world(n, seed):
    stream = torch.Generator().manual_seed(seed)
    x, u = torch.randn(2, n, generator=stream, dtype=torch.float64)
    return {"x": x, "y": 2 * x + u}


TRAIN, ROWS = world(4000, 0), world(400, 1)
LINEAR = LinearGaussian().fit(GRAPH, TRAIN, seed=0)


def predictive(n_samples=51):
    return Predictive("x", ROWS["x"], {"y": ROWS["y"]}, n_samples)


class Sampler(LinearGaussian):
    """A linear model that can only sample."""

    def predict(self, do):
        raise AssertionError("it was asked for what is not among its powers")


Sampler.powers -= {"predict"}


def test_held_out_rows_are_compared_with_as_many_samples():
    query = HeldOut(ROWS, {"energy": metrics.energy_distance})
    (score,) = query.score(query.ask(LINEAR, seed=0))
    assert (score.query, score.metric, score.node) == ("observational", "energy", "")
    x, y = (torch.stack([v["x"], v["y"]], 1)[None] for v in (ROWS, LINEAR.sample(400, seed=0)))
    assert score.score == pytest.approx(float(metrics.energy_distance(x, y)[0]))
    (floor,) = query.score(query.ask(Marginal().fit(GRAPH, TRAIN, seed=0), seed=0))
    assert floor.score > 3 * score.score


def test_likelihood_is_the_mean_in_nats_with_its_sign_turned():
    query = Likelihood(ROWS)
    (score,) = query.score(query.ask(LINEAR, seed=0))
    assert (score.query, score.metric) == ("likelihood", "nll")
    exact = 0.5 * (ROWS["x"] ** 2 + (ROWS["y"] - 2 * ROWS["x"]) ** 2).mean() + torch.tensor(2 * torch.pi).log()
    assert score.score == pytest.approx(float(exact), abs=0.01)
    with pytest.raises(Unsupported, match="ANM has no log_prob"):
        query.ask(ANM().fit(GRAPH, TRAIN, seed=0), seed=0)


def test_a_model_that_predicts_is_asked_for_it():
    query = predictive()
    scores = list(query.score(query.ask(LINEAR, seed=0)))
    errors = (LINEAR.predict({"x": ROWS["x"]})["y"] - ROWS["y"]).abs()
    assert [s.score for s in scores] == pytest.approx(errors.tolist())
    assert [s.value for s in scores] == ROWS["x"].tolist()
    assert {(s.query, s.metric, s.node) for s in scores} == {("predictive", "abs_error", "x")}


def test_otherwise_the_median_of_its_samples_is_taken_row_by_row():
    sampler = Sampler().fit(GRAPH, TRAIN, seed=0)
    answer = predictive(4001).ask(sampler, seed=0)
    assert torch.allclose(answer["y"], LINEAR.predict({"x": ROWS["x"]})["y"], atol=0.1)


def test_wrong_answers_are_refused():
    with pytest.raises(ValuesError, match=r"shape \(3,\) for 'y'; expected \(400,\)"):
        predictive().score({"y": torch.zeros(3).double()})


def test_examples_are_all_rows_in_order():
    query = predictive()
    examples = query.examples(query.ask(LINEAR, seed=0))
    assert [e.true for e in examples] == ROWS["y"].tolist()
    assert {(e.node, e.target, e.member) for e in examples} == {("x", "y", "")}


def test_protocols_build_them():
    protocol = protocols.get("standard")
    assert [q.kind for q in protocol.held_out(ROWS)] == ["observational", "likelihood"]
    assert protocol.predictive("x", ROWS["x"], {"y": ROWS["y"]}).kind == "predictive"


class TestFloors:
    problem = Problem("test", 0, GRAPH, TRAIN, [predictive()])

    def test_persistence_is_the_measured_series_one_row_late(self):
        model = Persistence().fit_problem(self.problem, seed=0)
        y = predictive().ask(model, seed=0)["y"]
        assert torch.equal(y[1:], ROWS["y"][:-1])
        assert float(y[0]) == pytest.approx(float(TRAIN["y"].mean()))

    def test_persistence_needs_a_series(self):
        with pytest.raises(Unsupported, match="asks 0 predictive queries"):
            Persistence().fit_problem(Problem("test", 0, GRAPH, TRAIN, []), seed=0)
        with pytest.raises(Unsupported, match="measured series"):
            Persistence().fit(GRAPH, TRAIN, seed=0)
        with pytest.raises(Unsupported, match="no distribution"):
            Persistence().fit_problem(self.problem, seed=0).sample(3, seed=0)

    def test_the_marginal_predicts_the_training_mean(self):
        y = predictive().ask(Marginal().fit(GRAPH, TRAIN, seed=0), seed=0)["y"]
        assert y.tolist() == pytest.approx([float(TRAIN["y"].mean())] * 400)

    def test_resampled_rows_are_training_rows(self):
        model = Resample().fit(GRAPH, TRAIN, seed=0)
        sample = model.sample(100, seed=1)
        train = set(zip(TRAIN["x"].tolist(), TRAIN["y"].tolist(), strict=True))
        assert set(zip(sample["x"].tolist(), sample["y"].tolist(), strict=True)) <= train
        with pytest.raises(Unsupported, match="observational queries only"):
            model.sample(3, {"x": 0.0}, seed=0)
