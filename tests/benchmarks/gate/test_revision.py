"""Committed numbers change with a reason only, and the old ones are kept beside them."""

from __future__ import annotations

import json

import pytest
from rich.console import Console
from scmbench.benchmarks.gate import moves, revision
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.records.results import scores_of
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites import suite as suites

PUBLISHED = """title = "mine"
protocol = "paper"
dataset = "check/{scm}"
[source]
title = "A paper"
authors = ["A. Uthor"]
year = 2024
url = "https://example.org"
[n]
"*" = 5
[queries]
obs = { query = "observational", metric = "mmd" }
[models]
linear = { model = "linear" }
"""

SUITE = """protocol = "paper"
seeds = 3
datasets = ["check/sine"]
published = ["mine.toml"]
[[models]]
name = "linear"
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "mysuite.toml").write_text(SUITE)
    (tmp_path / "mine.toml").write_text(PUBLISHED)
    (tmp_path / "mine.csv").write_text(
        "scm,query,model,q1,median,q3\nsine,obs,linear,0.9,1,1.1\n"
    )  # until ours are known
    return suites.load(str(tmp_path / "mysuite.toml"))


@pytest.fixture
def results(suite, tmp_path):
    store = Store(tmp_path / "store")
    table = compute(plan(suite, store), store, engine.inline, workers=1, console=Console(quiet=True))
    ours = scores_of(suite, table.results())
    median = ours.loc[ours["query"] == "observational", "score"].median()
    (tmp_path / "mine.csv").write_text(
        f"scm,query,model,q1,median,q3\nsine,obs,linear,{0.9 * median},{median},{1.1 * median}\n"
    )
    return table.results()


def test_a_suite_file_keeps_its_committed_run_and_published_numbers_beside_it(suite, tmp_path):
    assert committed.home_of(suite) == tmp_path / "committed" / "mysuite"
    assert suite.published == [str(tmp_path / "mine.toml")]
    assert committed.home_of(suites.load("smoke")) == committed.folder("smoke")


@pytest.mark.parametrize("reason", ["", "   ", "update", "new numbers"])
def test_a_reason_that_says_nothing_is_refused_and_nothing_is_written(suite, results, tmp_path, reason):
    with pytest.raises(ValueError, match="does not say why"):
        revision.update(tmp_path / "b", suite, results, reason=reason)
    assert not (tmp_path / "b").exists()


def test_the_old_medians_stay_beside_the_new_ones_with_the_reason(suite, results, tmp_path):
    folder = tmp_path / "b"
    first = revision.update(folder, suite, results, reason="the first run of all")
    assert (len(first.moved), len(first.new), dict(first.gone)) == (0, 4, {})
    again = revision.update(folder, suite, results, reason="written again without any change")
    assert (len(again.moved), len(again.new), dict(again.gone)) == (0, 0, {})
    rows = results.rows
    changed = rows[rows["metric"] != "mse_all"].copy()
    changed.loc[changed["query"] == "observational", "score"] *= 8
    change = revision.update(
        folder, suite, committed.Results(changed, results.provenance, results.examples), reason="the distance was wrong"
    )
    cell = "check/sine observational mmd linear"
    assert set(change.moved) == {cell}
    assert change.moved[cell][1] == pytest.approx(8 * change.moved[cell][0], rel=1e-5)
    assert list(change.gone) == ["check/sine counterfactual mse_all linear"]
    assert list(change.verdicts.values()) == [("reproduced", "worse")]
    assert cell in next(iter(change.verdicts))
    about = json.loads((folder / committed.ABOUT).read_text())
    assert about["note"] == "the distance was wrong"
    assert [entry["replaced because"] for entry in about["history"]] == [
        "written again without any change",
        "the distance was wrong",
    ]
    assert about["history"][1]["medians that moved"] == {cell: change.moved[cell][0]}
    assert list(about["history"][1]["verdicts that changed"].values()) == ["reproduced"]


def test_the_verdicts_of_a_committed_run_are_kept_and_a_change_of_the_published_numbers_is_noticed(
    suite, results, tmp_path
):
    folder = tmp_path / "b"
    revision.update(folder, suite, results, reason="the first run of all")
    words = revision.read_verdicts(folder)
    assert words["verdict"].tolist() == ["reproduced"]
    assert moves.changed_verdicts(revision.verdicts_of(suite, committed.read(folder)), words).empty
    table = tmp_path / "mine.csv"
    head, line = table.read_text().splitlines()
    moved = [str(10 * float(x)) for x in line.split(",")[3:]]
    table.write_text(f"{head}\nsine,obs,linear,{','.join(moved)}\n")
    changed = moves.changed_verdicts(revision.verdicts_of(suite, committed.read(folder)), words)
    assert changed[["before", "verdict"]].to_numpy().tolist() == [["reproduced", "better"]]


def test_verdicts_that_are_not_there_are_told(tmp_path):
    with pytest.raises(committed.CommittedError, match=r"verdicts\.csv is missing"):
        revision.read_verdicts(tmp_path)
