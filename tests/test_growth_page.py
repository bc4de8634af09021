"""The page on growth: its tables are those of the file, its file has what the code measures, exponents are right."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import growth

PAGE = growth.FILE.with_name("growth.md").read_text(encoding="utf-8")
KEPT = pd.read_csv(growth.FILE)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_its_power(power):
    sizes = [1, 10, 100, 1000]
    assert growth.exponent(sizes, [7.0, *(3 * n**power for n in sizes[1:])]) == pytest.approx(power)  # the last three


def test_one_size_has_no_exponent():
    assert math.isnan(growth.exponent([10], [1.0]))
    assert math.isnan(growth.exponent([10, 100], [0.0, 1.0]))  # nothing measured is no power


@pytest.mark.parametrize(("axis", "part"), growth.SHOWN)
def test_the_page_has_the_tables_of_the_file(axis, part):
    assert growth.table(KEPT, axis, part) in PAGE


def test_what_grows_is_what_its_axis_says():
    nodes, parents = growth.posed("nodes", 20)[0].graph, growth.posed("parents", 8)[0].graph
    assert len(nodes) == 20
    assert max(d for _, d in nodes.in_degree()) == 2
    assert sorted(d for _, d in parents.in_degree()) == [*[0] * 8, 8]
    assert growth.posed("rows", 5000)[1:] == (5000, growth.FEW)
    assert growth.posed("answers", 5000)[1:] == (growth.FEW, 5000)


def test_a_measurement_has_every_size_and_part():
    lines = list(growth.measured("nodes", "linear", (3, 4)))
    assert [line[:2] for line in lines] == [(n, part) for n in (3, 4) for part in ("fit", "answer", "memory")]
    assert all(value >= 0 for *_, value in lines)


@pytest.mark.parametrize("axis", growth.SUITES)
def test_a_suite_grows_along_its_axis_and_is_reported_whole(axis):
    grown = growth.suite(axis, 3)
    assert (len(grown.seeds), len(grown.models)) == ((3, 1) if axis == "seeds" else (1, 3))
    lines = list(growth.asked(axis, (3,)))
    assert [line[:2] for line in lines] == [(3, part) for part in ("plan", "plan again", "report")]
    assert all(value > 0 for *_, value in lines)


def test_a_fit_is_asked_as_many_interventions_as_its_size():
    class Asked:
        done: ClassVar[list[float]] = []

        def sample(self, n, do, *, seed):
            self.done.append(do["x0"])

    growth._set(Asked(), "x0", 3)
    assert Asked.done == [-1.0, 0.0, 1.0]


def test_the_store_is_read_whole():
    found = {part: value for _, part, value in growth.stored((20,))}
    assert set(found) == {"write", "read", "size"}
    assert found["size"] > 20 * 1000 / 2**20  # thirty scores are more than a kilobyte


def test_every_method_and_axis_was_measured():
    told = set(zip(KEPT["axis"], KEPT["what"], strict=True))
    fitted = {(axis, m) for axis in growth.AXES for m in growth.METHODS}
    assert told == fitted | {("records", "store")} | {(axis, "suite") for axis in growth.SUITES}


def slopes(axis, part):
    own = KEPT[(KEPT["axis"] == axis) & (KEPT["part"] == part)]
    return {what: growth.exponent(list(rows["size"]), list(rows["value"])) for what, rows in own.groupby("what")}


def value(axis, part, what, size):
    own = KEPT[(KEPT["axis"] == axis) & (KEPT["part"] == part) & (KEPT["what"] == what) & (KEPT["size"] == size)]
    return float(own["value"].item())


def test_what_the_page_says_follows_from_the_file():
    nodes, parents, rows = slopes("nodes", "fit"), slopes("parents", "fit"), slopes("rows", "fit")
    assert all(0.9 < nodes[m] < 1.3 for m in ("linear", "anm", "nsf", "flow-matching", "dcm", "dscm"))
    assert nodes["causal-nf"] == pytest.approx(2, abs=0.2)
    assert slopes("nodes", "answer")["causal-nf"] == pytest.approx(3, abs=0.3)
    assert max(parents[m] for m in ("nsf", "dcm", "flow-matching")) < 0.4
    assert all(parents[m] == pytest.approx(1, abs=0.2) for m in ("dscm", "vaca"))
    assert all(0.9 < rows[m] < 1.1 for m in ("nsf", "flow-matching", "dcm", "vaca", "carefl", "causal-nf", "dscm"))
    assert all(0.8 < slope < 1.3 for slope in slopes("rows", "memory").values())
    most = max(growth.AXES["answers"])
    assert value("answers", "answer", "dcm", most) / value("answers", "answer", "causal-nf", most) == pytest.approx(
        40, rel=0.1
    )
    records = max(growth.RECORDS)
    assert value("records", "read", "store", records) < 60
    each = value("records", "read", "store", records) / records
    assert round(1000 * each, 1) == 0.4
    assert 1e7 * each > 3600
    assert 1e7 * value("records", "size", "store", records) / records / 1024 == pytest.approx(20, abs=1)
    assert all(slope == pytest.approx(1, abs=0.2) for slope in slopes("interventions", "answer").values())
    for axis in growth.SUITES:
        assert all(slopes(axis, part)["suite"] < 1.2 for part in ("plan", "plan again", "report"))
