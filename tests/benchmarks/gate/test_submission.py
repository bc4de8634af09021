"""Submissions: a card and a run that fit today's suite, one record of which comes out again; all else is named."""

from __future__ import annotations

import shutil
import sys

import pytest
from scmbench import benchmarks
from scmbench.benchmarks.cli import app
from scmbench.benchmarks.gate import submission
from scmbench.benchmarks.gate.submission import SubmissionError
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import Entry

CARD = """suite = "smoke"
model = "linear"
label = "mine"
options = { ridge = 0.1 }
install = "pip install nothing"
authors = ["A. Uthor", "B. Uthor"]
url = "https://example.org"
"""
MINE = Entry("linear", "mine", options={"ridge": 0.1})


SMALL = suites.load("smoke").narrow(scms=["chain", "sine", "treatment"])
"""What needs no data."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("store")
    return benchmarks.run(SMALL, store=place, only=["mine"], add_models=[MINE], engine="inline")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The suite of that name, small."""
    monkeypatch.setattr(suites, "load", lambda name: SMALL)


def sent(folder, run, card=CARD, **columns):
    """A submission; its records come from a commit, whatever the state of this checkout."""
    provenance = run.provenance.assign(dirty=False, **columns)
    results = type(run)(run.rows, provenance, run.examples)
    committed.write(folder, results, suite="smoke", note="first")
    (folder / "submission.toml").write_text(card)
    return folder


def objections(folder):
    found = submission.read(folder)
    return list(submission.objections(found, submission.asked(found)))


def test_a_run_of_todays_suite_stands_and_every_record_may_be_drawn(run, tmp_path):
    found = submission.read(sent(tmp_path / "mine", run))
    asked = submission.asked(found)
    assert objections(found.folder) == []
    drawn = {submission.drawn(found, asked, number).key for number in range(200)}
    assert drawn == set(run.provenance[run.provenance["status"] == "ok"]["key"])
    assert submission.drawn(found, asked, 7) == submission.drawn(found, asked, 7)


def test_what_lacks_is_of_another_version_or_dirty_is_told(run, tmp_path):
    part = run.provenance.index[1:]
    fewer = type(run)(run.rows, run.provenance.loc[part], run.examples)
    total = len(run.provenance)
    (told,) = objections(sent(tmp_path / "a", fewer))
    assert told.startswith(f"1 of {total} records are missing, first ")
    (told,) = objections(sent(tmp_path / "b", run, CARD.replace("0.1", "0.2")))
    assert told.startswith(f"{total} of {total} records were made by other options, versions or code")
    folder = sent(tmp_path / "c", run)
    text = (folder / "about.json").read_text()
    (folder / "about.json").write_text(text.replace('"dirty": false', '"dirty": true'))
    (told,) = objections(folder)
    assert told.startswith(f"{total} of {total} records come from a changed checkout")


def test_scores_hold_within_what_the_submitted_seeds_span(run, tmp_path):
    found = submission.read(sent(tmp_path / "mine", run))
    (one, *_) = submission.asked(found)
    this = (run.rows["dataset"] == one.identity.dataset) & (run.rows["seed"] == one.identity.seed)
    again = type(run)(run.rows[this], run.provenance, run.examples)
    assert submission.compared(found, one, again)["held"].all()
    for factor, holds in ((1.2, True), (20, False), (float("nan"), False)):
        other = type(run)(again.rows.assign(score=again.rows["score"] * factor), run.provenance, run.examples)
        assert submission.compared(found, one, other)["held"].any() == holds
    fewer = type(run)(again.rows[again.rows["query"] != "observational"], run.provenance, run.examples)
    held = submission.compared(found, one, fewer)
    assert not held[held["query"] == "observational"]["held"].any()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('label = "mine"', 'label = "linear"', "label = 'linear' is a method of the suite 'smoke'"),
        ('label = "mine"', 'label = "other"', "the run has records of 'mine', too; it holds those of 'other' alone"),
        ('label = "mine"', 'label = "a/b"', "label 'a/b': files are named after it"),
        ('suite = "smoke"', 'suite = "smoek"', "suite = 'smoek'; expected one of"),
        ('suite = "smoke"', "suite = 3", "suite = 3; expected a str"),
        ('url = "https://example.org"', "", "'url' is missing; a submission says"),
        ('authors = ["A. Uthor", "B. Uthor"]', "authors = [1]", "authors holds 1; expected names"),
        ("[", "[[", "not valid TOML"),
        ('install = "', 'instal = "', "unknown key 'instal'; known are"),
    ],
)
def test_a_wrong_card_is_refused_by_key(run, tmp_path, old, new, told):
    folder = sent(tmp_path / "mine", run, CARD.replace(old, new, 1))
    with pytest.raises(SubmissionError) as refused:
        submission.read(folder)
    assert told in str(refused.value)


def test_code_that_is_not_here_is_asked_to_be_installed(run, tmp_path):
    folder = sent(tmp_path / "mine", run, CARD.replace('"linear"', '"not_here:Mine"').replace("options", "# options"))
    with pytest.raises(SubmissionError, match=r"cannot import 'not_here'.*; first: pip install nothing"):
        submission.asked(submission.read(folder))


def test_the_commands_check_a_submission_and_set_the_table(run, tmp_path, monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["scmbench", "community", *map(str, words)])
        with pytest.raises(SystemExit) as done:
            app.main()
        said = capsys.readouterr()
        return done.value.code or 0, " ".join(said.out.split()), said.err

    folder = sent(tmp_path / "sent/mine", run)
    code, out, err = call("check", folder, "--draw", "3")
    assert (code, err) == (0, "")
    assert "mine on smoke, by A. Uthor, B. Uthor: https://example.org drawn by --draw 3: " in out
    assert "held" in out
    code, out, err = call("table", tmp_path / "sent", "--out", tmp_path / "table.md")
    assert code == 0
    assert "- **mine**: A. Uthor, B. Uthor, <https://example.org>; `pip install nothing`; scmbench at" in out
    assert "| mine |" in out
    scores = (folder / "scores.csv").read_text()
    (folder / "scores.csv").write_text(scores.replace("interventional", "counterfactual"))
    assert call("check", folder, "--draw", "3")[0] == 1
    shutil.rmtree(folder)
    assert call("table", tmp_path / "sent")[:2] == (0, "No submissions yet.")
    assert call("check", folder)[0] == 2
