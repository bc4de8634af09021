"""What is wanted, what is missing, and how it is packed."""

from __future__ import annotations

from collections import Counter

import pytest
from scmbench.benchmarks.records.record import Record
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import planner
from scmbench.benchmarks.running.estimate import estimate
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import parse

SUITE = """protocol = "paper"
seeds = 3
datasets = ["dcm/chain", "dcm/ladder/nlin"]
[[models]]
name = "linear"
[[models]]
name = "dcm"
variant = "reference"
[[models]]
name = "dcm"
variant = "corrected"
"""


@pytest.fixture
def trials():
    return planner.trials(parse(SUITE, name="t", file="t.toml"))


def test_every_dataset_model_and_seed_is_wanted_once(trials):
    assert len(trials) == len({one.identity.key for one in trials}) == 3 * 3 * 3


def test_where_to_compute_is_no_part_of_the_identity(trials):
    assert "device" not in next(one for one in trials if one.identity.model == "dcm").identity.options


def test_variants_that_differ_at_query_time_share_a_fit(trials):
    batches = planner.pack([one for one in trials if one.identity.model == "dcm"])
    fits = [fit for batch in batches for fit in batch.fits]
    assert {len(fit.trials) for fit in fits} == {2}
    assert Counter((fit.dataset, fit.seed) for fit in fits).most_common(1)[0][1] == 1


def test_batches_hold_all_once_bounded_and_small_problems_first(trials):
    batches = planner.pack(trials, limit=8)
    packed = [one.identity.key for batch in batches for one in batch.trials]
    assert sorted(packed) == sorted(one.identity.key for one in trials)
    assert all(batch.size <= 8 or len(batch.fits) == 1 for batch in batches)
    sizes = [max(fit.size for fit in batch.fits) for batch in batches]
    assert sizes == sorted(sizes)


def test_a_batch_is_of_one_configuration(trials):
    for batch in planner.pack(trials, limit=1000):
        assert len({one.identity.model for one in batch.trials}) == 1


def test_only_what_the_store_lacks_is_computed_and_failures_on_request(trials, tmp_path):
    store = Store(tmp_path)
    store.write(Record(trials[0].identity, "ok"))
    store.write(Record(trials[1].identity, "failed", "because"))
    suite = parse(SUITE, name="t", file="t.toml")
    for retry, first in ((False, 2), (True, 1)):
        todo = planner.plan(suite, store, retry=retry)
        wanted = {one.key for batch in todo.batches for one in batch.trials}
        assert wanted == {one.key for one in trials[first:]}
        assert set(todo.finished) == {one.key for one in trials[:first]}
    assert planner.plan(suite, store).failed == 1


def test_a_plan_reads_every_record_once(trials, tmp_path, monkeypatch):
    store, read = Store(tmp_path), []
    store.write(Record(trials[0].identity, "ok"))
    monkeypatch.setattr(Store, "read", lambda self, key, read_=Store.read: read.append(key) or read_(self, key))
    estimate(planner.plan(parse(SUITE, name="t", file="t.toml"), store))
    assert sorted(read) == sorted(one.key for one in trials)


def test_shards_share_nothing_and_are_together_the_whole_whatever_is_finished(tmp_path):
    suite, store = parse(SUITE, name="t", file="t.toml"), Store(tmp_path)
    whole = {trial.key for trial in planner.trials(suite)}
    parts = [planner.plan(suite, store, shard=(k, 3)) for k in (1, 2, 3)]
    keys = [[trial.key for trial in part.trials] for part in parts]
    assert sorted(key for part in keys for key in part) == sorted(whole)
    assert all(part.to_do == len(part.trials) for part in parts)
    store.prepare()
    done = parts[1].batches[0].trials[0]
    store.write(Record(done.identity, "failed", "done"))
    again = [planner.plan(suite, store, shard=(k, 3)) for k in (1, 2, 3)]
    assert [[trial.key for trial in part.trials] for part in again] == keys
    assert [part.to_do for part in again] == [part.to_do - (part is parts[1]) for part in parts]


def test_a_part_of_a_suite_says_so():
    suite = suites.load("smoke")
    assert not suite.part
    assert not suite.narrow(seeds=suite.seeds).part
    assert not suite.narrow(seeds=range(50), scms=suite.datasets).part
    assert suite.narrow(scms=suite.datasets[:1]).part
    assert suite.narrow(methods=["dcm"]).narrow().part
    assert suites.load("paper").narrow(seeds=[3]).part
