"""Tolerances come from measurement: of cells, of drifts; they are kept, extended, and refused where they are none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.gate import moves, pooled, tolerance
from scmbench.benchmarks.judging.cells import CELL
from scmbench.benchmarks.records.committed import CommittedError
from scmbench.benchmarks.records.results import Results

NOWHERE = Path("no folder")
DATASETS, SEEDS = [f"dcm/{name}" for name in "abcde"], range(3)


def scores(
    model: str = "m", factor: float = 1.0, datasets=DATASETS, noise: float = 0.0, stream: int = 0
) -> pd.DataFrame:
    """Scores of 1 times `factor`, up and down by `noise`."""
    eps = np.random.default_rng(stream).standard_normal((len(datasets), len(SEEDS)))
    lines = [
        (dataset, "observational", "mmd", model, "", seed, factor * (1 + noise * eps[i, seed]))
        for i, dataset in enumerate(datasets)
        for seed in SEEDS
    ]
    return pd.DataFrame(lines, columns=[*CELL, "seed", "score"])


BEFORE = scores()
RUNS = {f"run {i}": scores(noise=0.05, stream=i) for i in range(8)}
CELLS = tolerance.measure(BEFORE, RUNS)


def judged(now: pd.DataFrame, drifts: pd.DataFrame) -> dict:
    return pooled.judge(moves.moves(now, BEFORE), CELLS, drifts).iloc[0].to_dict()


def test_many_small_moves_of_one_sign_are_red_where_as_many_of_either_sign_are_not():
    drifts = tolerance.drifting(CELLS, BEFORE, tolerance.known(NOWHERE).pooled, RUNS)
    assert drifts["how"].tolist() == [pooled.MEASURED]
    small = 0.6 * CELLS["tolerance"].min()
    for sign in (-1, 1):
        now = scores(factor=1 + sign * small)
        assert not moves.is_red(moves.judge(moves.moves(now, BEFORE), CELLS))
        assert judged(now, drifts)["state"] == pooled.DRIFTED
        assert judged(now, drifts)["drift"] * sign > 0
    turned = scores(factor=1 + small)
    turned.loc[::2, "score"] = 1 - small
    assert judged(turned, drifts)["state"] == pooled.HELD


def test_a_drift_that_was_not_measured_is_bounded_by_the_moves_of_its_cells():
    empty = tolerance.known(NOWHERE).pooled
    bound = tolerance.drifting(CELLS, BEFORE, empty, {}).iloc[0]
    exact = tolerance.drifting(CELLS, BEFORE, empty, RUNS).iloc[0]
    assert bound["how"] == pooled.BOUNDED
    for run in RUNS:
        assert abs(exact[run]) <= bound[run]
    assert pooled.loose(bound.to_frame().T) == [("m", "")]
    assert pooled.loose(exact.to_frame().T) == []


def test_a_drift_of_nothing_may_move_by_the_floor_and_one_without_tolerance_or_bound_is_red():
    still = {"plain": BEFORE}
    cells = tolerance.measure(BEFORE, still)
    drifts = tolerance.drifting(cells, BEFORE, tolerance.known(NOWHERE).pooled, still)
    assert drifts["tolerance"].tolist() == [pooled.FLOOR]
    now = moves.moves(scores(factor=1 + 2e-4), BEFORE)
    assert pooled.judge(now, cells, drifts)["state"].tolist() == [pooled.DRIFTED]
    assert pooled.judge(now, cells, drifts.iloc[:0])["state"].tolist() == [pooled.UNMEASURED]
    infinite = moves.moves(scores(factor=math.inf), BEFORE).assign(move=[math.inf, -math.inf, *[0.0] * 13])
    assert pooled.judge(infinite, cells, drifts)["state"].tolist() == [pooled.DRIFTED]


def test_a_part_of_a_group_is_not_pooled():
    drifts = tolerance.drifting(CELLS, BEFORE, tolerance.known(NOWHERE).pooled, RUNS)
    part = moves.moves(scores(factor=2, datasets=DATASETS[:2]), scores(datasets=DATASETS[:2]))
    assert pooled.judge(part, CELLS, drifts)["state"].tolist() == [pooled.PART]


def test_cells_keep_their_numbers_when_others_are_measured():
    before = pd.concat([BEFORE, scores("new")], ignore_index=True)
    assert tolerance.lacking(before, CELLS) == [("new", "")]
    fresh = pd.concat([RUNS["run 0"], scores("new", noise=0.01)], ignore_index=True)
    both = tolerance.extended(CELLS, tolerance.measure(before, {"run 0": fresh}), before)
    assert tolerance.lacking(before, both) == []
    kept = both[both["model"] == "m"].merge(CELLS, on=CELL)
    assert (kept["tolerance_x"] == kept["tolerance_y"]).all()
    gone = tolerance.extended(both, both.iloc[:0], scores("new"))
    assert set(gone["model"]) == {"new"}


def test_a_drift_is_measured_again_when_its_group_grows():
    old = tolerance.drifting(CELLS, BEFORE, tolerance.known(NOWHERE).pooled, RUNS)
    again = tolerance.drifting(CELLS, BEFORE, old, {})
    assert again["tolerance"].tolist() == old["tolerance"].tolist()
    grown = scores(datasets=[*DATASETS, "dcm/f"])
    cells = tolerance.measure(grown, {"plain": grown})
    assert tolerance.drifting(cells, grown, old, {})["how"].tolist() == [pooled.BOUNDED]


@pytest.fixture
def folder(tmp_path):
    drifts = tolerance.drifting(CELLS, BEFORE, tolerance.known(NOWHERE).pooled, RUNS)
    where = Results(pd.DataFrame(), pd.DataFrame({"packages": ["torch 2.13.0"] * 2, "model": "m"}), pd.DataFrame())
    tolerance.write(tmp_path, tolerance.Tolerances(CELLS, drifts), pd.DataFrame({"run": ["plain"]}), {"plain": where})
    return tmp_path


def test_tolerances_come_back_and_say_what_is_missing(folder, tmp_path_factory):
    about = json.loads((folder / tolerance.ABOUT).read_text())["measurements"]
    assert [e["packages"] for e in about[0]["environments"]] == ["torch 2.13.0"]
    assert (about[0]["runs"], about[0]["methods"]) == (["plain"], ["m"])
    found = tolerance.read(folder)
    assert found.cells["tolerance"].tolist() == pytest.approx(CELLS["tolerance"].tolist(), rel=1e-2)
    assert found.pooled["moves"].tolist() == [15]
    with pytest.raises(CommittedError, match=r"no tolerances: .*tolerances\.csv is missing"):
        tolerance.read(tmp_path_factory.mktemp("empty"))
    (folder / tolerance.POOLED).unlink()
    with pytest.raises(CommittedError, match=r"no tolerances: .*pooled\.csv is missing"):
        tolerance.read(folder)
    (folder / tolerance.TABLE).write_text("dataset,query\n")
    with pytest.raises(CommittedError, match="not a table of tolerances"):
        tolerance.read(folder)


@pytest.mark.parametrize("name", [tolerance.TABLE, tolerance.POOLED])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "", "0", "-0.1", "1e999"])
def test_a_tolerance_that_is_no_positive_finite_number_is_refused(folder, name, value):
    table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    table.loc[0, "tolerance"] = value
    table.to_csv(folder / name, index=False)
    with pytest.raises(CommittedError, match=rf"{name}: .*observational.* is no positive finite number") as refused:
        tolerance.read(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [tolerance.TABLE, tolerance.POOLED])
def test_a_tolerance_that_its_moves_do_not_give_is_refused_and_so_is_a_second_one(folder, name):
    before = (folder / name).read_text()
    table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    table.loc[0, "tolerance"] = "5.0"
    table.to_csv(folder / name, index=False)
    with pytest.raises(CommittedError, match=r"the tolerance 5\.0 is not .*, what its moves give"):
        tolerance.read(folder)
    (folder / name).write_text(before + before.splitlines()[1] + "\n")
    with pytest.raises(CommittedError, match="is there twice"):
        tolerance.read(folder)
    (folder / name).write_text(before.replace(before.splitlines()[1].split(",")[-1], "many"))
    with pytest.raises(CommittedError, match="not a table of tolerances"):
        tolerance.read(folder)
