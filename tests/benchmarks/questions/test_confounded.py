"""The protocol of the BDCM paper: one outcome of one cause, its standardised score and what that cannot see."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.confounded import BDCM, WIDTHS, standardised_mmd
from scmbench.models.bounds.oracle import Oracle

FEW = replace(BDCM, n_train=50, n_law=300, n_values=3)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_is_known_by_its_name():
    assert protocols.get("bdcm") is BDCM
    assert (BDCM.n_train, BDCM.n_law, BDCM.n_values, BDCM.reach) == (1000, 500, 10, 3.0)


@pytest.mark.parametrize(("graph", "cause", "outcome"), [
    ("scm1", "x2", "x5"), ("scm2", "x4", "x6"), ("scm3", "x6", "x7"), ("scm4", "x9", "x10"), ("scm5", "x9", "x11"),
])  # fmt: skip
def test_one_question_about_one_outcome(graph, cause, outcome):
    (problem,) = datasets.get(f"bdcm/{graph}/simple").problems(FEW, seed=0)
    (query,) = problem.queries
    assert (query.node, query.columns) == (cause, [outcome])
    assert len(query.values) == 3
    assert query.values.abs().max() <= 3
    assert not set(problem.train) & problem.scm.latent


def test_the_score_is_its_definition():
    x, y = normal(1, 6, 1), 3 + 2 * normal(1, 5, 1, seed=1)
    a, b = ((s - s.mean()) / s.std(correction=0) for s in (x[0, :, 0], y[0, :, 0]))

    def kernel(p, q):
        return sum(torch.exp(-((p[:, None] - q) ** 2) / (2 * width)).mean() for width in WIDTHS)

    expected = kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
    assert float(standardised_mmd(x, y)) == pytest.approx(float(expected), rel=1e-9)


def test_it_cannot_see_a_mean_or_a_scale_and_w1_can():
    (problem,) = datasets.get("bdcm/scm1/simple").problems(FEW, seed=0)
    (query,) = problem.queries

    class Moved(Oracle):
        def _sample(self, n, forced, *, seed):
            found = super()._sample(n, forced, seed=seed)
            return {**found, "x5": 7 + 3 * found["x5"]}

    scores = {}
    for name, model in (("oracle", Oracle()), ("moved", Moved())):
        fitted = model.fit_problem(problem, seed=0)
        found = list(query.score(query.ask(fitted, seed=1)))
        scores[name] = {metric: [s.score for s in found if s.metric == metric] for metric in FEW.distances}
    assert scores["moved"]["mmd_standardised"] == pytest.approx(scores["oracle"]["mmd_standardised"], abs=1e-9)
    assert min(scores["moved"]["w1"]) > 5 > 1 > max(scores["oracle"]["w1"])


def test_a_sample_without_spread_is_only_centred():
    assert float(standardised_mmd(normal(1, 50, 1), torch.full((1, 50, 1), 3.0).double())) > 0
