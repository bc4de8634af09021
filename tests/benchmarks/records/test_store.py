"""Records come back as they were written, or not at all."""

from __future__ import annotations

import json
import os

import pytest
from scmbench.benchmarks.judging.notes import Note
from scmbench.benchmarks.records.record import CorruptRecord, Identity, Record, digest
from scmbench.benchmarks.records.results import ROWS, provenance_row, score_rows
from scmbench.benchmarks.records.store import Store, StoreError
from scmbench.datasets import Example, Score


def identity(**changes) -> Identity:
    content = {
        "dataset": "dcm/chain/nlin",
        "dataset_version": 1,
        "seed": 0,
        "model": "dcm",
        "model_version": 1,
        "options": {"variant": "reference", "width": [64, 128]},
        "protocol": "paper",
        "protocol_version": 1,
        "metric_versions": {"mmd": 1},
    }
    return Identity(**{**content, **changes})


EXAMPLE = Example("x1", 0.5, "x2", 1.25, 1.5)


def record(**changes) -> Record:
    scores = [("", Score("observational", "mmd", 0.25)), ("", Score("interventional", "mmd", 0.5, "x1", -1.25))]
    return Record(
        identity(**changes), "ok", "", scores, [Note("counterfactual", "failed", "a\nb")], [EXAMPLE], {"fit_cpu_s": 1.0}
    )


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def test_a_record_comes_back_as_it_was_written(store):
    store.write(record())
    assert store.read(record().identity.key) == record()


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "dcm/chain/nadd"},
        {"dataset_version": 2},
        {"seed": 1},
        {"model_version": 2},
        {"options": {"variant": "corrected", "width": [64, 128]}},
        {"protocol_version": 2},
        {"metric_versions": {"mmd": 2}},
        {"source": "abc"},
    ],
)
def test_everything_that_determines_an_outcome_is_in_the_key(change):
    assert identity(**change).key != identity().key


def test_tuples_and_lists_have_one_key():
    assert identity(options={"variant": "reference", "width": (64, 128)}).key == identity().key


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("0.25", "0.24"),
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text.replace('"schema":2', '"schema":0'),
    ],
    ids=["truncated", "edited", "empty", "foreign", "other format"],
)
def test_a_damaged_record_is_refused_by_name_and_counts_as_missing(store, damage):
    path = store.write(record())
    path.write_text(damage(path.read_text()))
    assert store.read(record().identity.key) is None
    assert [path.name in line for line in store.refused] == [True]
    assert path.exists()
    store.set_aside()
    assert not path.exists()
    assert path.with_suffix(".corrupt").exists()
    assert store.read(record().identity.key) is None


def test_a_record_under_another_key_is_refused(store):
    path = store.write(record())
    other = store.path(identity(seed=7).key)
    other.parent.mkdir(parents=True, exist_ok=True)
    path.rename(other)
    assert store.read(identity(seed=7).key) is None
    assert identity().key in store.refused[0]


def test_binary_rubbish_is_refused(store):
    path = store.write(record())
    path.write_bytes(b"\xff\xfe\x00rubbish")
    assert store.read(record().identity.key) is None
    assert path.name in store.refused[0]


def test_a_damaged_file_that_cannot_be_moved_is_an_error(store):
    path = store.write(record())
    path.write_text("rubbish")
    path.with_suffix(".corrupt").mkdir()
    assert store.read(record().identity.key) is None
    with pytest.raises(StoreError, match="cannot move it aside"):
        store.set_aside()


def test_reading_writes_nothing_even_where_it_could_not(store):
    path = store.write(record())
    path.write_text("rubbish")
    before = sorted(store.folder.rglob("*"))
    assert store.read(record().identity.key) is None
    assert sorted(store.folder.rglob("*")) == before
    assert path.read_text() == "rubbish"


def test_a_record_of_a_newer_format_is_named_and_never_moved_or_written_over(store):
    path = store.write(record())
    text = rewritten(path.read_text(), schema=99, scores="of another kind")
    path.write_text(text)
    assert store.read(record().identity.key) is None
    assert "format 99 of a newer scmbench" in store.refused[0]
    with pytest.raises(StoreError, match="update scmbench"):
        store.prepare()
    assert path.read_text() == text


@pytest.mark.parametrize(
    "hostile",
    [
        {"status": "splendid"},
        {"status": ["ok"]},
        {"message": 3},
        {"role": "king"},
        {"notes": [{"query": "q", "status": "ok", "message": ""}]},
        {"notes": {"query": "q"}},
        {"scores": [1, 2]},
        {"scores": {"member": [""], "query": ["q"], "metric": ["m"], "node": [""], "value": [None], "score": ["1"]}},
        {"scores": {"member": [""], "query": ["q"], "metric": ["m"], "node": [""], "value": [None], "score": [True]}},
        {"scores": {"member": [""], "query": ["q"], "metric": ["m"], "node": [""], "value": [], "score": [1.0]}},
        {"scores": {"member": [""], "query": ["q"], "metric": ["m"], "node": [[]], "value": [1], "score": [10**400]}},
        {"provenance": {"hardware": ["a"]}},
        {"provenance": {"hardware": 3}},
        {"provenance": {"fit_cpu_s": "fast"}},
        {"provenance": {"fit_cpu_s": -1}},
        {"provenance": {"parameters": {"a": 1}}},
        {"provenance": []},
        {"waives": {"do is exact": 3}},
        {"examples": {}},
        {"identity": {}},
        {"identity": 7},
        {"schema": "2"},
        {"schema": None},
    ],
    ids=str,
)
def test_whatever_stands_in_a_record_is_checked(hostile):
    with pytest.raises(CorruptRecord, match=r"^here: .*(field|expected|columns|format)"):
        Record.from_text(rewritten(record().to_text(), **hostile), name="here")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"digest": NaN}', "9" * 5000, '{"digest":"x","schema":1e999}', "null"]
)
def test_no_text_at_all_ends_in_another_error(text):
    with pytest.raises(CorruptRecord):
        Record.from_text(text)


def test_texts_that_cannot_be_written_are_spelled_out_when_they_are_read():
    text = rewritten(record().to_text(), message="caf\udce9 \x1b[2J", status="failed")
    message = Record.from_text(text).message
    assert message == r"caf\udce9 \x1b[2J"
    assert message.encode()


def test_half_written_files_of_killed_commands_are_swept_but_not_live_ones(store):
    path = store.write(record())
    old, live = (path.with_name(f".{path.name}.{name}.part") for name in ("old", "live"))
    for part in (old, live):
        part.write_text("{")
    os.utime(old, (0, 0))
    store.prepare()
    assert (old.exists(), live.exists(), path.exists()) == (False, True, True)


def test_from_text_names_a_missing_field():
    content = json.loads(record().to_text())
    with pytest.raises(CorruptRecord, match="digest"):
        Record.from_text(json.dumps({k: v for k, v in content.items() if k != "digest"}))


def test_an_unwritable_folder_is_a_clear_error_and_leaves_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        Store(blocked).write(record())


def test_a_run_learns_at_once_that_it_cannot_write(tmp_path, store, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write in .*file/records"):
        Store(blocked).prepare()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.prepare()
    assert [p for p in store.folder.rglob("*") if p.is_file() and p != blocked] == []


def full(_):
    raise OSError(28, "No space left on device")


def test_a_write_that_fails_half_way_leaves_no_file(store, monkeypatch):
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.write(record())
    assert [p for p in store.folder.rglob("*") if p.is_file()] == []


def test_nan_scores_cannot_be_written(store):
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write(Record(identity(), "ok", "", [("", Score("observational", "mmd", float("nan")))]))


def test_rows_have_the_columns_that_tables_read():
    rows = score_rows(record(), suite="paper", label="dcm")
    assert list(rows.columns) == ROWS
    assert rows.loc[1, ["dataset", "problem", "kind", "node", "value", "score"]].tolist() == [
        *("dcm/chain/nlin", "dcm/chain", "nlin"),
        *("x1", -1.25, 0.5),
    ]
    row = provenance_row(record(), suite="paper", label="dcm")
    assert (row["status"], row["notes"], row["fit_cpu_s"]) == ("ok", tuple(record().notes), 1.0)
    assert str(record().notes[0]) == "counterfactual failed: b"


def rewritten(text, **changes):
    """A record's text with other content, its digest right: what a program wrote that is not ours."""
    content = {**json.loads(text), **changes}
    del content["digest"]
    return json.dumps({**content, "digest": digest(content)})


@pytest.mark.parametrize(("model", "role"), [("oracle", "ceiling"), ("identity", "floor"), ("my.pkg:Oracle", "method")])
def test_a_record_of_the_first_format_is_read_and_its_role_follows_from_its_model(model, role):
    text = rewritten(record(model=model).to_text(), schema=1)
    assert Record.from_text(text).role == role
    content = json.loads(text)
    del content["role"]
    assert Record.from_text(rewritten(json.dumps(content))).role == role
