"""Ranking: what is clear comes out, what is missing follows the stated rule, intervals and tests keep their word."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scmbench.benchmarks.judging.blocks import LOWEST, Rung, World, rungs
from scmbench.benchmarks.judging.contests import costs, friedman, home, needed, tau, taus, wins
from scmbench.benchmarks.judging.ranking import Draws, ranks

COLUMNS = ["dataset", "query", "metric", "model", "variant", "seed", "score"]
OBSERVATIONAL, COUNTERFACTUAL = ("observational", "mmd"), ("counterfactual", "rmse")


def scores(methods, *, worlds=8, seeds=5, question=OBSERVATIONAL, noise=0.1, stream=0, paper="p"):
    """Scores of methods by their level, with an oracle at 0 and a marginal at 10."""
    rng = np.random.default_rng(stream)
    levels = {"oracle": 0.0, "marginal": 10.0, **methods}
    lines = [
        [f"{paper}/w{w}", *question, model, "", seed, level + noise * rng.normal()]
        for w in range(worlds)
        for model, level in levels.items()
        for seed in range(seeds)
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def provenance(models, worlds=8, seeds=5, status=None, paper="p", **columns):
    roles = {"oracle": "ceiling", "marginal": "floor", "identity": "floor"}
    lines = [
        {
            **{"dataset": f"{paper}/w{w}", "model": m, "variant": "", "name": m, "role": roles.get(m, "method")},
            **{"seed": s, "status": (status or {}).get((w, m, s), "ok"), **{k: v[m] for k, v in columns.items()}},
        }
        for w in range(worlds)
        for m in ["oracle", "marginal", *models]
        for s in range(seeds)
    ]
    return pd.DataFrame(lines)


def rung(scores):
    """The blocks of scores ``(worlds, seeds, methods)`` of one question without bounds."""
    seeds, k = scores.shape[1:]
    none = np.zeros((0, seeds, k)), np.zeros((0, seeds)), np.zeros(k, dtype=int)
    each = [World(f"p/w{i}", range(seeds), stats.rankdata(x, axis=1), *none) for i, x in enumerate(scores)]
    return Rung("observational", [(m, "") for m in "abcdef"[:k]], each)


def line(table, model, rung="observational"):
    return table[(table["model"] == model) & (table["rung"] == rung)].iloc[0]


def test_clear_orders_come_out_with_narrow_intervals_and_skills_between_floor_and_ceiling():
    table = ranks(rungs(scores({"a": 1, "b": 5, "c": 9}), provenance("abc")))
    assert table["model"].tolist() == ["a", "b", "c"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table[["rank_low", "rank_high"]].to_numpy().T.tolist() == [[1, 2, 3], [1, 2, 3]]
    assert table["skill"].tolist() == pytest.approx([0.9, 0.5, 0.1], abs=0.02)
    assert (table["skill_low"] < table["skill"]).all()
    assert (table["skill"] < table["skill_high"]).all()
    assert table["best"].tolist() == [1, 0, 0]
    assert table[["worlds", "of", "seeds", "failed"]].drop_duplicates().to_numpy().tolist() == [[8, 8, 5, 0]]


def test_equal_methods_share_the_first_place():
    table = ranks(rungs(scores({"a": 1, "b": 1, "c": 1}, noise=0), provenance("abc")))
    assert table["rank"].tolist() == [2, 2, 2]
    assert table["best"].tolist() == pytest.approx([1 / 3] * 3)


def test_a_world_counts_once_however_many_questions_it_asks():
    first = scores({"a": 1, "b": 2}, worlds=1, noise=0)
    more = [first.assign(metric=metric) for metric in ("mmd", "energy", "sliced_wasserstein")]
    other = scores({"a": 2, "b": 1}, worlds=1, noise=0, paper="q")
    table = ranks(rungs(pd.concat([*more, other]), None))
    assert table.loc[table["model"].isin(["a", "b"]), "rank"].nunique() == 1


def test_errors_by_depth_and_the_first_descendant_do_not_count_beside_the_whole():
    whole = scores({"a": 1, "b": 2}, question=COUNTERFACTUAL, noise=0)
    parts = whole.assign(metric="rmse_depth1", score=-whole["score"])
    table = ranks(rungs(pd.concat([whole, parts]), provenance("ab")))
    assert line(table, "a", "counterfactual")["rank"] == 1


def test_who_does_not_answer_is_not_ranked_there_and_the_table_says_so():
    frame = scores({"a": 1, "b": 5, "c": 9}, noise=0)
    frame = frame[~((frame["model"] == "a") & frame["dataset"].isin(["p/w0", "p/w1"]))]
    table = ranks(rungs(frame, provenance("abc")))
    assert line(table, "a")[["rank", "worlds", "of"]].tolist() == [1, 6, 8]
    assert line(table, "b")["rank"] == (2 * 1 + 6 * 2) / 8
    found = friedman(rungs(frame, provenance("abc"))[0])
    assert (found.worlds, list(found.ranks)) == (6, [("a", ""), ("b", ""), ("c", "")])


@pytest.mark.parametrize("how", ["nan", "inf", "record"])
def test_a_failure_is_the_last_rank_and_the_lowest_skill(how):
    frame = scores({"a": 1, "b": 5}, worlds=1, noise=0)
    mine = frame["model"] == "a"
    if how == "record":
        frame = frame[~(mine & (frame["seed"] == 0))]
        about = provenance("ab", worlds=1, status={(0, "a", 0): "failed"})
    else:
        frame.loc[mine & (frame["seed"] == 0), "score"] = float(how)
        about = provenance("ab", worlds=1)
    (found,) = rungs(frame, about)
    world, a = found.worlds[0], found.methods.index(("a", ""))
    assert world.ranks[:, a].tolist() == [2, 1, 1, 1, 1]
    assert world.failed[a] == 1
    assert found.skills[0, a] == pytest.approx((4 * 0.9 + LOWEST) / 5)


def test_a_method_that_diverges_in_one_world_counts_its_lowest_skill_there():
    frame = scores({"a": 1, "b": 5}, worlds=2, noise=0)
    frame.loc[(frame["model"] == "a") & (frame["dataset"] == "p/w0"), "score"] = 1e9
    table = ranks(rungs(frame, provenance("ab", worlds=2)))
    assert line(table, "a")["skill"] == pytest.approx((LOWEST + 0.9) / 2)


def test_nothing_is_marked_below_five_seeds_or_five_worlds():
    for worlds, seeds, marked in ((8, 5, True), (8, 4, False), (4, 5, False)):
        (found,) = rungs(scores({"a": 1, "b": 5, "c": 9}, worlds=worlds, seeds=seeds), None)
        methods = [("a", ""), ("b", ""), ("c", "")]
        assert found.enough is marked
        assert bool(friedman(found).leads()) is marked
        assert set(methods) <= set(found.methods)


def test_friedman_and_nemenyi_are_those_of_the_textbook():
    """Demšar 2006: q(0.05) / sqrt(2) is 2.343 for three classifiers, 2.850 for six."""
    (found,) = rungs(scores({"a": 1, "b": 1.05, "c": 1.1}, worlds=14), provenance("abc", worlds=14))
    test = friedman(found)
    assert test.distance == pytest.approx(2.343 * math.sqrt(3 * 4 / (6 * 14)), abs=1e-3)
    assert test.p == pytest.approx(stats.friedmanchisquare(*found.blocks.T).pvalue)
    assert test.cliques[0][0] == next(iter(test.ranks))


def test_equal_methods_are_seldom_told_apart():
    """Ten worlds of noise: five per cent of the tests may call a difference, of 300 no more than 7 %."""
    rng, false = np.random.default_rng(4), 0
    for _ in range(300):
        test = friedman(rung(rng.normal(size=(10, 5, 4))))
        false += max(test.ranks.values()) - min(test.ranks.values()) > test.distance
    assert false <= 21


def test_wins_are_shares_of_seeds_that_add_up():
    table = wins(rungs(scores({"a": 1, "b": 1.05, "c": 5}), provenance("abc"))[0])
    square = table.to_numpy()
    assert np.allclose((square + square.T)[~np.eye(3, dtype=bool)], 1)
    assert table.loc[("a", ""), ("c", "")] == 1
    assert 0.5 < table.loc[("a", ""), ("b", "")] < 1


def test_tau_is_kendall_s_and_rungs_that_agree_have_one():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 4, (20, 6)), rng.normal(size=(20, 6))
    assert tau(x, y) == pytest.approx([stats.kendalltau(a, b).statistic for a, b in zip(x, y, strict=True)])
    methods = {"a": 1, "b": 3, "c": 5, "d": 8}
    upside = dict(zip("abcd", [8, 5, 3, 1], strict=True))
    for other, expected in ((methods, 1), (upside, -1)):
        both = pd.concat([scores(methods), scores(other, question=COUNTERFACTUAL)])
        found = taus(rungs(both, provenance("abcd"))).iloc[0]
        assert found[["tau", "low", "high", "methods"]].tolist() == [expected, expected, expected, 4]


def test_worlds_and_seeds_that_are_needed_are_those_of_the_power_that_was_promised():
    """Ranks that differ by luck of the seed alone: with the worlds asked for, t finds it in four of five."""
    rng, level = np.random.default_rng(6), np.array([0.0, 0.35])
    asked = needed(rung(level + rng.normal(size=(400, 5, 2))), ("a", ""), ("b", ""))
    assert 3 < asked.worlds < 200
    assert asked.difference < 0
    found = 0
    for _ in range(400):
        small = rung(level + rng.normal(size=(int(asked.worlds), 5, 2)))
        difference = np.array([(w.ranks[:, 0] - w.ranks[:, 1]).mean() for w in small.worlds])
        found += stats.ttest_1samp(difference, 0).pvalue < 0.05
    assert 0.72 < found / 400 < 0.88
    same = needed(rung(np.ones((3, 5, 2))), ("a", ""), ("b", ""))
    assert (same.worlds, same.seeds) == (math.inf, math.inf)


def test_more_seeds_do_not_help_where_worlds_differ():
    frame = scores({"a": 1, "b": 2}, worlds=6, noise=1e-6)
    flipped = frame["dataset"].isin(["p/w0", "p/w1"])
    frame.loc[flipped, "score"] = 10 - frame.loc[flipped, "score"]
    asked = needed(rungs(frame, provenance("ab", worlds=6))[0], ("a", ""), ("b", ""))
    assert asked.seeds == math.inf
    assert 6 < asked.worlds < 1000


def test_home_advantage_is_the_rank_at_home_minus_elsewhere():
    here, there = scores({"dcm": 1, "b": 2}, paper="dcm"), scores({"dcm": 2, "b": 1}, paper="cnf")
    about = pd.concat([provenance(["dcm", "b"], paper=paper) for paper in ("dcm", "cnf")])
    (found,) = rungs(pd.concat([here, there]), about)
    table = home(found, {("dcm", ""): "dcm", ("b", ""): "linear"})
    assert table[["model", "home", "away", "advantage", "at_home"]].to_numpy().tolist() == [["dcm", 1, 2, -1, 8]]


def test_the_front_holds_whom_nobody_cheaper_matches():
    about = provenance("abc", cpu_s={"a": 9.0, "b": 1.0, "c": 3.0, "oracle": 0.0, "marginal": 0.0})
    table = costs(rungs(scores({"a": 1, "b": 5, "c": 9}), about)[0], about)
    assert table[["model", "front"]].to_numpy().tolist() == [["b", True], ["c", False], ["a", True]]


def test_the_same_draws_serve_every_rung_and_call():
    both = pd.concat([scores({"a": 1, "b": 2}), scores({"a": 1, "b": 2}, question=COUNTERFACTUAL)])
    found = rungs(both, provenance("ab"))
    first, second = Draws.of(found, 50), Draws.of(found, 50)
    for name, drawn in first.drawn.items():
        assert np.array_equal(drawn, second.drawn[name])
    assert ranks(found, draws=50).equals(ranks(found, draws=50))
    assert ranks([]).empty
    assert rungs(both.iloc[:0], None) == []
