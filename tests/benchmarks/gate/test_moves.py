"""The gate's arithmetic: moves, states, verdicts that change, tolerances, what GitHub is told."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.gate import exact, github, moves, pooled, tolerance
from scmbench.benchmarks.gate.judgement import Judgement
from scmbench.benchmarks.judging.cells import CELL

A = ("dcm/y/nlin", "observational", "mmd", "dcm", "reference")
B = ("dcm/y/nlin", "counterfactual", "mse_first", "dcm", "reference")


def scores(**cells) -> pd.DataFrame:
    """Scores by seed of the cells A and B."""
    lines = [(*key, seed, s) for name, key in (("a", A), ("b", B)) for seed, s in enumerate(cells.get(name, ()))]
    return pd.DataFrame(lines, columns=[*CELL, "seed", "score"]).astype({"score": float})


def tolerances(**cells) -> pd.DataFrame:
    lines = [(*key, cells[name]) for name, key in (("a", A), ("b", B)) if name in cells]
    return pd.DataFrame(lines, columns=[*CELL, "tolerance"])


def judged(now, before, allowed):
    return moves.judge(moves.moves(now, before), allowed).set_index("query")


def test_a_move_is_relative_to_the_committed_score_or_to_the_typical_one_where_that_is_larger():
    moved = moves.moves(scores(a=[1.1, 0.01, 2.2]), scores(a=[1.0, 0.0, 2.0]))
    assert moved["move"].tolist() == pytest.approx([0.1, 0.01, 0.1])


def test_zeros_that_stay_have_not_moved_and_zeros_that_go_have_moved_without_bound():
    moved = moves.moves(scores(a=[0.0, 0.0], b=[1e-30, 0.0]), scores(a=[0.0, 0.0], b=[0.0, 0.0]))
    assert moved.set_index(["query", "seed"])["move"].to_dict() == {
        ("observational", 0): 0.0,
        ("observational", 1): 0.0,
        ("counterfactual", 0): math.inf,
        ("counterfactual", 1): 0.0,
    }


def test_negative_scores_have_moves_too():
    assert moves.moves(scores(a=[-1.0, 3.0]), scores(a=[-2.0, 2.0]))["move"].tolist() == pytest.approx([0.5, 0.5])


def test_a_cell_holds_up_to_its_tolerance_and_not_beyond():
    before, allowed = scores(a=[1.0, 1.0], b=[1.0, 1.0]), tolerances(a=0.1, b=0.1)
    table = judged(scores(a=[1.0, 1.0999], b=[1.0, 0.8999]), before, allowed)
    assert table["state"].to_dict() == {"observational": moves.HELD, "counterfactual": moves.MOVED}
    assert table.loc["counterfactual", ["seed", "committed", "score", "tolerance"]].tolist() == [1, 1.0, 0.8999, 0.1]
    assert table.loc["observational", "used"] == pytest.approx(0.999)


@pytest.mark.parametrize("gone", [[1.0], [1.0, math.nan], [1.0, math.inf]])
def test_a_score_that_is_no_longer_there_is_lost(gone):
    table = judged(scores(a=gone), scores(a=[1.0, 1.0]), tolerances(a=0.1))
    assert table["state"].tolist() == [moves.LOST]
    assert table["seed"].tolist() == [1]


def test_a_cell_that_was_lost_whole_is_lost():
    table = judged(scores(a=[1.0]), scores(a=[1.0], b=[1.0]), tolerances(a=0.1, b=0.1))
    assert table["state"].to_dict() == {"observational": moves.HELD, "counterfactual": moves.LOST}


@pytest.mark.parametrize("before", [{"a": [1.0]}, {"b": [1.0]}])
def test_a_score_without_a_committed_one_is_unknown(before):
    table = judged(scores(a=[1.0, 1.0]), scores(**before), tolerances(a=0.1, b=0.1))
    assert table.loc["observational", "state"] == moves.UNKNOWN


def test_a_cell_without_a_tolerance_is_unmeasured_not_free():
    assert judged(scores(a=[1.0]), scores(a=[1.0]), tolerances())["state"].tolist() == [moves.UNMEASURED]


def test_every_state_but_held_is_red_and_so_is_nothing():
    for state in (moves.HELD, *moves.RED):
        assert moves.is_red(pd.DataFrame({"state": [moves.HELD, state]})) is (state != moves.HELD)
        assert (state in moves.WHY) is (state != moves.HELD)
    assert moves.is_red(judged(scores(), scores(), tolerances()).reset_index())


def words(**cells) -> pd.DataFrame:
    lines = [("paper", *key, cells[name]) for name, key in (("a", A), ("b", B)) if name in cells]
    return pd.DataFrame(lines, columns=["published", *CELL, "verdict"])


def test_a_verdict_that_changes_is_told_whether_it_fell_or_rose():
    before = words(a="reproduced", b="worse")
    assert moves.changed_verdicts(before, before).empty
    risen = moves.changed_verdicts(words(a="reproduced", b="reproduced"), before)
    assert risen[["query", "before", "verdict"]].to_numpy().tolist() == [["counterfactual", "worse", "reproduced"]]
    assert moves.changed_verdicts(words(a="close", b="worse"), before)["verdict"].tolist() == ["close"]
    assert moves.changed_verdicts(words(b="worse"), before)["verdict"].tolist() == [moves.NOT_JUDGED]
    assert moves.changed_verdicts(before, words(b="worse"))["before"].tolist() == [moves.NOT_JUDGED]


def test_a_tolerance_is_a_multiple_of_the_largest_harmless_move_and_never_nothing():
    before = scores(a=[1.0, 2.0], b=[1.0, 1.0])
    runs = {"x": scores(a=[1.01, 2.0], b=[1.0, 1.0]), "y": scores(a=[1.0, 1.94], b=[1.0, 1.0])}
    table = tolerance.measure(before, runs).set_index("query")
    assert table.loc["observational", "tolerance"] == pytest.approx(tolerance.FACTOR * 0.03)
    assert table.loc["observational", ["x", "y"]].tolist() == pytest.approx([0.01 / 1.5, 0.03])
    assert table.loc["counterfactual", "tolerance"] == tolerance.FLOOR


def test_what_fails_under_a_harmless_variation_gets_no_tolerance():
    with pytest.raises(ValueError, match=r"'x' lacks 1 score\(s\), first dcm/y/nlin observational .* 1"):
        tolerance.measure(scores(a=[1.0, 1.0]), {"x": scores(a=[1.0, np.nan])})


@pytest.fixture
def red():
    now, before = scores(a=[1.0, 1.5], b=[1.0]), scores(a=[1.0, 1.0], b=[1.0, 1.0])
    moved, allowed = moves.moves(now, before), tolerances(a=0.1, b=0.1)
    drifts = pooled.drifts(moved, allowed).assign(tolerance=0.5, how=pooled.MEASURED)
    differs = pd.DataFrame([["dcm (reference)", "options.lr", "0.1", "0.2"]], columns=exact.COLUMNS)
    verdicts = moves.changed_verdicts(words(a="close"), words(a="reproduced"))
    return Judgement(moves.judge(moved, allowed), pooled.judge(moved, allowed, drifts), differs, verdicts)


def test_everything_red_is_told_in_words(red):
    assert red.red
    assert list(red.messages()) == [
        "dcm (reference): options.lr was 0.1, is now 0.2",
        f"dcm/y/nlin, counterfactual mse_first, dcm (reference): {moves.WHY[moves.LOST]} (seed 1)",
        "dcm/y/nlin, observational mmd, dcm (reference): seed 1 moved by +50% (1 to 1.5), tolerance 10%",
        "dcm (reference), observational: 2 moves drifted by +250% of their tolerances, 50% allowed",
        "dcm/y/nlin observational mmd dcm reference: was reproduced against paper, is now close",
    ]


@pytest.mark.parametrize("part", ["cells", "drifts", "exact", "verdicts"])
def test_each_part_alone_is_red(red, part):
    before, allowed = scores(a=[1.0, 1.0]), tolerances(a=0.1)
    moved = moves.moves(before, before)
    drifts = pooled.drifts(moved, allowed).assign(tolerance=0.5, how=pooled.MEASURED)
    green = Judgement(moves.judge(moved, allowed), pooled.judge(moved, allowed, drifts), red.exact.iloc[:0])
    assert not green.red
    assert not list(green.messages())
    assert replace(green, **{part: getattr(red, part)}).red


def test_github_is_told_in_its_own_language_and_nobody_else(red, tmp_path, capsys):
    github.write(red, environment={})
    assert capsys.readouterr().out == ""
    page = tmp_path / "summary.md"
    github.write(red, environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)})
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == (
        "::error title=A reproduced number moved::dcm/y/nlin, observational mmd, dcm (reference): "
        "seed 1 moved by +50%25 (1 to 1.5), tolerance 10%25"
    )
    assert page.read_text().count("\n- dcm") == 5


def test_github_shows_ten_annotations_so_the_tenth_counts_the_rest():
    told = list(github.commands([f"cell {i}" for i in range(30)]))
    assert len(told) == 10
    assert told[-1].startswith("::error title=21 more moved::")
