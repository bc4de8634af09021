"""The figures of the page on open questions: drawn from the committed runs, named on the page, nothing overprinted."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from overprinting import wrong_with

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import question_figures
from queries import run
from scmbench.benchmarks.judging.mechanisms import mechanisms, split
from scmbench.benchmarks.suites import suite as suites

PAGE = Path(question_figures.__file__).with_name("theory.md").read_text(encoding="utf-8")
DRAWN = {
    "instrument": lambda: question_figures.instrument(mechanisms(run("theory").rows)),
    "split": lambda: question_figures.parts(split(mechanisms(run("theory").rows), run("theory").provenance)),
    "confounding": lambda: question_figures.confounding(run("confounding").rows),
    "inversion": lambda: question_figures.inversion(run("inversion").rows),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_says_what_it_shows_and_nothing_lies_over_another(name, monkeypatch):
    figure = DRAWN[name]()
    assert figure.get_label()
    assert {what: found for what, found in wrong_with(figure, monkeypatch).items() if found} == {}


def test_the_page_shows_what_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(question_figures, "OUT", tmp_path)
    question_figures.main()
    shown = set(re.findall(r"numbers/questions/figures/(\w+)\.png", PAGE))
    assert shown == set(DRAWN) == {path.stem for path in tmp_path.glob("*.png")}


def test_every_world_of_the_suite_stands_in_one_panel():
    named = [world for worlds in question_figures.GROUPS.values() for world in worlds]
    assert sorted(named) == sorted(suites.load("theory").datasets)
