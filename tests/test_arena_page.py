"""Which method when: tables from ranks that are known, the README's block, and a plain sentence without a run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import arena
import shown
from ranked import METHODS, RUNG
from scmbench.benchmarks.judging.blocks import RUNGS
from scmbench.benchmarks.judging.where import Where
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets.attributes import attributes

PAGE = Path(arena.__file__).with_name("arena.md").read_text(encoding="utf-8")


def test_a_group_has_the_worlds_that_meet_its_condition():
    names = {name: [w.name for w in arena.within(RUNG, text).worlds] for name, text in arena.GROUPS.items()}
    assert names["all worlds"] == [w.name for w in RUNG.worlds]
    assert names["worlds of papers"] == ["dcm/chain/nlin"]
    assert names["linear mechanisms"] == ["drawn/10/2/linear/heavy"]
    assert names["effects not monotone in the noise"] == []


def test_one_that_is_surely_best_is_bold_and_who_cannot_be_is_left_out():
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in arena.ahead(RUNG).splitlines()[2:]]
    told = {line[0]: line[1:] for line in lines if line[0]}
    assert told["linear mechanisms"] == ["**`linear`**", "1", "1.0", "−1.00 [−1.00, −1.00]", "100 %"]
    assert told["additive noise"] == ["**`nsf`**", "1", "1.0", "0.50 [0.50, 0.50]", "100 %"]
    everywhere = lines[: next(i for i, line in enumerate(lines) if line[0] == "worlds of papers")]
    assert [line[1] for line in everywhere] == ["`nsf`", "`linear`"]  # two of three worlds, one of three; dcm never
    assert everywhere[1][0] == everywhere[1][2] == ""
    assert "effects not monotone in the noise" not in told


def test_a_budget_buys_the_best_of_those_that_it_pays_for():
    names = [w.name for w in RUNG.worlds]
    rows = [(name, m, v, s) for name in names for (m, v), s in zip(METHODS, (9.0, 90.0, 0.5), strict=True)]
    provenance = pd.DataFrame(rows, columns=["dataset", "model", "variant", "cpu_s"])
    lines = arena.budget({"counterfactual": RUNG}, provenance).splitlines()[2:]
    assert lines == ["| `linear` | 0.500 | 2.3 |", "| `nsf` | 9.00 | 1.7 |"]  # dcm costs more and ranks no better


def test_the_short_table_names_them_by_rung(monkeypatch):
    monkeypatch.setattr(arena, "there", lambda suite: True)
    monkeypatch.setattr(arena, "rungs", lambda suite: {"counterfactual": RUNG})
    assert arena.short() == arena.INTRODUCTION + arena.best()
    lines = arena.best().splitlines()
    assert lines[0] == "| worlds | counterfactual |"
    assert "| all worlds | `nsf`, `linear` |" in lines
    assert not any("monotone" in line for line in lines)


def test_the_readme_says_what_the_committed_run_says():
    text = arena.README.read_text(encoding="utf-8")
    assert text == arena.BLOCK.written(text), "python docs/arena.py --write writes it"


def test_without_a_run_every_table_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shown.committed, "folder", lambda name: tmp_path / name)
    monkeypatch.setattr(arena, "OUT", tmp_path / "tables")
    arena.main()
    written = {path.stem: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert written == dict.fromkeys([*RUNGS, arena.BUDGET], shown.not_run("arena"))
    assert set(re.findall(r'numbers/which/tables/(\w+)\.md"', PAGE)) == {*written, "learning", "leading"}
    assert arena.short() == arena.UNKNOWN


@pytest.mark.parametrize("condition", arena.GROUPS.values(), ids=list(arena.GROUPS))
def test_every_group_has_worlds_in_the_suite(condition):
    assert arena.SUITE in shelf.names()
    where = Where(condition)
    assert any(arena._meets(where, name) for name in suites.load(arena.SUITE).datasets)
    assert where.names <= set(attributes("drawn/5/2/gp/additive"))
