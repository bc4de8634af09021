"""Who leads a row: ties that seeds cannot break, directions, published rows, floors that beat methods."""

import numpy as np
import pandas as pd
import pytest
from scmbench.benchmarks.judging.leaders import beaten, leaders, published_leaders

ROW = ("a", "observational", "mmd")


def scores(seeds=5, **levels):
    noise = np.random.default_rng(0).standard_normal((seeds, len(levels)))
    return pd.DataFrame(
        [
            {**dict(zip(("dataset", "query", "metric"), ROW, strict=True)), "model": model, "variant": "", "seed": s}
            | {"score": level * (1 + 0.05 * noise[s, i])}
            for i, (model, level) in enumerate(levels.items())
            for s in range(seeds)
        ]
    )


def names(found):
    return {model for model, _ in found[ROW]}


def test_the_best_leads_with_all_that_cannot_be_told_from_it():
    assert names(leaders(scores(a=1.0, b=1.01, c=3.0))) == {"a", "b"}
    assert names(leaders(scores(a=1.0, b=2.0, c=3.0))) == {"a"}
    assert names(leaders(scores(a=1.0, b=2.0, c=2.01), higher={ROW[1:]})) == {"b", "c"}


@pytest.mark.parametrize("seeds", [1, 2, 3, 4])
def test_below_five_seeds_nobody_leads(seeds):
    assert names(leaders(scores(seeds, a=1.0, b=9.0))) == set()


def test_floors_lead_nothing_and_one_method_alone_neither():
    assert names(leaders(scores(a=1.0, b=2.0, oracle=0.1))) == {"a"}
    assert names(leaders(scores(a=1.0, oracle=0.1))) == set()
    few = pd.concat([scores(a=1.0), scores(3, b=0.1)])
    assert names(leaders(few)) == set()


def box(median, n=10, width=0.1):
    return {"form": "box", "n": n, "q1": median * (1 - width), "median": median, "q3": median * (1 + width)}


def test_published_rows_are_led_by_their_spread_and_runs():
    rows = {("a", ""): box(1.0), ("b", ""): box(1.02), ("c", ""): box(2.0)}
    assert published_leaders(rows) == {("a", ""), ("b", "")}
    assert published_leaders(rows, higher=True) == {("c", "")}
    assert published_leaders({m: {**line, "n": 4} for m, line in rows.items()}) == set()
    around = {("a", ""): {"form": "moments", "n": 5, "mean": -0.1, "sd": 0.1}, ("b", ""): box(5.0)}
    assert published_leaders(around) == {("a", "")}


def test_a_floor_beats_methods_and_a_ceiling_does_not():
    medians = {
        ("dcm", ""): 72.6,
        ("anm", ""): 84.0,
        ("marginal", ""): 70.0,
        ("oracle", ""): 0.0,
        ("identity", ""): 99.0,
    }
    assert beaten(medians) == {("marginal", ""): [("dcm", ""), ("anm", "")]}
    assert beaten(medians, higher=True) == {("identity", ""): [("dcm", ""), ("anm", "")]}
