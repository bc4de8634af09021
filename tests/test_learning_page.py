"""Learning curves: the table and figure from rows that are known, the suite's sizes, and a sentence without a run."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from overprinting import wrong_with

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import learning
import shown
from ranked import RUNG, world
from scmbench.benchmarks.suites import suite as suites

PAGE = Path(learning.__file__).with_name("arena.md").read_text(encoding="utf-8")
SIZES = (250, 1000, 5000, 20000)


def name_of(base: str, size: int) -> str:
    return base if size == 5000 else f"sized/{size}/{base}"


def scores() -> pd.DataFrame:
    errors = {"nsf": 8.0, "dcm": 4.0, "oracle": 0.0, "marginal": 16.0, "identity": 32.0}
    return pd.DataFrame(
        [
            (name_of(base, size), model, None, seed, query, metric, "x", (1 + seed) * error * (250 / size) ** slope)
            for base in ("dcm/chain/nlin", "drawn/5/2/gp/additive")
            for size in SIZES
            for query, metric in learning.ERRORS.values()
            for seed in range(3)
            for model, error in errors.items()
            for slope in ([0.5] if model in ("nsf", "dcm") else [0])
        ],
        columns=["dataset", "model", "variant", "seed", "query", "metric", "node", "score"],
    )


def test_a_line_has_the_median_at_every_number_of_rows():
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in learning.errors(scores()).splitlines()]
    assert lines[0][3:] == ["250 rows", "1,000 rows", "5,000 rows", "20,000 rows"]
    (dcm,) = (x for x in lines if x[:3] == ["rows, RMSE", "dcm/chain/nlin", "dcm"])
    assert dcm[3:] == ["8.00", "4.00", "1.79", "0.894"]
    assert not any(x[0] == "rows, RMSE" and x[2] == "oracle" for x in lines), "an error of nought says nothing"


def test_who_leads_is_said_size_by_size(monkeypatch):
    worlds = [world("sized/250/dcm/chain/nlin", [3, 2, 1]), world("dcm/chain/nlin", [1, 2, 3])]
    rung = replace(RUNG, worlds=worlds)
    monkeypatch.setattr(learning, "rungs", lambda suite: {"counterfactual": rung})
    assert learning.leading().splitlines()[2:] == ["| 250 | **`linear`** |", "| 5,000 | **`nsf`** |"]


def test_the_figure_says_what_it_shows_and_nothing_lies_over_another(monkeypatch):
    figure = learning.curves(scores())
    assert "training rows" in figure.get_label()
    assert {what: found for what, found in wrong_with(figure, monkeypatch).items() if found} == {}
    first = figure.axes[0]
    assert first.get_title() == "dcm/chain/nlin"
    curves = [line for line in first.lines if line.get_marker() not in ("None", None)]
    assert [list(line.get_xdata()) for line in curves] == [list(SIZES)] * 2


def test_the_suite_asks_every_world_at_every_size():
    asked = {learning.world_and_rows(name) for name in suites.load(learning.SUITE).datasets}
    worlds = {base for base, _ in asked}
    assert asked == {(base, size) for base in worlds for size in SIZES}
    assert worlds <= set(suites.load("arena").datasets), "the arena knows them at the protocol's own size"


@pytest.mark.parametrize("run", [False, True])
def test_the_page_shows_what_is_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "HERE", tmp_path)
    monkeypatch.setattr(learning, "there", lambda suite: run)
    monkeypatch.setattr(learning, "leading", lambda: "")
    monkeypatch.setattr(learning, "run", lambda suite: type("Run", (), {"rows": scores()}))
    learning.main()
    written = {path.stem: path.read_text() for path in (tmp_path / "tables").iterdir()}
    assert set(written) == {"learning", "leading"}
    assert all(f'which/tables/{name}.md"' in PAGE for name in written)
    assert run or set(written.values()) == {shown.not_run("learning")}
    assert [p.stem for p in sorted(tmp_path.glob("figures/*.png"))] == (["learning"] if run else [])
    assert set(re.findall(r"numbers/which/figures/(\w+)\.png", PAGE)) <= {"learning"}
