"""Code of a notebook: another cell is another version, with or without a source that is kept; a comment is none."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType

import pytest
from scmbench import datasets
from scmbench.benchmarks.running import code, fingerprint, sessions

CELL = """
from scmbench.models import CausalModel

def helper(x):
    return x + 1

class Mine(CausalModel):
    rate = 0.5

    @property
    def waives(self):
        return {}

    @staticmethod
    def half(x):
        return x / 2

    def _fit(self, graph, data, *, seed):
        pass

    def _sample(self, n, forced, *, seed):
        return {node: helper(n) for node in forced}
"""


@pytest.fixture(params=[True, False], ids=["kept", "not kept"])
def session(request, monkeypatch):
    """A function that runs a cell as the module `__main__`; its source is kept as by IPython, or lost as by Python."""
    main, count = ModuleType("__main__"), 0
    monkeypatch.setitem(sys.modules, "__main__", main)

    def run(text):
        nonlocal count
        count += 1
        name = f"<cell {count}>"
        exec(compile(text, name, "exec"), vars(main))
        if request.param:
            monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(True), name))
        return main

    return run


def test_what_is_defined_is_told_by_name_and_nothing_that_was_imported(session):
    told = dict(sessions.definitions(session(CELL)))
    assert {"helper", "Mine", "Mine.rate", "Mine.half", "Mine._fit", "Mine._sample", "Mine.waives.waives"} <= set(told)
    assert told["Mine.rate"] == "0.5"
    assert not any("CausalModel" in name for name in told)


EDITS = [("x + 1", "x + 2"), ("0.5", "0.4"), ("return {}", "return {1: 2}"), ("x / 2", "x / 3"), ("pass", "self.a = 1")]


@pytest.mark.parametrize(("old", "new"), EDITS)
def test_a_cell_that_is_run_again_with_another_text_is_another_version(session, old, new):
    world = datasets.get("check/sine")
    first = session(CELL).Mine
    before = fingerprint.of_model(first), code.of(first, world)
    again = session(CELL).Mine
    assert (fingerprint.of_model(again), code.of(again, world)) == before
    edited = session(CELL.replace(old, new)).Mine
    after = fingerprint.of_model(edited), code.of(edited, world)
    assert [a != b for a, b in zip(after, before, strict=True)] == [True, True]


def test_a_comment_is_no_other_version_and_a_method_put_in_later_is(session):
    before = fingerprint.of_model(session(CELL).Mine)
    assert fingerprint.of_model(session(CELL.replace("pass", "pass  # nothing")).Mine) == before
    main = session("def _fit(self, graph, data, *, seed):\n    self.more = 1\nMine._fit = _fit\n")
    assert fingerprint.of_model(main.Mine) != before
