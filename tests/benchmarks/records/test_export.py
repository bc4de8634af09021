"""Tables of a store and of a committed run hold what is there, without the code that made it."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest
from scmbench.benchmarks.judging.notes import Note
from scmbench.benchmarks.records import committed, export
from scmbench.benchmarks.records.record import Identity, Record
from scmbench.benchmarks.records.results import gather
from scmbench.benchmarks.records.store import Store
from scmbench.datasets import Example, Score

ENVIRONMENT = dict(python="3", packages="torch", commit="abc", dirty=False, hardware="a computer", threads=1)


def record(seed=0, width=8, **provenance) -> Record:
    identity = Identity(
        *("mine/world", 1, seed, "gone.away:Mine", 1, {"variant": "b", "width": width}, "paper", 1, {"mmd": 1}, "1f0c")
    )
    scores = [("", Score("observational", "mmd", 0.25 + seed)), ("", Score("interventional", "mmd", 0.5, "=x", -1.25))]
    notes, shown = [Note("counterfactual", "failed", "a\nb")], [Example("=x", 0.5, "x2", 1.25, 1.5)]
    return Record(identity, "ok", "", scores, notes, shown, {**ENVIRONMENT, **provenance})


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path / "store")
    for one in (record(), record(1), record(width=16, options="hostile"), record(2, cost=2**80), record(3, cost="x")):
        store.write(one)
    return store


def test_every_line_of_every_record_is_there_under_its_key(store):
    tables = export.of_store(store)
    assert {name: len(table) for name, table in tables.items()} == dict(records=5, scores=10, examples=5, notes=5)
    wide = tables["records"]["key"] == record(width=16).identity.key
    (line,) = tables["records"][wide].to_dict("records")
    assert json.loads(line["options"]) == {"variant": "b", "width": 16}
    assert (line["model"], line["variant"], line["source"], line["commit"]) == ("gone.away:Mine", "b", "1f0c", "abc")
    scores = tables["scores"]
    assert scores[scores["key"] == record(1).identity.key]["score"].tolist() == [1.25, 0.5]
    assert set(tables["notes"]["message"]) == {"a\nb"}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_hold_the_same(store, tmp_path, form):
    tables = export.of_store(store)
    paths = export.write(tables, tmp_path / "out", form)
    for path in paths:
        again = pd.read_csv(path) if form == "csv" else pd.read_parquet(path)
        assert list(again.columns) == list(tables[path.stem].columns)
        assert len(again) == len(tables[path.stem])
    scores = pd.read_csv(paths[1]) if form == "csv" else pd.read_parquet(paths[1])
    assert scores["score"].tolist() == tables["scores"]["score"].tolist()
    assert scores["node"].dropna().replace("", None).dropna().unique().tolist() == ["'=x" if form == "csv" else "=x"]


def test_a_committed_run_has_the_same_tables(store, tmp_path):
    records = list(store.find(store.there()))[:1]
    committed.write(tmp_path / "run", gather([(records[0], "mine")], suite="t"), suite="t", note="first")
    tables = export.of_run(committed.read(tmp_path / "run"))
    assert set(tables["scores"]["key"]) == set(tables["records"]["key"]) == {records[0].identity.key}
    assert tables["scores"][["model", "variant"]].drop_duplicates().to_numpy().tolist() == [["mine", "b"]]
    assert len(tables["notes"]) == 1


def test_parquet_without_its_package_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(export.ExportError, match=r"pip install 'scmbench\[parquet\]'"):
        export.write(export.of_store(store), tmp_path / "out", "parquet")
    assert not (tmp_path / "out").exists()
