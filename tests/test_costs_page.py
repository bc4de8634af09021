"""The table of the page on costs: made from provenance and ranks, and a plain sentence without a run."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import costs
import shown
from scmbench.benchmarks.suites import shelf

PAGE = Path(costs.__file__).with_name("costs.md").read_text(encoding="utf-8")
NAMES = {("dcm", "corrected"): "dcm (corrected)", ("linear", ""): "linear", ("gone", ""): "gone"}


def line(model, variant, fit, answer, status="ok"):
    sizes = {"parameters": 17474 if model == "dcm" else None, "gradient_steps": None, "peak_mb": 500.2}
    key = {"model": model, "variant": variant, "status": status}
    return {**key, "fit_cpu_s": fit, "query_cpu_s": answer, **sizes}


PROVENANCE = pd.DataFrame(
    [
        *(line("dcm", "corrected", fit, 2.0) for fit in (8.0, 10.0, 30.0)),
        line("linear", None, 0.25, 0.125),
        line("gone", None, 0.0, 0.0, status="failed"),
    ]
)
RANKS = pd.DataFrame(
    [
        {"rung": "counterfactual", "model": "dcm", "variant": "corrected", "rank": 1.25},
        {"rung": "observational", "model": "linear", "variant": "", "rank": 2.0},
    ]
)


def test_the_cheapest_comes_first_with_what_it_took_and_where_it_stands():
    lines = costs.costs(PROVENANCE, RANKS, NAMES).splitlines()
    assert lines[2] == "| linear | 0.250 [0.250, 0.250] | 0.125 | – | – | 500 | 2.00 | – | – |"
    assert lines[3] == "| dcm (corrected) | 10.0 [8.00, 30.0] | 2.00 | 17,474 | – | 500 | – | – | 1.25 |"
    assert len(lines) == 4  # what failed has no cost


def test_without_a_run_the_table_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(costs, "OUT", tmp_path / "tables")
    costs.main()
    assert (tmp_path / "tables" / "costs.md").read_text() == shown.not_run("methods")
    assert 'numbers/costs/tables/costs.md"' in PAGE


def test_the_suite_is_there():
    assert costs.SUITE in shelf.names()
