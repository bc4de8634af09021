"""Skill: 1 at the ceiling, 0 at the floor, undefined where nothing lies between, intervals that keep their word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.judging.intervals import mean_test
from scmbench.benchmarks.judging.skill import UNDEFINED, defined, fieller, parts, skills

COUNTERFACTUAL = ("counterfactual", "rmse")
OBSERVATIONAL = ("observational", "mmd")


def frame(question, scores):
    query, metric = question
    return pd.DataFrame(
        [
            ["w", query, metric, model, "", seed, float(x)]
            for model, values in scores.items()
            for seed, x in enumerate(values)
        ],
        columns=["dataset", "query", "metric", "model", "variant", "seed", "score"],
    )


def of(table, model):
    return table[table["model"] == model].iloc[0]


def test_the_ends_are_one_and_zero_and_worse_than_the_floor_is_negative():
    rng = np.random.default_rng(0)
    marginal, oracle = 1 + 0.1 * rng.normal(size=5), 0.1 * rng.normal(size=5)
    table = skills(
        frame(OBSERVATIONAL, {"marginal": marginal, "oracle": oracle, "half": (marginal + oracle) / 2, "bad": [3] * 5})
    )
    assert of(table, "oracle")[["skill", "low", "high"]].tolist() == pytest.approx([1, 1, 1])
    assert of(table, "marginal")[["skill", "low", "high"]].tolist() == pytest.approx([0, 0, 0])
    assert of(table, "half")[["skill", "low", "high"]].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert of(table, "bad")["high"] < 0
    assert set(table["state"]) == {"ok"}


def test_counterfactuals_are_measured_from_the_posterior_mean_and_the_better_floor():
    scores = {"oracle": [0] * 5, "posterior": [1] * 5, "marginal": [5] * 5, "identity": [3] * 5, "m": [2] * 5}
    line = of(skills(frame(COUNTERFACTUAL, scores)), "m")
    assert (line["ceiling"], line["floor"], line["skill"]) == ("posterior", "identity", 0.5)
    del scores["posterior"]
    assert of(skills(frame(COUNTERFACTUAL, scores)), "m")["skill"] == pytest.approx(1 / 3)


def test_bounds_are_found_by_the_registry_s_name_whatever_their_label():
    scores = frame(OBSERVATIONAL, {"truth": [0] * 5, "nothing": [2] * 5, "oracle": [1] * 5})
    names = {"truth": "oracle", "nothing": "marginal", "oracle": "linear"}
    provenance = pd.DataFrame([{"model": m, "variant": "", "name": name} for m, name in names.items()])
    line = of(skills(scores, provenance), "oracle")
    assert (line["ceiling"], line["floor"], line["skill"]) == ("truth", "nothing", 0.5)


def test_where_the_floor_is_as_good_as_the_oracle_there_is_no_skill():
    same = {"oracle": [0.0] * 5, "marginal": [0.0] * 5, "m": [1.0] * 5}
    assert of(skills(frame(OBSERVATIONAL, same)), "m")["state"] == UNDEFINED
    rng = np.random.default_rng(1)
    noise = {"oracle": rng.normal(size=5), "marginal": rng.normal(size=5) + 1e-3, "m": [1.0] * 5}
    line = of(skills(frame(OBSERVATIONAL, noise)), "m")
    assert line["state"] == UNDEFINED
    assert np.isnan(line[["skill", "low", "high"]].to_numpy(dtype=float)).all()
    # `resample` replays the world's own rows, so that the observational rung has no scale left.
    better = {"oracle": [0.0] * 5, "marginal": [1.0] * 5, "resample": [0.0] * 5, "m": [0.5] * 5}
    assert of(skills(frame(OBSERVATIONAL, better)), "m")["state"] == UNDEFINED
    assert of(skills(frame(OBSERVATIONAL, better), floors=["marginal"]), "m")["skill"] == 0.5


def test_without_a_ceiling_or_a_floor_there_is_nothing_to_say():
    assert skills(frame(OBSERVATIONAL, {"oracle": [0] * 5, "m": [1] * 5})).empty
    assert skills(frame(OBSERVATIONAL, {"marginal": [1] * 5, "m": [0] * 5})).empty
    assert skills(frame(OBSERVATIONAL, {})).empty


def test_higher_is_better_turns_the_scale():
    scores = frame(("counterfactual", "hits"), {"oracle": [1] * 5, "marginal": [0] * 5, "m": [0.8] * 5})
    line = of(skills(scores, higher={("counterfactual", "hits")}), "m")
    assert line["skill"] == pytest.approx(0.8)


def test_few_seeds_are_said_and_one_seed_has_no_interval():
    scores = {"oracle": [0.0, 0.1], "marginal": [1.0, 1.2], "m": [0.5, 0.4]}
    line = of(skills(frame(OBSERVATIONAL, scores)), "m")
    assert line["state"] == "too few seeds"
    assert line["low"] < line["skill"] < line["high"]
    one = of(skills(frame(OBSERVATIONAL, {k: v[:1] for k, v in scores.items()})), "m")
    assert (one["skill"], one["low"], one["high"], one["n"]) == (0.5, -np.inf, np.inf, 1)


def test_seeds_that_are_not_common_do_not_count():
    scores = {"oracle": [0, 0, 0, 0, 0], "marginal": [2, 2, 2, 2, np.nan], "m": [1, 1, np.nan, np.inf, 5]}
    found = parts(frame(OBSERVATIONAL, scores))
    assert found[found["model"] == "m"]["seed"].tolist() == [0, 1]


def test_fieller_s_ends_are_where_student_s_t_begins_to_tell_the_difference():
    rng = np.random.default_rng(2)
    for n in (2, 3, 5, 20):
        gap = 50 + rng.normal(size=n)
        gain = 0.7 * gap + rng.normal(size=n)
        value, low, high = fieller(gain, gap)
        assert low < value < high
        for end in (low, high):
            assert mean_test(gain - end * gap)[3] == pytest.approx(0.05, abs=1e-6)


def test_fieller_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(2000):
        gap = 2 + 0.5 * rng.normal(size=5)
        _, low, high = fieller(1.6 + 0.3 * rng.normal(size=5), gap)
        hits += low <= 0.8 <= high
    assert 0.935 < hits / 2000 < 0.965


def test_a_gap_that_is_not_told_from_zero_is_no_scale():
    assert not defined(np.array([0.0, 0.0]))
    assert not defined(np.array([-1.0, -1.1]))
    assert not defined(np.array([5.0, -4.0, 3.0, -3.0, 1.0]))
    assert defined(np.array([5.0, 4.0, 3.0, 3.0, 1.0]))
    assert fieller(np.array([1.0, 1.0]), np.array([1.0, -0.5]))[1:] == (-np.inf, np.inf)
