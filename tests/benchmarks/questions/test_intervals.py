"""The protocol `intervals`: what is asked, and scores of models whose intervals are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.intervals import INTERVALS
from scmbench.datasets import SCM, ValuesError
from scmbench.models import Unsupported, load
from scmbench.models.bounds.trivial import Marginal

FEW = replace(INTERVALS, n_train=500, n_factual=600)
CHAIN = SCM({"a": lambda u: u, "b": lambda u, a: 2 * a + u, "c": lambda u, b: b + u})


class Known(Marginal):
    """Answers `CHAIN` rightly, give or take `off` above and below."""

    def __init__(self, off: float = 0.0, shift: float = 0.0):
        self.off, self.shift = off, shift

    def _interval(self, factual, forced, level, *, seed):
        b = factual["b"] + 2 * (forced["a"] - factual["a"]) if "a" in forced else forced["b"]
        c = factual["c"] - factual["b"] + b
        right = {"a": factual["a"], "b": b, "c": c}
        return {v: torch.stack([x - self.off, x + self.off], 1) + self.shift for v, x in right.items()}


def scored(model, query):
    return {s.metric: s.score for s in query.score(query.ask(model, seed=0))}


def fitted(model):
    return model.fit(CHAIN.graph, CHAIN.sample(500, seed=1), seed=0)


def test_it_is_known_by_its_name_and_asks_of_every_node_with_effects():
    assert protocols.get("intervals") is INTERVALS
    (problem,) = datasets.get("dcm/triangle/nlin").problems(FEW, seed=0)
    assert [(q.kind, q.rung, q.node) for q in problem.queries] == [
        ("interval", "counterfactual", n) for n in ("x1", "x2")
    ]
    assert {len(x) for x in problem.queries[0].do.values()} == {600}


def test_right_answers_hold_the_truth_and_scores_are_in_standard_deviations():
    query = FEW.queries(CHAIN, seed=0)[0]
    sd = {v: float(x.std(correction=0)) for v, x in query.truth().items()}
    exact = scored(fitted(Known()), query)
    assert exact["coverage"] == 1
    assert exact["interval_score"] == pytest.approx(0, abs=1e-9)
    wide = scored(fitted(Known(off=0.5)), query)
    assert wide["width"] == wide["interval_score"] == pytest.approx((1 / sd["b"] + 1 / sd["c"]) / 2)
    missed = scored(fitted(Known(off=0.5, shift=1.0)), query)
    assert missed["coverage"] == 0
    assert missed["interval_score"] == pytest.approx((11 / sd["b"] + 11 / sd["c"]) / 2)  # 1 wide, 20 times 0.5 missed


def test_the_marginal_floor_covers_as_many_as_it_says():
    found = scored(fitted(Marginal()), FEW.queries(CHAIN, seed=0)[0])
    assert found["coverage"] == pytest.approx(0.9, abs=0.05)
    assert found["width"] == pytest.approx(3.29, rel=0.1)


def test_the_posterior_holds_the_truth_where_mechanisms_fold_and_has_no_width_where_they_rise():
    for name, least, most in (("check/sine", 0.5, 1.5), ("violations/ctf2", 0, 1e-3)):
        (problem,) = datasets.get(name).problems(FEW, seed=0)
        found = scored(load("posterior")().fit_problem(problem, seed=0), problem.queries[0])
        assert found["coverage"] >= 0.9
        assert least <= found["width"] <= most


def test_who_gives_points_does_not_answer_and_the_oracle_has_no_width():
    (problem,) = datasets.get("check/sine").problems(FEW, seed=0)
    (query,) = problem.queries
    with pytest.raises(Unsupported, match="by points"):
        query.ask(load("identity")().fit_problem(problem, seed=0), seed=0)
    found = scored(load("oracle")().fit_problem(problem, seed=0), query)
    assert found == {"coverage": 1, "width": 0, "interval_score": 0}


def test_a_model_that_ignores_do_or_turns_its_ends_is_refused():
    query = FEW.queries(CHAIN, seed=0)[0]
    answer = query.ask(fitted(Known(off=0.5)), seed=0)
    assert torch.equal(answer["a"][:, 0], query.do["a"])
    with pytest.raises(ValuesError, match="upper end first"):
        query.ask(fitted(Known(off=-0.5)), seed=0)


def test_an_answer_is_computed_again_after_it_is_forgotten():
    query = FEW.queries(CHAIN, seed=0)[0]
    before = query.truth()["c"]
    query.forget()
    assert not {"_noise", "_factual", "_truth"} & set(vars(query))
    assert torch.equal(query.truth()["c"], before)


def test_images_are_refused_in_a_line():
    def image(u, a):
        return (u + a).reshape(-1, 1, 1, 1).float().expand(-1, 1, 2, 2)

    world = SCM({"a": lambda u: u, "x": image}, images=["x"])
    with pytest.raises(ValuesError, match="the protocol 'intervals' asks about numbers; 'x' is an image"):
        FEW.queries(world, seed=0)
