"""``scmbench export`` and ``merge``: what they say, and one line where a call is wrong."""

from __future__ import annotations

import pytest
from scmbench.benchmarks.records.record import Identity, Record
from scmbench.benchmarks.records.store import Store
from scmbench.datasets import Score


def write(folder, seed=0, score=1.0):
    identity = Identity("mine/world", 1, seed, "gone.away:Mine", 1, {}, "paper", 1, {"mmd": 1}, "1f0c")
    return Store(folder).write(Record(identity, "ok", "", [("", Score("observational", "mmd", score))]))


def test_stores_are_merged_and_exported_without_the_code_that_made_them(scmbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, seed in (("a", 0), ("b", 1), ("b", 2)):
        write(folder, seed)
    assert scmbench("merge", "a", "b", "--store", "all")[:2] == (
        *(0, "all: 3 records taken in, 0 were there with the same outcome"),
    )
    write("b", 2, score=2.0)
    write("b", 1).write_text("rubbish")
    code, out, err = scmbench("merge", "a", "b", "--store", "all")
    assert (code, out) == (1, "all: 0 records taken in, 1 were there with the same outcome")
    assert "conflict gone.away:Mine on mine/world seed 2: scores differ by up to 50 %" in err
    assert "1 record file counts as missing" in err
    code, out, err = scmbench("export", "all", "--out", "tables")
    assert (code, out, err) == (0, "tables: 3 records, 3 scores, 0 examples, 0 notes (csv)", "")
    assert {path.name for path in (tmp_path / "tables").iterdir()} >= {"records.csv", "scores.csv", "notes.csv"}


def test_a_committed_run_is_exported_by_the_name_of_its_suite(scmbench, tmp_path):
    code, out, _ = scmbench("export", "regress", "--out", tmp_path / "tables", "--format", "parquet")
    assert code == 0
    assert "records, " in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["export", "nowhere", "--out", "x"], "'nowhere' is no store of records, no committed run and no suite"),
        (["export", "empty", "--out", "x"], "the store 'empty' has no record that can be read"),
        (["export", "a", "--out", "file"], "file"),
        (["merge", "nowhere"], "'nowhere' is no store: it has no folder 'records'"),
        (["merge", "a", "nowhere", "--store", "x"], "'nowhere' is no store"),
        (["merge", "a", "--store", "a"], "'a' is the store that records go to"),
        (["merge", "a", "--store", "file"], "cannot write in"),
    ],
)
def test_a_wrong_call_is_one_line_and_writes_nothing(scmbench, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    write("a")
    (tmp_path / "file").write_text("")
    (tmp_path / "empty/records").mkdir(parents=True)
    code, _, err = scmbench(*words)
    assert code == (3 if "cannot write in" in told else 2)
    assert told in err
    assert not (tmp_path / "x").exists()
