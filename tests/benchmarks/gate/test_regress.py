"""The gate from the command line, on a cheap suite of one's own: commit, measure, green, red."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from scmbench.benchmarks.cli import committed as cli_committed
from scmbench.benchmarks.cli.app import cli
from scmbench.benchmarks.gate import moves, revision, tolerance, variation
from scmbench.benchmarks.records import committed as records
from scmbench.benchmarks.records.results import scores_of
from scmbench.benchmarks.running import engine, environment
from scmbench.benchmarks.suites import suite as suites
from scmbench.metrics import mmd

SUITE = """title = "mine"
protocol = "paper"
seeds = 2
datasets = ["check/sine"]
[[models]]
name = "linear"
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture(autouse=True)
def checkout(monkeypatch):
    """What records say of the checkout: clean, whatever a developer has changed; a test may make it dirty."""
    told = {"commit": "c0ffee", "dirty": False}
    monkeypatch.setattr(environment, "_commit", lambda: told)
    environment.environment.cache_clear()
    yield told
    environment.environment.cache_clear()


@pytest.fixture
def scmbench(tmp_path):
    def call(*words: object):
        return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)

    return call


@pytest.fixture
def committed(tmp_path, suite, scmbench, monkeypatch):
    """A committed run with tolerances; two of the variations are enough here."""
    store = tmp_path / "store"
    assert scmbench("run", suite, "--engine", "inline", "--store", store).exit_code == 0
    done = scmbench("committed", "update", suite, "--store", store, "--reason", "the first run of all")
    assert done.exit_code == 0, done.output
    monkeypatch.setattr(variation, "MEASURED", (variation.Variation(data=0), variation.Variation(weights=0)))
    monkeypatch.setattr(variation, "CLEAN", (variation.Variation(), variation.Variation(alone=True, data=1)))
    done = scmbench("committed", "tolerances", suite, "--store", store)
    assert done.exit_code == 0, done.output
    assert "2 of 2 clean runs green" in done.output.replace("\n", " ")
    return tmp_path / "committed" / "mine"


def test_examples_can_be_left_out(tmp_path, suite, scmbench):
    where = ("--store", tmp_path / "store")
    assert scmbench("run", suite, "--engine", "inline", *where).exit_code == 0
    found = []
    for flags in ([], ["--no-examples"]):
        target = tmp_path / f"target{len(flags)}"
        words = ("committed", "update", suite, *where, "--committed", target, "--reason", "the first run of all")
        assert scmbench(*words, *flags).exit_code == 0
        found.append(records.read(target))
    assert [len(one.examples) > 0 for one in found] == [True, False]
    assert found[0].rows.equals(found[1].rows)


def test_a_run_that_is_not_finished_cannot_be_committed(tmp_path, suite, scmbench):
    done = scmbench("committed", "update", suite, "--store", tmp_path / "empty", "--reason", "the first run of all")
    assert done.exit_code == 1
    assert not (tmp_path / "committed").exists()


def test_records_of_a_changed_checkout_are_refused(tmp_path, suite, scmbench, checkout):
    checkout["dirty"] = True
    where = ("--store", tmp_path / "store")
    scmbench("run", suite, "--engine", "inline", *where)
    words = ("committed", "update", suite, *where, "--reason", "the first run of all")
    done = scmbench(*words)
    assert done.exit_code == 1
    assert "2 of 2 record(s) come from a changed checkout" in done.output.replace("\n", " ")
    assert not (tmp_path / "committed").exists()
    assert scmbench(*words, "--allow-dirty").exit_code == 0
    shown = scmbench("report", suite, "--from", tmp_path / "committed" / "mine", "--out", tmp_path / "report").output
    assert "2 of 2 records were made by a changed checkout on top of c0ffee" in shown.replace("\n", " ")
    assert 'class="word dirty"' in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.parametrize("reason", [[], ["--reason", "because"]])
def test_nothing_is_committed_without_a_reason(tmp_path, suite, scmbench, reason):
    store = tmp_path / "store"
    scmbench("run", suite, "--engine", "inline", "--store", store)
    assert scmbench("committed", "update", suite, "--store", store, *reason).exit_code == 2
    assert not (tmp_path / "committed").exists()


def test_the_gate_wants_a_committed_run_and_tolerances(tmp_path, suite, scmbench):
    with pytest.raises(records.CommittedError, match="scmbench committed update writes it"):
        scmbench("regress", suite, "--engine", "inline")
    store = tmp_path / "store"
    scmbench("run", suite, "--engine", "inline", "--store", store)
    scmbench("committed", "update", suite, "--store", store, "--reason", "the first run of all")
    with pytest.raises(records.CommittedError, match="scmbench committed tolerances measures"):
        scmbench("regress", suite, "--engine", "inline")


def test_green_shows_the_headroom(suite, scmbench, committed):
    done = scmbench("regress", suite, "--engine", "inline")
    assert done.exit_code == 0, done.output
    assert "green: all 4 cells held" in done.output
    clean = (committed / tolerance.CLEAN).read_text().splitlines()
    assert [line.split(",")[0].strip('"') for line in clean] == ["run", "plain", "every fit alone"]


def test_red_shows_what_moved_and_tells_github(suite, scmbench, committed, monkeypatch):
    gamma = mmd.cross_median_gamma
    monkeypatch.setattr(mmd, "cross_median_gamma", lambda x, y: gamma(x, x))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = scmbench("regress", suite, "--engine", "inline")
    assert done.exit_code == 1
    assert "red: 2 of 4 cells" in done.output
    told = [line for line in done.output.splitlines() if line.startswith("::error")]
    assert len(told) == 2
    assert all("check/sine" in line and "mmd" in line for line in told)


def test_the_gate_does_not_believe_old_records(suite, scmbench, committed, monkeypatch):
    monkeypatch.chdir(suite.parent)  # where results/runs would be
    scmbench("run", suite, "--engine", "inline")
    gamma = mmd.cross_median_gamma
    monkeypatch.setattr(mmd, "cross_median_gamma", lambda x, y: gamma(x, x))
    assert scmbench("regress", suite, "--engine", "inline").exit_code == 1
    assert scmbench("regress", suite, "--engine", "inline", "--store", "results/runs").exit_code == 0


def test_a_part_of_the_suite_is_compared_with_the_same_part(suite, scmbench, committed):
    assert scmbench("regress", suite, "--engine", "inline", "--seeds", "1-1").exit_code == 0
    assert scmbench("regress", suite, "--engine", "inline", "--seeds", 3).exit_code == 1


def test_variations_do_vary(tmp_path, suite):
    loaded = suites.load(str(suite))
    runs = [
        variation.run(loaded, one, cli_committed.Store(tmp_path / str(i)), console=cli_committed.Console(quiet=True))
        for i, one in enumerate([variation.Variation(), variation.Variation(alone=True), variation.Variation(data=0)])
    ]
    plain, alone, jittered = (scores_of(loaded, run) for run in runs)
    assert alone.equals(plain)
    sizes = moves.moves(jittered, plain)["move"].abs()
    assert 0 < sizes.max() < 1e-4


def test_jittered_first_weights_differ_by_rounding(tmp_path):
    text = SUITE.replace('"linear"', '"dcm"\noptions = { epochs = 1, steps = 5 }').replace("seeds = 2", "seeds = [0]")
    loaded = suites.parse(text, name="t", file="t.toml")
    runs = [
        variation.run(loaded, one, cli_committed.Store(tmp_path / str(i)), console=cli_committed.Console(quiet=True))
        for i, one in enumerate([variation.Variation(), variation.Variation(weights=0), variation.Variation(threads=2)])
    ]
    plain, jittered, threaded = (scores_of(loaded, run) for run in runs)
    assert 0 < moves.moves(jittered, plain)["move"].abs().max() < 1e-3
    assert moves.moves(threaded, plain)["move"].abs().max() < 1e-3


def test_committed_verdicts_have_to_stand(tmp_path, suite, scmbench, committed, monkeypatch):
    """`regress` of the suite that comes with scmbench looks at the committed run of `paper`."""
    words = revision.read_verdicts(records.folder("paper"))
    stood = (words["verdict"] == moves.REPRODUCED).sum()
    assert stood > 50
    done = scmbench("regress", suite, "--engine", "inline", "--verdicts", "smoke")
    assert done.exit_code == 0
    assert "not checked" in done.output
    two = words.index[words["verdict"] == moves.REPRODUCED][:2]
    lost = words.assign(verdict=words["verdict"].where(~words.index.isin(two), "worse"))
    monkeypatch.setattr("scmbench.benchmarks.cli.regress.verdicts_of", lambda *_: lost)
    done = scmbench("regress", suite, "--engine", "inline", "--verdicts", "paper")
    assert done.exit_code == 1
    assert f"{stood - 2} of {stood} reproduced cells still are" in done.output
    assert done.output.count("was reproduced (dcm_figures)") == 2


def test_the_workers_of_the_gate_are_those_of_a_run(suite, scmbench, committed, monkeypatch):
    asked = {}

    def pool(batches, store, **options):
        asked.update(options)
        return engine.inline(batches, store)

    monkeypatch.setattr(engine, "pool", pool)
    assert scmbench("regress", suite, "--workers", 1, "--time-limit", 60).exit_code == 0
    assert asked == {"workers": 1, "time_limit": 60.0}


def test_updating_again_keeps_the_story(tmp_path, suite, scmbench, committed):
    done = scmbench("committed", "update", suite, "--store", tmp_path / "store", "--reason", "nothing changed at all")
    assert done.exit_code == 0
    assert "0 medians moved, 0 cells new, 0 gone" in done.output.replace("\n", " ")
    about = json.loads((committed / records.ABOUT).read_text())
    assert [entry["note"] for entry in about["history"]] == ["the first run of all"]
