"""Worlds with the components of their vector nodes reversed: the same rows, another order; and what that costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets, metrics, models
from scmbench.benchmarks.questions import protocols
from scmbench.datasets.attributes import attributes
from scmbench.datasets.registry import UnknownDataset, resolve
from scmbench.datasets.swapped import NoVector, vectors

STANDARD = replace(protocols.get("standard"), n_train=100, n_observational=50, n_interventional=20)
TMSCM = replace(protocols.get("tmscm"), n_train=100, n_test=50)


def problem(name, protocol=STANDARD, seed=0):
    (made,) = datasets.get(name).problems(protocol, seed=seed)
    return made


def flipped(values):
    return {node: x.flip(1) if x.ndim == 2 else x for node, x in values.items()}


@pytest.mark.parametrize(
    ("world", "protocol"),
    [("check/turning", STANDARD), ("check/shifting", STANDARD)]
    + [(f"tmscm/{name}", TMSCM) for name in ("stair", "fork", "backdoor", "barbell")],
)
def test_rows_questions_and_truth_are_the_worlds_reversed(world, protocol):
    own, told = problem(world, protocol, 3), problem(f"swapped/{world}", protocol, 3)
    assert vectors(own.scm)
    assert sorted(own.graph.edges) == sorted(told.graph.edges)
    truths = [(a.truth(), b.truth()) for a, b in zip(own.queries, told.queries, strict=True)]
    for x, y in ((own.train, told.train), *truths):
        mirror = flipped(y)
        assert all(torch.equal(values, mirror[node]) for node, values in x.items())
    assert any(not torch.equal(x, told.train[node]) for node, x in own.train.items())


def test_reversing_an_answer_does_not_move_its_scores():
    own, told = problem("check/turning"), problem("swapped/check/turning")
    fitted = models.load("linear")().fit(own.graph, own.train, seed=0)
    for a, b in zip(own.queries, told.queries, strict=True):
        answer = a.ask(fitted, seed=0)
        left, right = ({s.metric: s.score for s in q.score(v)} for q, v in ((a, answer), (b, flipped(answer))))
        both = {"energy", "rmse", "mean_effect"} & set(left)
        assert both
        assert all(left[metric] == pytest.approx(right[metric], rel=1e-9) for metric in both)


def test_the_oracle_answers_the_reversed_world():
    told = problem("swapped/check/turning")
    oracle = models.load("oracle")().fit_many([told], [0])[0]
    (query,) = [q for q in told.queries if q.kind == "counterfactual"]
    assert {s.metric: s.score for s in query.score(query.ask(oracle, seed=0))}["rmse"] == 0


def root(r, kind):
    """A root A of the covariance with this correlation, ``(n, 2, 2)``: y = A u has the law of check/turning."""
    one, rest = torch.ones_like(r), (1 - r**2).sqrt()
    a, b = ((1 + r).sqrt() + (1 - r).sqrt()) / 2, ((1 + r).sqrt() - (1 - r).sqrt()) / 2
    entries = {
        "first": [one, 0 * r, r, rest],  # (u1, r u1 + sqrt(1 - r^2) u2): the world's own
        "second": [rest, r, 0 * r, one],
        "symmetric": [a, b, b, a],
    }[kind]
    return torch.stack(entries, 1).reshape(-1, 2, 2)


def price(kind, seed, name="check/turning"):
    """The error of rows, mean over values, of whoever knows the law and tells the noise by this root."""
    (query,) = [q for q in problem(name, replace(STANDARD, n_factual=400), seed).queries if q.kind == "counterfactual"]
    before, after, truth = query.factual(), query.do["x"], query.truth()
    old, new = root(torch.tanh(before["x"]), kind), root(torch.tanh(after), kind)
    y = (new @ torch.linalg.solve(old, before["y"][..., None]))[..., 0]
    groups = (v.reshape(5, 400, 2) for v in (truth["y"], y))
    return float(metrics.relative_rmse(*groups).mean())


def test_maps_of_one_law_have_other_rows_and_their_price_is_known():
    """The numbers that docs/theory.md gives of maps that fit perfectly."""
    r = torch.tensor([-0.5, 0.0, 0.9], dtype=torch.float64)
    kinds = ("first", "second", "symmetric")
    first, second, symmetric = (made @ made.mT for made in (root(r, kind) for kind in kinds))
    assert torch.allclose(first, second)
    assert torch.allclose(first, symmetric)
    assert torch.equal(first[:, 0, 1], r)
    mean = {kind: sum(price(kind, seed) for seed in range(3)) / 3 for kind in kinds}
    assert mean["first"] < 1e-9
    assert round(mean["second"], 2) == 0.94
    assert round(mean["symmetric"], 2) == 0.50


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("swapped/dcm/y/nlin", NoVector, "no node of dcm/y/nlin is a vector"),
        ("swapped/dcm/nowhere", UnknownDataset, "no dataset 'dcm/nowhere'"),
        ("swapped/swapped/tmscm/fork", UnknownDataset, "write swapped/"),
        ("swapped/fmri/hg-cg", UnknownDataset, "write swapped/"),
    ],
)
def test_what_there_is_not_is_told(name, error, words):
    with pytest.raises(error, match=words):
        resolve(name)


def test_it_stands_beside_other_changes():
    made = problem("sized/50/swapped/tmscm/fork", TMSCM)
    own = problem("tmscm/fork", TMSCM)
    assert torch.equal(made.train["x"].flip(1), own.train["x"][:50])
    assert attributes("swapped/check/turning")["components"] == "reversed"
    assert datasets.get("swapped/tmscm/fork").version == datasets.get("tmscm/fork").version
