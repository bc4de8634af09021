"""One's own model beside another run: taken from one's store, marked, never dropped without a word."""

from __future__ import annotations

import shlex
import sys

import pandas as pd
import pytest
from scmbench import benchmarks
from scmbench.benchmarks.cli import app
from scmbench.benchmarks.judging.notes import SUSPECT
from scmbench.benchmarks.records import committed, taken
from scmbench.benchmarks.records.results import ROWS, Results
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.running.beside import Beside, Gap, OtherModel, beside, side_by_side
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import Entry

SUITE = """protocol = "paper"
seeds = 2
datasets = ["check/sine", "cnf/fork/lin"]
[[models]]
name = "linear"
[[models]]
name = "marginal"
"""
MINE = Entry("linear", "mine", options={"ridge": 0.1})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A suite with a committed run, and a store with records of one's own at one of its two seeds."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "toy.toml").write_text(SUITE)
    run = benchmarks.run(folder / "toy.toml", store=folder / "theirs", engine="inline")
    committed.write(folder / "committed/toy", run, suite="toy", note="first")
    benchmarks.run(
        folder / "toy.toml", store=folder / "ours", seeds=[1], only=["mine"], add_models=[MINE], engine="inline"
    )
    return folder


def beside_theirs(home, store="ours", models=(MINE,)):
    suite = suites.load(str(home / "toy.toml")).with_models(models)
    return suite, beside(suite, committed.read(home / "committed/toy"), Store(home / store), origin="there")


def test_only_the_added_model_is_computed_and_stands_beside_unchanged_columns(home):
    assert len(list((home / "ours/records").glob("*/*.json"))) == 2
    suite, found = beside_theirs(home)
    made = Report.of(suite, found.results)
    alone = Report.of(suite, committed.read(home / "committed/toy").of(suite))
    theirs = made.scores[made.scores["model"] != "mine"].reset_index(drop=True)
    pd.testing.assert_frame_equal(theirs, alone.scores.reset_index(drop=True))
    names = [made.layout.method(method) for method in made.layout.methods]
    assert names == ["linear°", "mine", "marginal†°"]
    commit = found.results.provenance["commit"].iloc[0][:7]
    assert made.layout.marks() == [f"° taken as it is, and not computed again, from there, commit {commit}."]
    assert not [note for note in made.notes if "older than the digests" in note]
    assert found.told() == ["mine: of 4 record(s) not in the other run, the store has 2"]


def test_a_model_that_is_nowhere_is_told_and_not_dropped(home):
    _, found = beside_theirs(home, store="nowhere")
    assert found.told() == ["mine: of 4 record(s) not in the other run, the store has none"]
    assert set(found.results.provenance["model"]) == {"linear", "marginal"}
    assert not (home / "nowhere").exists()


def test_models_that_lack_alike_share_a_line(home):
    first, second, third = suites.load(str(home / "toy.toml")).with_models([MINE]).models
    gaps = [Gap(first, 0, 4), Gap(second, 0, 4), Gap(third, 1, 4)]
    assert Beside(committed.read(home / "committed/toy"), gaps).told() == [
        f"{first.title}, {second.title}: of 4 record(s) each not in the other run, the store has none",
        f"{third.title}: of 4 record(s) not in the other run, the store has 1",
    ]


def test_without_anything_to_add_the_other_run_is_as_it_was(home):
    _, found = beside_theirs(home, models=())
    assert found.told() == []
    assert taken.methods(found.results.provenance) == {}


def test_the_label_of_another_model_is_refused(home):
    suite = suites.load(str(home / "toy.toml")).with_models([MINE])
    theirs = committed.read(home / "committed/toy")
    renamed = theirs.provenance.assign(model=theirs.provenance["model"].replace("marginal", "mine"))
    with pytest.raises(OtherModel, match="has 'marginal' under the label 'mine', not 'linear'"):
        beside(suite, Results(theirs.rows, renamed, theirs.examples), Store(home / "ours"), origin="there")


def test_a_run_by_other_versions_is_said_not_to_be_the_same_questions(home):
    suite = suites.load(str(home / "toy.toml")).with_models([MINE])
    other = committed.read(home / "committed/toy")
    provenance = other.provenance.assign(
        key=other.provenance["key"].where(other.provenance["dataset"] == "check/sine", "x")
    )
    found = beside(suite, Results(other.rows, provenance, other.examples), Store(home / "ours"), origin="there")
    assert next(line for line in found.told() if "not the same questions" in line).endswith("on cnf/fork/lin")


def test_own_answers_are_held_against_the_other_runs_oracle():
    seeds = range(30)

    def run(model, name, role, score):
        rows = [("s", "d/w", "d", "w", seed, model, "", "", "observational", "", None, "mmd", score) for seed in seeds]
        about = [dict(dataset="d/w", seed=s, model=model, variant="", name=name, role=role, notes=()) for s in seeds]
        return Results(pd.DataFrame(rows, columns=ROWS), pd.DataFrame(about), pd.DataFrame())

    suite = suites.load("paper")
    for score, suspect in ((0.001, True), (0.9, False)):
        made = side_by_side(
            suite, run("oracle", "oracle", "ceiling", 1.0), run("mine", "m:M", "method", score), "there"
        )
        noted = made.provenance[made.provenance["model"] == "mine"]["notes"]
        assert {bool([n for n in notes if n.status == SUSPECT]) for notes in noted} == {suspect}


def test_the_commands_take_it_in_and_name_the_command_that_computes_the_rest(home, monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["scmbench", *words])
        with pytest.raises(SystemExit) as done:
            app.main()
        assert not done.value.code
        said = capsys.readouterr()
        return " ".join(said.out.split()), said.err

    monkeypatch.chdir(home)
    words = ["toy.toml", "--store", "own", "--add-model", "linear,ridge=0.1,label=mine", "--from", "committed"]
    _, err = call("compare", *words[:1], "--store", "theirs", *words[3:5])
    assert err.endswith("--add-model linear,ridge=0.1,label=mine --store theirs computes them\n")
    _, err = call("compare", *words)
    told = next(line for line in err.splitlines() if line.endswith(" computes them"))
    call(*shlex.split(told)[2:-2], "--dry-run")
    benchmarks.run("toy.toml", store="own", only=["mine"], add_models=[MINE], engine="inline")
    for command in ("compare", "rank"):
        out, err = call(command, *words)
        assert "mine" in out
        assert "taken as it is, and not computed again, from the committed run" in out
        assert "computes them" not in err


def test_the_python_door_warns_of_what_is_missing(home):
    with pytest.warns(UserWarning, match="mine: of 4 record"):
        got = benchmarks.load(home / "toy.toml", source="committed", add_models=[MINE], store=home / "ours")
    assert set(got.provenance["model"]) == {"linear", "marginal", "mine"}
