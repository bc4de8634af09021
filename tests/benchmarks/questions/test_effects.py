"""What `standard` says of effects and densities: the oracle's, the floors', and where there is nothing to say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets, models
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.protocols import Protocol
from scmbench.datasets import SCM
from scmbench.datasets.problem import Problem
from scmbench.models import Unsupported

STANDARD = protocols.get("standard")
EFFECTS = {"mean_effect", "sign_error", "rank_error"}


def few(n: int = 400) -> Protocol:
    assert isinstance(STANDARD, Protocol)
    return replace(STANDARD, n_train=n, n_observational=n, n_interventional=n, n_factual=n // 4)


def scored(problem: Problem, name: str) -> dict[tuple[str, str], float]:
    """The mean of every score by kind of question and metric; what the model does not support is left out."""
    model = models.load(name)().fit_problem(problem, seed=0)
    found: dict[tuple[str, str], list[float]] = {}
    for query in problem.queries:
        if query.rung not in model.answers:
            continue
        try:
            answer = query.ask(model, seed=1)
        except Unsupported:  # it has no density
            continue
        for score in query.score(answer):
            found.setdefault((score.query, score.metric), []).append(score.score)
    return {key: sum(values) / len(values) for key, values in found.items()}


@pytest.fixture(scope="module")
def triangle() -> Problem:
    return datasets.get("cnf/triangle/lin").problems(few(), seed=0)[0]


def test_the_oracle_has_every_effect_right(triangle):
    found = scored(triangle, "oracle")
    assert found["counterfactual", "sign_error"] == 0
    assert found["counterfactual", "rank_error"] == pytest.approx(0, abs=1e-12)
    assert found["interventional", "mean_effect"] < 0.1
    assert abs(found["observational", "kl"]) < 1e-9


def test_floors_know_no_effects_and_have_no_density(triangle):
    marginal, identity = (scored(triangle, name) for name in ("marginal", "identity"))
    assert identity["counterfactual", "sign_error"] == 0.5
    assert identity["counterfactual", "rank_error"] == 0.5
    assert marginal["interventional", "mean_effect"] > 0.3
    assert ("observational", "kl") not in marginal


def test_a_linear_model_of_a_linear_world_comes_near(triangle):
    found = scored(triangle, "linear")
    assert found["interventional", "mean_effect"] < 0.15
    assert found["counterfactual", "sign_error"] < 0.05
    assert abs(found["observational", "kl"]) < 0.1  # an average over test rows may fall below 0


def test_labels_have_effects_and_worlds_without_a_density_no_kl():
    [problem] = datasets.get("check/treatment").problems(few(), seed=0)
    found = scored(problem, "oracle")
    assert {metric for _, metric in found} >= EFFECTS
    assert ("observational", "kl") not in found


def test_one_value_of_an_intervention_has_no_effect():
    world = SCM({"a": lambda u: torch.ones_like(u, dtype=torch.int64), "b": lambda u, a: a + u})
    asked = [q for q in few().queries(world, seed=0) if q.kind == "interventional"]
    metrics = {score.metric for query in asked for score in query.score(query.truth())}  # type: ignore[attr-defined]
    assert metrics
    assert not metrics & EFFECTS


def test_images_have_no_effects_pixel_by_pixel():
    [problem] = datasets.get("check/bar").problems(few(40), seed=0)
    found = scored(problem, "oracle")
    assert not {metric for _, metric in found} & EFFECTS
    assert {query for query, _ in found} == {"observational", "interventional", "counterfactual"}
