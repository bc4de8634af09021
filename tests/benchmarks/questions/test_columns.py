"""The protocol of the KaCGM paper: all columns, quartiles of training rows, errors diluted by what cannot move."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.columns import KACGM
from scmbench.benchmarks.questions.confounded import Columns
from scmbench.models.bounds.oracle import Oracle

FEW = replace(KACGM, n_train=200, n=150)


@pytest.fixture(scope="module")
def problem():
    return datasets.get("kacgm/sachs/additive").problems(FEW, seed=0)[0]


def test_it_is_known_by_its_name():
    assert protocols.get("kacgm") is KACGM
    assert (KACGM.n_train, KACGM.n) == (2000, 2000)


def test_targets_are_set_to_quartiles_of_training_rows_and_all_columns_compared(problem):
    asked = [query for query in problem.queries if isinstance(query, Columns)]
    assert [query.node for query in asked] == ["PIP3", "praf", "pmek"]
    for query in asked:
        expected = problem.train[query.node].quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
        torch.testing.assert_close(query.values, expected)
        assert query.columns == sorted(problem.graph)


def test_the_oracle_is_exact_and_otherwise_at_what_sampling_costs(problem):
    fitted = Oracle().fit_problem(problem, seed=0)
    found = [s for q in problem.queries for s in q.score(q.ask(fitted, seed=1))]
    assert {(s.query, s.metric) for s in found} == {
        (kind, metric)
        for kind in ("observational", "interventional", "counterfactual")
        for metric in KACGM.scores[kind]
    }
    assert max(s.score for s in found if s.query == "counterfactual") == 0
    assert max(s.score for s in found if s.metric == "c2st_forest") < 0.25
    assert max(s.score for s in found if s.metric == "mmd") < 0.02


def test_columns_that_do_not_move_dilute_an_error(problem):
    (query,) = [q for q in problem.queries if q.kind == "counterfactual" and q.node == "PIP3"]
    truth = query.truth()
    found = {s.metric: s.score for s in query.score({**truth, "PIP2": truth["PIP2"] + 2})}
    assert found["mse_columns"] == pytest.approx(4 / 11)
    assert found["mae_columns"] == pytest.approx(2 / 11)
