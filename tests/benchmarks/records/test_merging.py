"""Merging stores: whole files, nothing written over, and every file that is not taken is named."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scmbench.benchmarks.records.merging import differing, merge
from scmbench.benchmarks.records.record import Identity, Record, digest
from scmbench.benchmarks.records.store import Store
from scmbench.datasets import Score


def record(seed=0, score=0.25, **changes) -> Record:
    identity = Identity("d/w", 1, seed, "linear", 1, {}, "paper", 1, {"mmd": 1})
    return replace(Record(identity, "ok", "", [("", Score("observational", "mmd", score))]), **changes)


@pytest.fixture
def stores(tmp_path):
    return Store(tmp_path / "theirs"), Store(tmp_path / "ours")


def test_what_is_new_comes_as_it_is_and_what_is_there_stays(stores):
    theirs, ours = stores
    new, same, other = record(1), record(2), record(3)
    for one in (new, replace(same, provenance={"fit_cpu_s": 9.0}), record(3, score=0.5)):
        theirs.write(one)
    for one in (same, other):
        ours.write(one)
    merged = merge([theirs], ours)
    assert (merged.taken, merged.same) == (1, 1)
    assert ours.path(new.identity.key).read_bytes() == theirs.path(new.identity.key).read_bytes()
    for one in (same, other):
        assert ours.path(one.identity.key).read_text() == one.to_text()
    (conflict,) = map(str, merged.conflicts)
    assert conflict.startswith("linear on d/w seed 3: scores differ by up to 50 %; the other is ")
    assert theirs.path(other.identity.key).exists()


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (record(score=0.25 + 1e-9), "scores differ by up to 4e-07 %"),
        (record(status="failed", message="a", scores=()), "ok here, failed there"),
        (record(scores=()), "1 scores here, 0 there, not of the same questions"),
        (record(message="another path in a traceback"), ""),
    ],
)
def test_outcomes_are_compared_and_nothing_else(there, told):
    assert differing(record(), there) == told


def test_bad_and_newer_files_are_named_on_either_side(stores, tmp_path):
    theirs, ours = stores
    paths = [theirs.write(record(seed)) for seed in range(4)]
    paths[0].write_text("rubbish")
    paths[1].write_text(_newer(paths[1]))
    ours.write(record(2)).write_text("damaged")
    newer = ours.write(record(3))
    text = _newer(newer)
    newer.write_text(text)
    merged = merge([theirs], ours)
    assert (merged.taken, merged.same, merged.conflicts) == (1, 0, [])
    assert [sum(word in line for line in theirs.refused) for word in ("not a record", "format 99")] == [1, 1]
    assert "format 99" in merged.newer[0]
    assert newer.read_text() == text
    assert ours.path(record(2).identity.key).with_suffix(".corrupt").read_text() == "damaged"
    assert ours.path(record(2).identity.key).read_text() == record(2).to_text()


def _newer(path):
    content = {**json.loads(path.read_text()), "schema": 99}
    del content["digest"]
    return json.dumps({**content, "digest": digest(content)})
