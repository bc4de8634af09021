"""The protocol `cnf`: which rows, which values, who is at the floor, who does not answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scmbench import datasets, models
from scmbench.benchmarks import run
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.questions.flows import CNF
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets import SCM, SCMDataset, ValuesError

FEW = replace(CNF, n_train=400, n_test=50, n_side=60)


@pytest.fixture(scope="module")
def problem():
    return datasets.get("cnf/triangle/nlin").problems(CNF, seed=0)[0]


def scored(problem, name: str, **options):
    model = models.load(name)(**options).fit_problem(problem, seed=0)
    found: dict[tuple[str, str], list[float]] = {}
    for query in problem.queries:
        for score in query.score(query.ask(model, seed=1)):
            found.setdefault((score.metric, score.node), []).append(score.score)
    return found


def test_values_are_percentiles_of_the_training_rows_to_two_decimals(problem):
    (query,) = [q for q in problem.queries if q.kind == "counterfactual" and q.node == "x2"]
    expected = problem.train["x2"].quantile(torch.tensor([0.25, 0.5, 0.75]).double())
    assert query.values.tolist() == [round(a, 2) for a in expected.tolist()]
    assert len(problem.train["x2"]) == 22_222


def test_the_same_test_rows_are_asked_about_everywhere(problem):
    density = problem.queries[0].truth()
    factual = [q.factual() for q in problem.queries if q.kind == "counterfactual"]
    assert [len(rows["x3"]) for rows in factual] == [7500, 7500]
    for rows in factual:
        for k in range(3):
            torch.testing.assert_close(rows["x3"][2500 * k : 2500 * (k + 1)], density["x3"])


def test_every_pair_of_values_is_drawn_anew(problem):
    (query,) = [q for q in problem.queries if q.kind == "interventional" and q.node == "x1"]
    a, b, c = query.values.tolist()
    assert query.sides.tolist() == [a, b, a, c, b, c]
    rows = query.truth()["x2"].reshape(6, 10_000)
    assert len(rows.mean(1).unique()) == 6


def test_the_oracle_is_at_the_floor(problem):
    found = scored(problem, "oracle")
    assert found["kl", ""] == [0.0]
    assert found["row_norm", "x1"] == found["row_norm", "x2"] == [0, 0, 0]
    assert all(0 < found["ate_norm", node][0] < 0.2 for node in ("x1", "x2"))


def test_a_mirror_is_invisible_but_to_counterfactuals():
    """Even a linear model fits ctf4 perfectly in rungs 1 and 2, and is off by a standard deviation in rung 3."""
    problem = datasets.get("violations/ctf4").problems(CNF, seed=0)[0]
    linear, oracle = scored(problem, "linear"), scored(problem, "oracle")
    assert abs(linear["kl", ""][0]) < 0.004
    assert linear["ate_norm", "x1"][0] < 3 * oracle["ate_norm", "x1"][0]
    # Half of the rows cross zero: there both noises, of Rayleigh length, are off by twice their size.
    assert linear["row_norm", "x1"] == pytest.approx([2 * (torch.pi / 2) ** 0.5 / 2] * 3, abs=0.06)


def test_a_world_without_a_density_is_not_asked_for_one():
    for name in ("violations/flat-0.2", "violations/sine-10.0", "dcm/chain/nadd"):
        problem = datasets.get(name).problems(FEW, seed=0)[0]
        assert {q.kind for q in problem.queries} == {"interventional", "counterfactual"}


def test_a_target_that_is_no_real_scalar_is_refused_by_name():
    world = SCMDataset("mine/label", lambda seed: SCM({"a": lambda u: (u > 0).long(), "b": lambda u, a: a + u}))
    with pytest.raises(ValuesError, match=r"'cnf' sets real scalars to percentiles; 'a' is torch.int64"):
        world.problems(FEW, seed=0)


def test_a_method_without_a_density_is_unsupported_for_kl_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(protocols._PROTOCOLS, "cnf", FEW)
    text = 'protocol = "cnf"\nseeds = 1\ndatasets = ["cnf/fork/lin"]\n[[models]]\nname = "marginal"\n'
    text += '[[models]]\nname = "linear"\n'
    results = run(suites.parse(text, name="mine", file="mine.toml"), store=tmp_path, engine="inline")
    rows = results.rows
    assert set(rows[rows["model"] == "marginal"]["metric"]) == {"ate_norm", "row_norm"}
    assert set(rows[rows["model"] == "linear"]["metric"]) == {"kl", "ate_norm", "row_norm"}
    notes = results.provenance.set_index("model")["notes"]
    assert [(n.query, n.status) for n in notes["marginal"]] == [("observational", "unsupported")]
    assert not notes["linear"]


def test_keys_of_other_protocols_know_nothing_of_these_metrics():
    assert CNF.metric_versions == {"likelihood": 1, "norms": 1}
    for name in protocols.names():
        shared = {"likelihood"} if name == "standard" else set()  # which asks for the KL, too
        if name != "cnf":
            assert {"likelihood", "norms"} & set(protocols.get(name).metric_versions) == shared
