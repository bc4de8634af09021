"""What is wanted, what is missing, and how it is packed."""

from __future__ import annotations

from collections import Counter

import pytest
from scmbench.benchmarks.records.record import Record
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import planner
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
def wanted():
    return planner.wanted(parse(SUITE, name="t", file="t.toml"))


def test_every_dataset_model_and_seed_is_wanted_once(wanted):
    assert len(wanted) == len({one.identity.key for one in wanted}) == 3 * 3 * 3


def test_where_to_compute_is_no_part_of_the_identity(wanted):
    assert "device" not in next(one for one in wanted if one.identity.model == "dcm").identity.options


def test_variants_that_differ_at_query_time_share_a_fit(wanted):
    batches = planner.pack([one for one in wanted if one.identity.model == "dcm"])
    fits = [fit for batch in batches for fit in batch.fits]
    assert {len(fit.wanted) for fit in fits} == {2}
    assert Counter((fit.dataset, fit.seed) for fit in fits).most_common(1)[0][1] == 1


def test_batches_hold_all_once_bounded_and_small_problems_first(wanted):
    batches = planner.pack(wanted, limit=8)
    packed = [one.identity.key for batch in batches for one in batch.wanted]
    assert sorted(packed) == sorted(one.identity.key for one in wanted)
    assert all(batch.size <= 8 or len(batch.fits) == 1 for batch in batches)
    sizes = [max(fit.size for fit in batch.fits) for batch in batches]
    assert sizes == sorted(sizes)


def test_a_batch_is_of_one_configuration(wanted):
    for batch in planner.pack(wanted, limit=1000):
        assert len({one.identity.model for one in batch.wanted}) == 1


def test_only_what_the_store_lacks_is_computed_and_failures_on_request(wanted, tmp_path):
    store = Store(tmp_path)
    store.write(Record(wanted[0].identity, "ok"))
    store.write(Record(wanted[1].identity, "failed", "because"))
    assert planner.absent(wanted, store) == wanted[2:]
    assert planner.absent(wanted, store, retry=True) == wanted[1:]
