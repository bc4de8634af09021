"""The protocol `theory`: what Theorem 1 assumes beside the error that it speaks of, where both are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.theory import THEORY
from scmbench.datasets import SCM, ValuesError
from scmbench.datasets.values import flatten
from scmbench.models import Mechanism, NodewiseModel, Unsupported, load

FEW = replace(THEORY, n_train=500, n_factual=400, n_curve=60, permutations=99)
ADDITIVE = SCM({"a": lambda u: u, "b": lambda u, a: torch.sin(2 * a) + u})


class Off(Mechanism):
    """Infers the true noise of `ADDITIVE`, and decodes it off by a quarter of its cause."""

    dtype = torch.float64
    from_origin = False

    def fit(self, task):
        return self

    def encode(self, x, parents):
        return x - torch.sin(2 * parents)

    def decode(self, u, parents):
        return u + torch.sin(2 * parents) + parents / 4

    def noise(self, n, generator):
        return torch.randn(n, 1, generator=generator, dtype=torch.float64)


class Independent(NodewiseModel):
    def mechanism(self):
        return Off()


def scored(model, queries, seed=0):
    """Scores by metric and node."""
    found = {}
    for query in queries:
        found |= {(s.metric, s.node): s.score for s in query.score(query.ask(model, seed=seed))}
    return found


def test_it_is_known_by_its_name_and_asks_two_questions_of_a_node_with_parents():
    assert protocols.get("theory") is THEORY
    (problem,) = datasets.get("dcm/triangle/nlin").problems(FEW, seed=0)
    assert [(q.kind, q.node) for q in problem.queries] == [
        (kind, node) for node in ("x2", "x3") for kind in ("abduction", "counterfactual")
    ]
    seen, error, *_ = problem.queries
    assert all(torch.equal(x, error.factual()[node]) for node, x in seen.factual().items())


def test_where_the_theorem_holds_error_and_reconstruction_are_equal():
    queries = FEW.queries(ADDITIVE, seed=0)
    model = Independent().fit(ADDITIVE.graph, ADDITIVE.sample(100, seed=0), seed=0)
    found = scored(model, queries)
    assert found["hsic_p", "b"] > 0.01
    assert found["monotone_share", "b"] == 1
    assert found["reconstruction", "b"] > 0.1
    assert found["rmse", "b"] == pytest.approx(found["reconstruction", "b"], rel=0.1)


def test_the_truth_is_the_rows_noise_under_the_parents_of_another_row():
    _, query = FEW.queries(ADDITIVE, seed=3)
    factual, given = query.factual(), query._given["a"]
    expected = factual["b"] - torch.sin(2 * factual["a"]) + torch.sin(2 * given)
    torch.testing.assert_close(query.truth()["b"][:, 0], expected)
    assert not torch.equal(given, factual["a"])
    torch.testing.assert_close(flatten(query.truth(), ["b"]), query.truth()["b"])


def test_a_mirror_passes_all_that_can_be_seen_and_fails_the_truth():
    (problem,) = datasets.get("violations/ctf2").problems(FEW, seed=0)
    found = scored(load("linear")().fit_problem(problem, seed=0), problem.queries)
    assert found["hsic_p", "x2"] > 0.01
    assert found["monotone_share", "x2"] == 1
    assert found["reconstruction", "x2"] < 1e-6
    assert found["rmse", "x2"] > 1.2  # half of the rows have the other sign: √2, worse than the mean's 1
    assert found["rmse", "x3"] < 0.2  # not mirrored


def test_what_a_model_does_not_show_leaves_its_error():
    (problem,) = datasets.get("check/sine").problems(FEW, seed=0)
    seen, error = problem.queries
    identity = load("identity")().fit_problem(problem, seed=0)
    with pytest.raises(Unsupported, match="does not show the noise that it infers"):
        seen.ask(identity, seed=0)
    assert scored(identity, [error])["rmse", "x2"] > 0.5
    assert scored(load("oracle")().fit_problem(problem, seed=0), [error])["rmse", "x2"] == 0


def test_answers_in_single_precision_are_scored_alike():
    queries = FEW.queries(ADDITIVE, seed=0)
    model = Independent().fit(ADDITIVE.graph, ADDITIVE.sample(100, seed=0), seed=0)
    for query in queries:
        answer = query.ask(model, seed=0)
        wide, single = (query.score(a) for a in (answer, {part: x.float() for part, x in answer.items()}))
        for a, b in zip(wide, single, strict=True):
            assert (a.metric, b.score) == (b.metric, pytest.approx(a.score, rel=1e-4))


def test_an_answer_is_computed_again_after_it_is_forgotten():
    _, query = FEW.queries(ADDITIVE, seed=0)
    before = query.truth()["b"]
    query.forget()
    assert not {"_noise", "_factual", "_truth", "_given"} & set(vars(query))
    assert torch.equal(query.truth()["b"], before)


def test_images_are_refused_in_a_line():
    def image(u, a):
        return (u + a).reshape(-1, 1, 1, 1).float().expand(-1, 1, 2, 2)

    world = SCM({"a": lambda u: u, "x": image}, images=["x"])
    with pytest.raises(ValuesError, match="the protocol 'theory' asks about numbers; 'x' is an image"):
        FEW.queries(world, seed=0)
