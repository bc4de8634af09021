"""Scores of different judges never stand in one table."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from scmbench.benchmarks.judging.same_judges import mixed, without_mixed
from scmbench.benchmarks.records.record import CorruptRecord, Identity, Record
from scmbench.benchmarks.records.results import gather
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.suites.suite import Entry, Suite
from scmbench.datasets import Score


def record(model: str, seed: int, judges: str) -> Record:
    identity = Identity("image/test", 1, seed, model, 1, {}, "standard", 1, {})
    told = [Score("counterfactual", metric, 0.5, "digit", 1.0) for metric in ("cld", "cf_relative", "l1")]
    return Record(identity, "ok", scores=[("", s) for s in told], provenance={"judges": judges} if judges else {})


def results(*judges: str):
    pairs = [(record(f"m{i}", seed, j), f"m{i}") for i, j in enumerate(judges) for seed in range(2)]
    return gather(pairs, suite="t")


def test_records_of_one_bench_and_of_none_are_left_alone():
    for found in (results("a", "a", ""), results("", ""), results()):
        rows, notes = without_mixed(found.rows, found.provenance)
        assert notes == []
        assert rows is found.rows


def test_scores_of_judges_are_left_out_where_they_differ_and_others_stay():
    first, second = results("a", "a"), results("a" * 64, "b" * 64)
    part = second.provenance["seed"] == 1
    provenance = pd.concat([first.provenance[first.provenance["seed"] == 0], second.provenance[part]])
    assert mixed(provenance) == {("image/test", 1): ["a" * 64, "b" * 64]}
    rows, (note,) = without_mixed(second.rows, provenance)
    assert note.startswith(f"image/test, seed 1: records were scored by different judges ({'a' * 12}, {'b' * 12})")
    left = rows.groupby("seed")["metric"].agg(set)
    assert left.to_dict() == {0: {"cld", "cf_relative", "l1"}, 1: {"cf_relative", "l1"}}


def test_a_report_says_so_and_compares_no_such_runs():
    suite = Suite("t", "T", "standard", ["image/test"], [Entry("linear", "m0"), Entry("linear", "m1")], range(2))
    report = Report.of(suite, results("a", "b"), papers=[])
    assert len([note for note in report.notes if "different judges (a, b)" in note]) == 2
    assert set(report.scores["metric"]) == {"cf_relative", "l1"}
    same = Report.of(suite, results("a", "a"), papers=[], other=results("b", "b"))
    assert set(same.scores["metric"]) == {"cf_relative", "l1"}
    assert same.against is not None
    assert set(same.against["metric"]) == {"cf_relative", "l1"}
    whole = Report.of(suite, results("a", "a"), papers=[], other=results("a", "a"))
    assert "cld" in set(whole.scores["metric"])


def test_a_record_with_a_digest_that_is_no_text_is_damage():
    one = record("m", 0, "a")
    assert Record.from_text(one.to_text()).provenance["judges"] == "a"
    odd = replace(one, provenance={"judges": 7}).to_text()
    with pytest.raises(CorruptRecord, match=r"provenance\.judges holds 7, expected a text"):
        Record.from_text(odd)
