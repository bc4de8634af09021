"""What a batch is at, told by who computes it and read by who waits."""

from __future__ import annotations

import os

import pytest
from scmbench.benchmarks.records.claims import claiming
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine, stage, worker
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.suites.suite import parse
from scmbench.models.training.progress import counted, listening

TEXT = 'protocol = "paper"\nseeds = 2\ndatasets = ["check/sine"]\n' + '[[models]]\nname = "linear"\n'


def batches(store, text=TEXT):
    return plan(parse(text, name="t", file="t.toml"), store).batches


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "EVERY", 0.0)
    store = Store(tmp_path)
    store.prepare()
    with claiming(store.folder, {}) as store.claims:
        yield store


def test_the_last_word_is_read_until_the_batch_is_over(store):
    (batch,) = batches(store)
    assert stage.stage(batch, store) == ""
    with stage.telling(batch, store):
        for _ in counted(range(1400), "steps"):
            pass
        assert stage.stage(batch, store) == "1,399 of 1,400 steps"
        assert stage.running([batch], store, 1) == ["linear (1,399 of 1,400 steps)"]
        assert stage.running([batch] * 9, store, stage.FEW + 1) == ["linear"]
    assert stage.running([batch, batch], store, 2) == ["linear"]


def test_what_another_run_computes_is_not_told_as_ones_own(store):
    first, second = batches(store, TEXT + '[[models]]\nname = "oracle"\n')
    with claiming(store.folder, {}) as others:
        assert others.take([trial.key for trial in first.trials])
        assert stage.running([first, second], store, 1) == [second.entry.title]
        assert stage.running([first], store, 1) == []
    assert stage.running([first, second], store, 1) == [first.entry.title]


def test_one_of_one_is_no_word(store):
    (batch,) = batches(store)
    with stage.telling(batch, store):
        list(counted([1], "networks"))
        assert stage.stage(batch, store) == ""


def test_words_are_not_told_more_often_than_they_are_read(store, monkeypatch):
    monkeypatch.setattr(stage, "EVERY", 3600.0)
    (batch,) = batches(store)
    with stage.telling(batch, store):
        list(counted(range(5), "steps"))
        assert stage.stage(batch, store) == "0 of 5 steps"


@pytest.mark.parametrize("text", ["", "3 of", "many few steps", "\xff\xfe"])
def test_what_is_no_word_tells_nothing(store, text):
    (batch,) = batches(store)
    (store.claims.folder / f"{store.claims.run}-{batch.trials[0].key}.at").write_bytes(text.encode("latin-1"))
    assert stage.stage(batch, store) == ""


def test_without_a_run_nothing_is_told_and_nothing_fails(tmp_path):
    store = Store(tmp_path)
    (batch,) = batches(store)
    with stage.telling(batch, store):
        list(counted(range(3), "steps"))
    assert stage.stage(batch, store) == ""
    assert not (tmp_path / "claims").exists()


def test_a_place_that_cannot_be_written_stops_nothing(store):
    (batch,) = batches(store)
    path = store.claims.folder / f"{store.claims.run}-{batch.trials[0].key}.at"
    path.mkdir()
    with stage.telling(batch, store):
        assert list(counted(range(3), "steps")) == [0, 1, 2]
    path.rmdir()


def test_a_batch_tells_of_its_questions(store, monkeypatch):
    heard = []
    monkeypatch.setattr(worker, "telling", lambda batch, store: listening(lambda *word: heard.append(word)))
    (batch,) = batches(store, TEXT.replace("seeds = 2", "seeds = 1"))
    list(engine.inline([batch], store))
    questions = [(done, of) for unit, done, of in heard if unit == "questions"]
    assert questions == [(k, len(questions)) for k in range(len(questions))]
    assert len(questions) > 2


def test_nothing_is_left_behind(store):
    list(engine.inline(batches(store), store))
    assert [name for name in os.listdir(store.claims.folder) if name.endswith(".at")] == []
