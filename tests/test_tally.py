"""The README's table of verdicts by paper is what the committed runs say, and says what was not run."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
import tally
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites


def test_the_readme_says_what_the_committed_runs_say():
    text = tally.README.read_text(encoding="utf-8")
    assert text == tally.BLOCK.written(text), "python docs/tally.py --write writes it"


def test_every_published_cell_is_told_once():
    rows = [line.strip("| \n").split(" | ") for line in tally.table().splitlines()[2:]]
    told = {(numbers.name, suite): len(numbers.cells) for numbers, suite in tally.judged()}
    assert {name for name, _ in told} == set(published.names())
    assert len(told) == len(rows)
    for (_, suite, cells, words), ((_, name), count) in zip(rows, told.items(), strict=True):
        assert (suite, int(cells)) == (f"`{name}`", count)
        assert words == "not run" or sum(int(part.split()[0]) for part in words.split(", ")) == count


def test_what_shows_published_numbers_without_comparing_is_left_out():
    assert {name for name in shelf.names() if suites.load(name).published} == tally.MEANINGLESS | {
        suite for _, suite in tally.judged()
    }


def write(folder, *words):
    (folder / "ccnf").mkdir()
    lines = ["published,dataset,query,metric,model,variant,verdict", *(f"ccnf,a,q,m,nsf,,{word}" for word in words)]
    (folder / "ccnf" / "verdicts.csv").write_text("\n".join([*lines, "other,a,q,m,nsf,,worse"]) + "\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["not run"] * 14, "not run"),
        ([], "not run"),
        (["close", "reproduced", "reproduced"], "2 reproduced, 1 close, 11 not run"),
        (["failed", *["worse"] * 13], "13 worse, 1 failed"),
    ],
)
def test_a_run_is_told_by_its_verdicts_and_cells_without_one_are_not_run(tmp_path, words, told):
    write(tmp_path, *words)
    assert tally.in_words(tally.verdicts(published.load("ccnf"), "ccnf", tmp_path)) == told


def test_without_a_run_there_is_nothing_to_tell(tmp_path):
    assert tally.verdicts(published.load("ccnf"), "ccnf", tmp_path) is None
    assert tally.in_words(Counter()) == ""


def test_a_page_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="expected the marks"):
        tally.BLOCK.written("# scmbench\n")
