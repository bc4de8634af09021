"""The gate is worth its minutes: it turns red for each of the planted faults, and stays green without one."""

from __future__ import annotations

import pytest
from faults import FAULTS
from rich.console import Console
from scmbench.benchmarks.gate import moves, tolerance
from scmbench.benchmarks.records import committed as records
from scmbench.benchmarks.records.results import scores_of
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites import suite

pytestmark = pytest.mark.slow

PART = {"scms": ["dcm/triangle/nlin"], "seeds": (0, 1), "methods": ["dcm (reference)"]}


def judged(folder):
    """The gate's table for one SCM, two seeds and DCM, trained here and now."""
    part, store = suite.load("regress").narrow(**PART), Store(folder)
    results = compute(plan(part, store), store, engine.inline, workers=1, console=Console(quiet=True))
    committed = records.read(records.folder("regress"))
    ours, theirs = (scores_of(part, r.of(part)) for r in (results.results(), committed))
    return moves.judge(moves.moves(ours, theirs), tolerance.read(records.folder("regress")))


def test_without_a_fault_the_gate_is_green(tmp_path):
    table = judged(tmp_path)
    assert not moves.is_red(table), table.to_string()
    assert len(table) == 4


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_turns_the_gate_red(tmp_path, monkeypatch, fault):
    fault(monkeypatch)
    table = judged(tmp_path)
    assert set(table["state"]) <= {moves.HELD, moves.MOVED}
    assert moves.is_red(table), table.to_string()
    print(fault.__name__, (table["state"] == moves.MOVED).sum(), f"{table['used'].max():.3g}")  # noqa: T201
