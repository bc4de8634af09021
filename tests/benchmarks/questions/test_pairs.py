"""The protocol of the cocycles paper: what is asked, the oracle's floor, effects that a right law can have wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets, metrics
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.pairs import COCYCLES
from scmbench.datasets import SCM
from scmbench.models.bounds.oracle import Oracle

FEW = replace(COCYCLES, n_train=50, n_factual=400, n_law=2000)


@pytest.fixture
def problem():
    return datasets.get("cocycles/pair/normal").problems(FEW, seed=0)[0]


class Mirror:
    """Samples of the world, and counterfactuals with the noise of x2 turned around: every law but that of effects."""

    powers: frozenset[str] = frozenset()

    def __init__(self, scm: SCM):
        self.scm = scm

    def sample(self, n, do=None, *, seed):
        return self.scm.sample(n, do, seed=seed)

    def counterfactual(self, factual, do, *, seed):
        return {"x1": torch.zeros_like(factual["x1"]), "x2": factual["x1"] - factual["x2"]}


def scores(problem, model):
    found = [s for q in problem.queries for s in q.score(q.ask(model, seed=1))]
    return {(s.query[:3], s.metric): s.score for s in found}


def test_it_is_known_by_its_name():
    assert protocols.get("cocycles") is COCYCLES
    assert (COCYCLES.n_train, COCYCLES.n_factual, COCYCLES.n_law, COCYCLES.value) == (1000, 1000, 100_000, 0.0)


def test_the_oracle_has_no_error_and_the_laws_of_fresh_rows(problem):
    found = scores(problem, Oracle().fit_problem(problem, seed=0))
    assert set(found) == {(kind[:3], m) for kind in ("interventional", "counterfactual") for m in COCYCLES.scores[kind]}
    assert found["cou", "rmse_raw"] == found["cou", "ks"] == found["cou", "w1"] == 0
    floor = 0.87 * (2 / FEW.n_law) ** 0.5
    for key in (("int", "ks"), ("cou", "ks_effect")):
        assert 0 < found[key] < 3 * floor


def test_a_model_of_every_law_can_have_every_effect_wrong(problem):
    found = scores(problem, Mirror(problem.scm))
    assert found["int", "ks"] < 0.06
    assert found["cou", "ks_effect"] > 0.1
    assert found["cou", "rmse_raw"] == pytest.approx(2, abs=0.2)
    assert found["cou", "ks"] < 0.1  # the law of the answers is right, row by row they are not


def test_rows_that_share_their_noise_are_nearer_than_fresh_ones():
    """Why the stored KS of cocycle U, against the truth of its own training rows, is below that of V."""
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, fresh = torch.randn(2, 100_000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    answer = (u[:1000] + 0.03 * x)[:, None]  # a slope that is off by 0.03
    own, others = float(metrics.ks(u[:1000, None], answer)), float(metrics.ks(fresh[:, None], answer))
    assert own < 0.015 < 0.02 < others
    assert own * 1000 == pytest.approx(round(own * 1000), abs=1e-6)
