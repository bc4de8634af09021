"""The gate from the command line, on a cheap suite of one's own: commit, measure, green, red."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from rich.console import Console
from scmbench.benchmarks.cli.app import cli
from scmbench.benchmarks.gate import exact, moves, revision, tolerance, variation
from scmbench.benchmarks.records import committed as records
from scmbench.benchmarks.records.results import scores_of
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine, environment
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets import registry as datasets
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
    with pytest.raises(records.CommittedError, match=r"tolerances\.csv is missing \(scmbench committed tolerances"):
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
    assert len(told) == 4  # two cells, and the drift of each
    assert all("check/sine" in line and "mmd" in line for line in told[:2])
    assert all("drifted" in line for line in told[2:])


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
        variation.run(loaded, one, Store(tmp_path / str(i)), console=Console(quiet=True))
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
        variation.run(loaded, one, Store(tmp_path / str(i)), console=Console(quiet=True))
        for i, one in enumerate([variation.Variation(), variation.Variation(weights=0), variation.Variation(threads=2)])
    ]
    plain, jittered, threaded = (scores_of(loaded, run) for run in runs)
    assert 0 < moves.moves(jittered, plain)["move"].abs().max() < 1e-3
    assert moves.moves(threaded, plain)["move"].abs().max() < 1e-3


def test_committed_verdicts_have_to_stand_word_for_word(suite, scmbench, committed, monkeypatch):
    """`regress` of the suite that comes with scmbench looks at the committed run of `paper`."""
    words = revision.read_verdicts(records.folder("paper"))
    assert len(words) > 100
    done = scmbench("regress", suite, "--engine", "inline", "--verdicts", "smoke")
    assert done.exit_code == 0
    assert "not checked" in done.output
    for other in sorted(set(words["verdict"])):  # whatever the words are: gained or fallen
        two = words.index[words["verdict"] != other][:2]
        changed = words.assign(verdict=words["verdict"].where(~words.index.isin(two), other))
        monkeypatch.setattr("scmbench.benchmarks.gate.revision.verdicts_of", lambda *_, changed=changed: changed)
        done = scmbench("regress", suite, "--engine", "inline", "--verdicts", "paper")
        assert done.exit_code == 1
        assert f"{len(words) - 2} of {len(words)} verdicts stand" in done.output
        assert done.output.count("(dcm_figures)") == 2


def test_what_is_not_chaotic_must_be_equal_and_is_named(suite, scmbench, committed, monkeypatch):
    """A penalty too small to move a score is told all the same, and so are parameters, rows and waivers."""
    from scmbench.benchmarks.records import results
    from scmbench.models import linear

    mechanism, row = linear.LinearGaussian.mechanism, results.provenance_row
    monkeypatch.setattr(linear.LinearGaussian, "options", lambda self: {"ridge": 1e-12})
    monkeypatch.setattr(linear.LinearGaussian, "mechanism", lambda self: mechanism(self))
    done = scmbench("regress", suite, "--engine", "inline")
    assert done.exit_code == 1
    assert "differs  linear: options.ridge was 0, is now 1e-12" in done.output
    monkeypatch.undo()

    def changed(record, **names):
        told = row(record, **names)
        return told | {"parameters": told["parameters"] + 1, "rows": told["rows"] - 1, "waives": "do is exact: no"}

    monkeypatch.setattr(results, "provenance_row", changed)
    done = scmbench("regress", suite, "--engine", "inline")
    assert done.exit_code == 1
    for what in ("parameters was 5, is now 6", "waives was , is now do is exact: no", "rows was "):
        assert f"differs  check/sine, linear, seed 0, 1: {what}" in done.output


def test_a_cell_whose_data_are_missing_is_skipped_by_name(tmp_path, scmbench, monkeypatch):
    path = tmp_path / "two.toml"
    path.write_text(SUITE + 'datasets = ["check/sine", "fmri/hg-cg"]\n')
    if datasets.get("fmri/hg-cg").missing():
        pytest.skip("needs the fMRI data: scmbench data fetch fmri")
    monkeypatch.setattr(variation, "MEASURED", (variation.Variation(data=0),))
    monkeypatch.setattr(variation, "CLEAN", (variation.Variation(),))
    where = ("--store", tmp_path / "store")
    assert scmbench("run", path, "--engine", "inline", *where).exit_code == 0
    assert scmbench("committed", "update", path, *where, "--reason", "the first run of all").exit_code == 0
    assert scmbench("committed", "tolerances", path, *where).exit_code == 0
    assert "all 5 cells held" in scmbench("regress", path, "--engine", "inline").output
    monkeypatch.setattr(type(datasets.get("fmri/hg-cg")), "missing", lambda self: "scmbench data fetch fmri")
    done = scmbench("regress", path, "--engine", "inline")
    assert done.exit_code == 0, done.output
    assert "not run: data missing  fmri/hg-cg" in done.output
    assert "all 4 cells held" in done.output


def test_only_cells_without_a_tolerance_are_measured(tmp_path, suite, scmbench, committed, monkeypatch):
    before = (committed / tolerance.TABLE).read_text()
    done = scmbench("committed", "tolerances", suite, "--store", tmp_path / "store")
    assert "everything has been measured" in done.output
    assert (committed / tolerance.TABLE).read_text() == before
    suite.write_text(SUITE + '[[models]]\nname = "marginal"\n')
    where = ("--store", tmp_path / "store")
    assert scmbench("run", suite, "--engine", "inline", *where).exit_code == 0
    assert scmbench("committed", "update", suite, *where, "--reason", "one more model than before").exit_code == 0
    assert scmbench("regress", suite, "--engine", "inline").exit_code == 1  # no tolerance yet
    asked = []
    run = variation.run
    monkeypatch.setattr(variation, "run", lambda part, *rest, **names: asked.append(part) or run(part, *rest, **names))
    assert scmbench("committed", "tolerances", suite, *where).exit_code == 0
    assert {entry.name for part in asked for entry in part.models} == {"marginal"}
    after = (committed / tolerance.TABLE).read_text().splitlines()
    assert set(before.splitlines()) < set(after)
    about = json.loads((committed / tolerance.ABOUT).read_text())
    assert [entry["methods"] for entry in about["measurements"]] == [["linear"], ["marginal"]]
    assert scmbench("regress", suite, "--engine", "inline").exit_code == 0


@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_the_gate_refuses_a_tolerance_that_lets_everything_pass_before_it_trains(suite, scmbench, committed, value):
    lines = (committed / tolerance.TABLE).read_text().splitlines()
    cells = lines[1].split(",")
    cells[len(revision.CELL)] = value
    (committed / tolerance.TABLE).write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    with pytest.raises(records.CommittedError, match="is no positive finite number"):
        scmbench("regress", suite, "--engine", "inline")


def test_the_workers_of_the_gate_are_those_of_a_run(suite, scmbench, committed, monkeypatch):
    asked = {}

    def pool(batches, store, **options):
        asked.update(options)
        return engine.inline(batches, store)

    monkeypatch.setattr(engine, "pool", pool)
    assert scmbench("regress", suite, "--workers", 1, "--time-limit", 60).exit_code == 0
    assert asked.items() >= {"workers": 1, "time_limit": 60.0}.items()


def test_new_records_are_taken_in_beside_old_ones_that_stay(tmp_path, suite, scmbench, committed):
    def update(where):
        assert scmbench("run", suite, "--engine", "inline", "--store", tmp_path / where).exit_code == 0
        words = ("--store", tmp_path / where, "--new-only", "--reason", "one more model than before")
        return scmbench("committed", "update", suite, *words)

    scores = committed / "scores.csv"
    first, *lines = scores.read_text().splitlines()
    lines[0] = lines[0].rpartition(",")[0] + ",0.25"  # what a run of today would not give
    scores.write_text("\n".join([first, *lines]) + "\n")
    before = scores.read_text()
    suite.write_text(SUITE + '[[models]]\nname = "marginal"\n')
    assert update("other").exit_code == 0
    assert set(before.splitlines()) < set(scores.read_text().splitlines())
    assert set(json.loads((committed / exact.IDENTITIES).read_text())["models"]) == {"linear", "marginal"}
    suite.write_text(SUITE + "options = { ridge = 1.0 }\n")
    done = update("third")
    assert done.exit_code == 2
    assert "linear on check/sine is committed with other options" in done.output.replace("\n", " ")


@pytest.mark.parametrize("part", [("--only", "marginal"), ("--seed", "1"), ("--scms", "check/sine", "--seed", "1")])
def test_a_part_of_a_suite_replaces_its_own_records_and_loses_none(tmp_path, suite, scmbench, committed, part):
    suite.write_text(SUITE + '[[models]]\nname = "marginal"\n')
    store = ("--store", tmp_path / "store")
    assert scmbench("run", suite, "--engine", "inline", *store).exit_code == 0
    assert scmbench("committed", "update", suite, *store, "--reason", "one more model than before").exit_code == 0
    before = {name: (committed / name).read_text() for name in ("scores.csv", exact.IDENTITIES)}
    done = scmbench("committed", "update", suite, *store, *part, "--reason", "the same records once more")
    assert done.exit_code == 0
    assert "0 medians moved, 0 cells new, 0 gone" in done.output.replace("\n", " ")
    after = {name: (committed / name).read_text() for name in before}
    assert {name: sorted(text.splitlines()) for name, text in after.items()} == {
        name: sorted(text.splitlines()) for name, text in before.items()
    }


def test_updating_again_keeps_the_story(tmp_path, suite, scmbench, committed):
    done = scmbench("committed", "update", suite, "--store", tmp_path / "store", "--reason", "nothing changed at all")
    assert done.exit_code == 0
    assert "0 medians moved, 0 cells new, 0 gone" in done.output.replace("\n", " ")
    about = json.loads((committed / records.ABOUT).read_text())
    assert [entry["note"] for entry in about["history"]] == ["the first run of all"]
