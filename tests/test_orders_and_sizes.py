"""The tables of the open questions on vector nodes and on training sizes, from rows that are known."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import orders
import questions
import shown
import sizes
from scmbench.benchmarks.suites import suite as suites

COLUMNS = ["dataset", "model", "variant", "seed", "query", "metric", "node", "score"]


def told_in_both_orders(world, law, rows) -> pd.DataFrame:
    cells = [("observational", law, "", (0.01, 0.02)), ("counterfactual", rows, "x", (0.25, 0.5))]
    return pd.DataFrame(
        [
            (name, "dcm", "corrected", seed, query, metric, node, score * (1 + seed))
            for query, metric, node, both in cells
            for name, score in zip((world, orders.reversed_name(world)), both, strict=True)
            for seed in range(3)
        ],
        columns=COLUMNS,
    )


@pytest.mark.parametrize(
    ("name", "world"), [("vector-nodes", "check/turning"), ("vector-nodes-tmscm", "sized/5000/tmscm/fork")]
)
def test_a_line_has_law_and_rows_in_both_orders(name, world, monkeypatch):
    asked = orders.SUITES[name]
    rows = told_in_both_orders(world, asked.law, asked.rows)
    (line,) = orders.orders(rows, asked).splitlines()[2:]
    assert line == f"| {world} | dcm (corrected) | 0.0200 | 0.0400 | 0.500 | 1.00 |"
    monkeypatch.setattr(questions, "run", lambda name: SimpleNamespace(rows=rows))
    assert questions.swapped("dcm(corrected)", world, name=name) == (0.5, 1.0)
    assert questions.swapped("dcm(corrected)", world, "law", name) == (0.02, 0.04)


def test_an_order_that_was_not_asked_is_a_dash():
    rows = told_in_both_orders("check/turning", "energy", "rmse")
    rows = rows[(rows["dataset"] == "check/turning") & (rows["query"] == "observational")]
    (line,) = orders.orders(rows, orders.SUITES["vector-nodes"]).splitlines()[2:]
    assert line.split("|")[3:-1] == [" 0.0200 ", " – ", " – ", " – "]


def mechanisms_by_size() -> pd.DataFrame:
    found = {
        "sized/250/dcm/chain/nlin": {
            "hsic": 4e-3,
            "hsic_p": 0.01,
            "reconstruction": 1e-3,
            "monotone_share": 1,
            "rmse": 0.5,
        },
        "dcm/chain/nlin": {"hsic": 2e-3, "hsic_p": 0.5, "reconstruction": 1e-3, "monotone_share": 1, "rmse": 0.125},
    }
    lines = [(d, "nsf", None, s, "", m, "x2", x) for d, each in found.items() for s in (0, 1) for m, x in each.items()]
    lines += [(d, "marginal", None, s, "", "rmse", "x2", 1.0) for d in found for s in (0, 1)]
    return pd.DataFrame(lines, columns=COLUMNS)


def test_a_line_has_what_is_seen_at_each_size_beside_the_true_error(monkeypatch):
    lines = sizes.sizes(sizes.fitted(mechanisms_by_size())).splitlines()[2:]
    assert "| dcm/chain/nlin | nsf | 250 | 0.00400 | 2 of 2 | 0.00100 | 0 of 2 | 0.500 |" in lines
    assert "| dcm/chain/nlin | nsf | 5,000 | 0.00200 | 0 of 2 | 0.00100 | 2 of 2 | 0.125 |" in lines
    assert "| dcm/chain/nlin | marginal | 250 | – | – | – | – | 1.00 |" in lines
    assert len(lines) == 4
    monkeypatch.setattr(questions, "run", lambda name: SimpleNamespace(rows=mechanisms_by_size()))
    assert questions.by_rows("rmse", "nsf", "dcm/chain/nlin", 250) == 0.5
    assert questions.alarms_by_rows("nsf", "dcm/chain/nlin", 250) == (2, 2)
    assert questions.alarms_by_rows("nsf", "dcm/chain/nlin", 5000) == (0, 2)
    with pytest.raises(ValueError, match="no mechanism of nsf on dcm/chain/nlin with 20000 training rows"):
        questions.by_rows("rmse", "nsf", "dcm/chain/nlin", 20000)


@pytest.mark.parametrize("page", [orders, sizes])
def test_without_runs_every_table_says_so(page, tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(page, "OUT", tmp_path / "tables")
    page.main()
    written = {path.stem: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert written == {name: shown.not_run(name) for name in page.tables()}


@pytest.mark.parametrize(("name", "protocol"), [("vector-nodes", "standard"), ("vector-nodes-tmscm", "tmscm")])
def test_every_world_of_the_suites_is_told_in_both_orders(name, protocol):
    suite = suites.load(name)
    assert suite.protocol == protocol
    plain = [each for each in suite.datasets if "swapped" not in each]
    assert sorted(suite.datasets) == sorted([*plain, *map(orders.reversed_name, plain)])
    for entry in suite.models:
        assert all(entry.wants(each) == entry.wants(orders.reversed_name(each)) for each in plain)


def test_every_world_of_the_sizes_has_all_of_them():
    suite = suites.load(sizes.SUITE)
    assert suite.protocol == "theory"
    found = {sizes.world_and_rows(each, sizes.SUITE) for each in suite.datasets}
    worlds = {"dcm/chain/nlin", "dcm/triangle/nadd"}
    assert found == {(world, size) for world in worlds for size in (250, 1000, 5000, 20000)}
