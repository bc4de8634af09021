"""The truth of a question is computed once, however many ask it, and nothing that is handed out can change it."""

from __future__ import annotations

from collections import Counter

import pytest
from rich.console import Console
from scmbench import datasets
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites.suite import parse
from scmbench.datasets import SCM

SUITE = """protocol = "paper"
seeds = 1
datasets = ["check/sine"]
[[models]]
name = "dcm"
label = "a"
options = { epochs = 1, steps = 5 }
variant = "reference"
[[models]]
name = "dcm"
label = "b"
options = { epochs = 1, steps = 5 }
variant = "corrected"
"""


@pytest.fixture
def problem():
    return datasets.get("check/sine").problems(protocols.get("paper"), seed=0)[0]


@pytest.fixture
def runs(monkeypatch):
    """Counts how often the SCM's program runs."""
    counted, program = Counter(), SCM.program
    monkeypatch.setattr(SCM, "program", lambda self, n: counted.update([n]) or program(self, n))
    return counted


def counterfactual(problem):
    return next(query for query in problem.queries if query.kind == "counterfactual")


def test_truth_factual_rows_and_noise_are_the_same_before_and_after_they_are_forgotten(problem):
    query = counterfactual(problem)
    for what in (query.noise, query.factual, query.truth):
        first = what()
        query.forget()
        assert all(first[node].equal(x) for node, x in what().items())


def test_what_is_handed_out_can_be_written_to_without_harm(problem):
    query = counterfactual(problem)
    expected = query.truth()
    for values in (query.noise(), query.factual(), query.truth()):
        for x in values.values():
            x.fill_(99.0)
    assert all(expected[node].equal(x) for node, x in query.truth().items())
    query.forget()
    assert all(expected[node].equal(x) for node, x in query.truth().items())


def test_records_that_share_a_fit_share_the_truth_which_is_freed(tmp_path, runs):
    def ran(suite, folder):
        runs.clear()
        store = Store(folder)
        done = compute(plan(suite, store), store, engine.inline, workers=1, console=Console(quiet=True))
        assert set(done.results().provenance["status"]) == {"ok"}
        return sum(runs.values())

    both = parse(SUITE, name="t", file="t.toml")
    alone = both.narrow(methods=["a"])
    assert ran(both, tmp_path / "both") == ran(alone, tmp_path / "alone")


def test_asking_scoring_and_showing_runs_the_program_for_fact_and_counterfact_alone(problem, runs):
    query = counterfactual(problem)
    runs.clear()
    answer = query.factual()
    list(query.score(answer))
    query.examples(answer)
    query.score(answer)
    once = sum(runs.values())
    query.forget()
    runs.clear()
    query.factual(), query.truth()
    assert sum(runs.values()) == once
