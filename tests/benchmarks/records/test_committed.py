"""A committed run reads back as what tables need, and a damaged one is refused."""

from __future__ import annotations

import csv
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console
from scmbench.benchmarks.judging import cells
from scmbench.benchmarks.judging.notes import Note
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.records.committed import CommittedError
from scmbench.benchmarks.records.results import Results
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine
from scmbench.benchmarks.running.estimate import estimate
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites.suite import parse

SUITE = """protocol = "paper"
seeds = 2
datasets = ["dcm/triangle/nadd"]
[[models]]
name = "linear"
[[models]]
name = "identity"
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    suite, store = parse(SUITE, name="t", file="t.toml"), Store(tmp_path_factory.mktemp("store"))
    todo = plan(suite, store)
    return compute(todo, store, engine.inline, workers=1, console=Console(quiet=True)).results()


def test_scores_of_cells_come_back(results, tmp_path):
    committed.write(tmp_path / "t", results, suite="t", note="first")
    again = committed.read(tmp_path / "t")
    before, after = (cells.seed_scores(r.rows, r.provenance) for r in (results, again))
    keys = [*cells.CELL, "seed"]
    before, after = (frame.sort_values(keys, ignore_index=True) for frame in (before, after))
    assert before[keys].equals(after[keys])
    assert after["score"].to_numpy() == pytest.approx(before["score"].to_numpy(), rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("lacking", ["commit", "dirty", "threads"])
@pytest.mark.parametrize("how", ["a record", "all records", "the column"])
def test_a_record_that_does_not_tell_its_environment_is_committed_all_the_same(results, tmp_path, lacking, how):
    provenance = results.provenance.copy().astype({lacking: object})
    if how == "the column":
        provenance = provenance.drop(columns=lacking)
    else:
        provenance.loc[provenance.index[:1] if how == "a record" else provenance.index, lacking] = float("nan")
    committed.write(tmp_path / "t", replace(results, provenance=provenance), suite="t", note="first")
    run = committed.read(tmp_path / "t")
    assert len(run.about["environments"]) == (2 if how == "a record" else 1)
    assert run.provenance[lacking].isna().sum() == (1 if how == "a record" else len(provenance))
    assert len(run.provenance) == len(provenance)


def test_costs_of_a_run_with_unsupported_problems_are_numbers(tmp_path, monkeypatch):
    text = SUITE.replace('"identity"', '"carefl-affine"')  # which needs as many causes as effects
    suite, store = parse(text, name="t", file="t.toml"), Store(tmp_path / "store")
    todo = plan(suite, store)
    run = compute(todo, store, engine.inline, workers=1, console=Console(quiet=True)).results()
    assert set(run.provenance["status"]) == {"ok", "unsupported"}
    committed.write(tmp_path / "t", run, suite="t", note="first")
    assert committed.read(tmp_path / "t").provenance["fit_cpu_s"].dtype == float
    monkeypatch.setattr(committed, "folder", lambda name: tmp_path / name)
    assert estimate(plan(suite, Store(tmp_path / "empty"))) > 0


def test_a_committed_run_has_the_order_of_its_suite(results, tmp_path):
    committed.write(tmp_path / "t", results, suite="t", note="first")  # which sorts models by name
    ordered = committed.read(tmp_path / "t").of(parse(SUITE, name="t", file="t.toml"))
    assert list(ordered.provenance["model"]) == ["linear", "linear", "identity", "identity"]
    assert list(dict.fromkeys(ordered.rows["model"])) == ["linear", "identity"]


def test_what_a_method_waives_comes_back(results, tmp_path):
    told = {"linear": "do is exact: it is not, and why", "identity": ""}
    provenance = results.provenance.assign(waives=results.provenance["model"].map(told))
    committed.write(tmp_path / "t", replace(results, provenance=provenance), suite="t", note="first")
    again = committed.read(tmp_path / "t").provenance
    assert dict(zip(again["model"], again["waives"], strict=True)) == told


def test_provenance_and_examples_come_back(results, tmp_path):
    committed.write(tmp_path, results, suite="t", note="first")
    again = committed.read(tmp_path)
    columns = ["dataset", "model", "seed", "status", "notes", "hardware", "packages", "key"]
    before, after = (r.provenance[columns].sort_values(columns, ignore_index=True) for r in (results, again))
    assert after.astype(str).equals(before.astype(str))
    kept = results.examples[results.examples["model"] == "linear"]
    assert 0 < len(again.examples) <= len(kept)
    assert set(again.examples["true"]) <= set(kept["true"].map(lambda x: float(f"{x:.5g}")))
    assert again.about["note"] == "first"


def test_a_second_write_is_the_same_text(results, tmp_path):
    for name in ("a", "b"):
        committed.write(tmp_path / name, results, suite="t", note="n")
    for name in ("scores.csv", "records.csv", "examples.csv", "about.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "scores.csv").unlink(), "scores.csv is missing"),
        (lambda folder: (folder / "about.json").write_text("{"), "about.json"),
        (lambda folder: (folder / "scores.csv").write_text("dataset,seed\na,1\n"), "lacks the column"),
        (lambda folder: (folder / "records.csv").write_text('"'), "records.csv: not a table"),
        (lambda folder: _header(folder / "examples.csv", "dataset", ""), r"examples.csv lacks .*'dataset'"),
        (lambda folder: _header(folder / "notes.csv", "query", "question"), r"notes.csv lacks .*'query'"),
        (lambda folder: _header(folder / "records.csv", "key", "k"), r"records.csv lacks .*'key'"),
        (
            lambda folder: _cell(folder / "scores.csv", "score", "low"),
            r"scores.csv, line 2: score is 'low'; .* a number",
        ),
        (lambda folder: _cell(folder / "scores.csv", "seed", ""), "seed is empty; expected a whole number"),
        (lambda folder: _cell(folder / "records.csv", "seed", "1.5"), r"seed is 1.5; expected a whole number"),
        (lambda folder: _cell(folder / "records.csv", "environment", "9"), "there is no environment 9"),
    ],
)
def test_a_damaged_run_is_refused_by_file(results, tmp_path, damage, message):
    committed.write(tmp_path, results, suite="t", note="n")
    damage(tmp_path)
    with pytest.raises(CommittedError, match=message):
        committed.read(tmp_path)


def test_notes_are_a_table_and_come_back_as_they_were(results, tmp_path):
    hostile = Note("interventional", "failed", 'a, b\n\'; counterfactual failed: "c"')
    provenance = results.provenance.assign(notes=[(hostile,)] * len(results.provenance))
    committed.write(tmp_path, replace(results, provenance=provenance), suite="t", note="n")
    again = committed.read(tmp_path).provenance
    expected = replace(hostile, message='\'; counterfactual failed: "c"')
    assert set(again["notes"]) == {(expected,)}
    assert "notes" not in (tmp_path / "records.csv").read_text().splitlines()[0]


def test_roles_come_back_whatever_the_label(results, tmp_path):
    relabelled = {"linear": "identity", "identity": "copy"}
    provenance = results.provenance.assign(model=results.provenance["model"].map(relabelled))
    committed.write(tmp_path, replace(results, provenance=provenance), suite="t", note="n")
    again = committed.read(tmp_path).provenance
    assert cells.roles(again) == {("identity", ""): "method", ("copy", ""): "floor"}
    assert cells.named(again, "identity") == {("copy", "")}


def test_a_run_from_before_notes_and_roles_had_columns_is_read(results, tmp_path):
    committed.write(tmp_path, results, suite="t", note="n")
    now = committed.read(tmp_path).provenance
    (tmp_path / "notes.csv").unlink()
    table = pd.read_csv(tmp_path / "records.csv", keep_default_na=False)
    joined = ["; ".join(map(str, notes)) for notes in now.sort_index()["notes"]]
    table.drop(columns=["name", "role"]).assign(notes=joined).to_csv(tmp_path / "records.csv", index=False)
    then = committed.read(tmp_path).provenance
    for column in ("notes", "role"):
        assert then[column].tolist() == now[column].tolist()
    assert any(now["notes"])


def _header(path, name, other):
    first, *lines = path.read_text().splitlines()
    path.write_text("\n".join([",".join(other if c == name else c for c in first.split(",")), *lines]) + "\n")


def _cell(path, column, text):
    with path.open(newline="") as file:
        first, second, *lines = csv.reader(file)
    second[first.index(column)] = text
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([first, second, *lines])
