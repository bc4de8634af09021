"""The verdict's rule and interval, the states of cells without both numbers, the order of methods, JSON."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scmbench.benchmarks.judging.cells import seed_scores
from scmbench.benchmarks.judging.published import Published
from scmbench.benchmarks.judging.rule import (
    at_floor,
    difference,
    interval,
    judge,
    judge_difference,
    standard_error,
    why,
)
from scmbench.benchmarks.judging.verdict import as_json, counts, floor_shares, verdicts

TINY = 1e-9
BOX = {"form": "box", "n": 10, "q1": 1.0, "median": 2.0, "q3": 4.0}


@pytest.mark.parametrize(
    ("ratio", "low", "high", "word"),
    [
        (1.0, 0.9, 1.1, "reproduced"),
        (1.5 - TINY, 0.9, 2.0, "reproduced"),
        (1.2, 0.1, 30.0, "reproduced"),
        (1.5 + TINY, 0.9, 2.0, "close"),
        (1.5 + TINY, 0.5, 2.0 + TINY, "undecided"),
        (3.0, 0.9, 9.0, "undecided"),
        (1.2, 1.1, 1.3, "close"),
        (2.0 - TINY, 1.1, 3.0, "close"),
        (2.0 + TINY, 1.1, 3.0, "worse"),
        (0.5 - TINY, 0.3, 0.9, "better"),
        (1.77, 0.952, 3.27, "close"),
    ],
)
def test_the_rule(ratio, low, high, word):
    assert judge(*np.log([ratio, low, high])) == word


@pytest.mark.parametrize(
    ("d", "word"), [(0.9, "at the floor"), (-0.9, "at the floor"), (2.0, "worse"), (-2.0, "better")]
)
def test_the_rule_at_the_floor(d, word):
    assert judge_difference(d, d - 0.1, d + 0.1, 1.0) == word
    assert judge_difference(d, -5.0, 5.0, 1.0) == (word if abs(d) < 1 else "undecided")
    assert judge_difference(d, d - 0.1, d + 0.1, None) == ("worse" if d > 0 else "better")


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_decide_nothing(seeds):
    for r in (0.0, 0.1, 3.0, -3.0):
        assert judge(r, r - 0.01, r + 0.01, seeds=seeds) == "undecided"
        assert judge_difference(r, r - 0.01, r + 0.01, 0.5, seeds=seeds) == "undecided"
    r, low, high = interval([2.0], BOX)
    assert (r, low, high) == (0.0, -math.inf, math.inf)


def test_where_higher_is_better_the_words_turn():
    assert judge(1.0, 0.9, 1.1, higher_is_better=True) == "better"
    assert judge(-1.0, -1.1, -0.9, higher_is_better=True) == "worse"
    assert judge_difference(1.0, 0.9, 1.1, 0.5, higher_is_better=True) == "better"


def test_standard_error_of_a_published_median():
    assert standard_error(BOX) == pytest.approx(1.2533 * math.log(4.0) / 1.349 / math.sqrt(10))
    assert standard_error({**BOX, "q1": 0.0}) == pytest.approx(1.2533 * 2.0 / 1.349 / math.sqrt(10))
    assert standard_error({"form": "moments", "n": 4, "mean": 2.0, "sd": 1.0}) == 0.25


def test_without_spread_of_ours_the_interval_is_theirs():
    r, low, high = interval([3.0] * 10, BOX)
    half = stats.t.ppf(0.975, 9) * standard_error(BOX)
    assert (r, low, high) == pytest.approx((math.log(1.5), math.log(1.5) - half, math.log(1.5) + half))


def test_without_spread_of_theirs_the_interval_is_students():
    x = np.exp(np.arange(1.0, 12.0))
    _, low, high = interval(x, {**BOX, "q1": 2.0, "q3": 2.0})
    half = stats.t.ppf(0.975, 10) * 1.2533 * np.arange(11).std(ddof=1) / math.sqrt(11)
    assert (low, high) == pytest.approx((6 - math.log(2) - half, 6 - math.log(2) + half))


def test_both_spreads_together_are_welchs():
    ours = np.array([1.0, 2.0, 4.0, 3.0])
    theirs = np.array([2.0, 9.0, 4.0, 5.0, 6.0])
    about = {"form": "moments", "n": 5, "mean": theirs.mean(), "sd": theirs.std(ddof=1)}
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    assert difference(ours, about) == pytest.approx((ours.mean() - theirs.mean(), expected.low, expected.high))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_covers_as_often_as_it_says(n):
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        ours, theirs = np.exp(0.5 * rng.standard_normal(n)), np.exp(0.5 * rng.standard_normal(10))
        q1, median, q3 = np.quantile(theirs, [0.25, 0.5, 0.75])
        _, low, high = interval(ours, {"form": "box", "n": 10, "q1": q1, "median": median, "q3": q3})
        hits += low <= 0 <= high
    assert 0.93 <= hits / 600 <= 0.98


def test_numbers_that_are_not_positive_have_no_ratio():
    with pytest.raises(ValueError, match=r"published median 0\.0 is not positive"):
        interval([1.0, 2.0], {**BOX, "median": 0.0})
    with pytest.raises(ValueError, match=r"own median 0\.0 is not positive"):
        interval([0.0, 0.0], BOX)
    r, low, high = interval([-1.0, 1.9, 2.0, 2.1, 2.2], BOX)
    assert r == 0.0
    assert low < 0 < high < math.inf


MOMENTS = {"form": "moments", "n": 5}


@pytest.mark.parametrize(
    ("theirs", "at"),
    [
        ({**MOMENTS, "mean": 0.001, "sd": 0.001}, True),
        ({**MOMENTS, "mean": -0.001, "sd": 0.0001}, True),
        ({**MOMENTS, "mean": 0.0, "sd": 0.0}, True),
        ({**MOMENTS, "mean": 0.001, "sd": 0.001, "n": 50}, False),  # fifty runs tell it from 0
        ({**MOMENTS, "mean": 0.643, "sd": 0.213}, False),
        ({**MOMENTS, "mean": 0.002, "sd": 0.0001, "tolerance": 0.002}, True),
        ({**MOMENTS, "mean": 0.0021, "sd": 0.0001, "tolerance": 0.002}, False),
        ({**BOX, "q1": 0.0}, True),
        (BOX, False),
        ({**BOX, "q3": 400.0}, False),  # a long tail above is no floor below
    ],
)
def test_what_is_at_the_floor(theirs, at):
    assert at_floor(theirs) is at


def test_cells_at_the_floor_are_judged_by_difference():
    theirs = published([("a", m, np.nan) for m in ("near", "far", "negative")] + [("a", "exact", 1.0)])
    theirs.cells.loc[:2, ["form", "n", "mean", "sd"]] = ["moments", 5, 0.0005, 0.001]
    table = verdicts(
        rows([("a", "near", 0.001), ("a", "far", 0.02), ("a", "negative", -0.0001), ("a", "exact", 0.0)]), theirs
    ).set_index("model")
    assert table["verdict"].to_dict() == {
        "near": "at the floor",
        "far": "worse",
        "negative": "at the floor",
        "exact": "better",
    }
    assert table["log_ratio"].isna().all()
    assert table.loc["near", ["difference", "width"]].tolist() == pytest.approx([0.00052, 0.001])
    assert why(table.loc["near"].to_dict()).startswith("difference +0.00052, within ±0.001")


def test_verdicts_know_which_direction_is_better():
    theirs = published([("a", "m", 0.4)])
    assert verdicts(rows([("a", "m", 0.9)]), theirs)["verdict"].item() == "worse"
    theirs.cells["higher_is_better"] = True
    assert verdicts(rows([("a", "m", 0.9)]), theirs)["verdict"].item() == "better"


def test_the_reason_says_seeds_factor_and_interval():
    few = verdicts(rows([("a", "m", 1.0)]).iloc[:2], published([("a", "m", 1.0)])).iloc[0]
    assert (few["verdict"], why(few)) == ("undecided", "2 seeds, fewer than 3")
    close = verdicts(rows([("a", "m", 1.3)]), published([("a", "m", 1.0)])).iloc[0]
    assert (close["verdict"], why(close)) == ("close", "factor 1.33, surely above 1")
    assert why(verdicts(rows([("a", "o", 1.0)]), published([("a", "m", 1.0)])).iloc[0]) == ""


def published(lines):
    table = pd.DataFrame(lines, columns=["dataset", "model", "median"])
    table = table.assign(query="observational", metric="mmd", variant="", form="box", n=10, mean=np.nan, sd=np.nan)
    return Published(
        name="p",
        title="P",
        protocol="paper",
        source=[{"title": "T", "authors": ["A"], "year": 2020, "url": "https://example.org"}],
        cells=table.assign(q1=table["median"] * 0.9, q3=table["median"] * 1.1),
    )


def rows(lines):
    table = pd.DataFrame(lines, columns=["dataset", "model", "score"])
    table = table.loc[table.index.repeat(5)].assign(
        query="observational", metric="mmd", variant="", seed=[*range(5)] * len(lines)
    )
    return seed_scores(table.assign(score=table["score"] * (1 + 0.01 * table["seed"])))


def provenance(lines):
    table = pd.DataFrame(lines, columns=["dataset", "model", "status"]).assign(variant="", seed=range(len(lines)))
    bounds = ("oracle", "posterior")
    return table.assign(name=table["model"], role=["ceiling" if m in bounds else "method" for m in table["model"]])


def test_every_published_cell_has_a_word():
    table = verdicts(
        rows([("a", "same", 1.0), ("a", "extra", 1.0), ("a", "zero", 1.0), ("a", "oracle", 0.5)]),
        published(
            [("a", "same", 1.0), ("a", "zero", 0.0), ("a", "broken", 1.0), ("a", "odd", 1.0), ("b", "same", 1.0)]
        ),
        provenance([("a", "broken", "failed"), ("a", "odd", "unsupported"), ("a", "oracle", "ok")]),
    )
    words = table.set_index(["dataset", "model"])["verdict"].to_dict()
    assert words == {
        ("a", "same"): "reproduced",
        ("a", "zero"): "worse",
        ("a", "broken"): "failed",
        ("a", "odd"): "unsupported",
        ("b", "same"): "not run",
        ("a", "extra"): "no published number",
    }
    assert table.loc[table["dataset"] == "a", "oracle"].eq(0.51).all()
    total = counts(table, by=["dataset"]).set_index("dataset")
    assert total.loc["a"].to_dict() == {
        "reproduced": 1,
        "at the floor": 0,
        "close": 0,
        "undecided": 0,
        "better": 0,
        "worse": 1,
        "failed": 1,
        "not run": 0,
        "unsupported": 1,
    }


def test_a_failed_seed_is_told_beside_the_verdict():
    found = rows([("a", "m", 1.0)])
    table = verdicts(
        found, published([("a", "m", 1.0)]), provenance([("a", "m", "ok")] * 5 + [("a", "m", "failed")] * 2)
    )
    assert table[["verdict", "n", "missing"]].values.tolist() == [["reproduced", 5, 2]]


def test_no_rows_at_all():
    table = verdicts(seed_scores(pd.DataFrame()), published([("a", "m", 1.0)]))
    assert table["verdict"].tolist() == ["not run"]


def test_order_of_methods():
    theirs = published(
        [(d, m, x) for d in "ab" for m, x in zip("xyz", (1.0, 2.0, 3.0), strict=True)] + [("c", "x", 1.0)]
    )
    ours = rows(
        [
            ("a", "x", 1.0),
            ("a", "y", 2.0),
            ("a", "z", 4.0),
            ("b", "x", 2.1),
            ("b", "y", 2.0),
            ("b", "z", 3.0),
            ("c", "x", 1.0),
        ]
    )
    table = verdicts(ours, theirs).drop_duplicates("dataset").set_index("dataset")
    assert table["order_agrees"].to_dict() == {"a": True, "b": False, "c": None}
    assert table.loc["a", "tau"] == pytest.approx(1.0)
    assert table.loc["b", "tau"] == pytest.approx(1 / 3)
    assert math.isnan(table.loc["c", "tau"])


def test_moments_are_judged_on_means():
    theirs = published([("a", "m", np.nan)])
    theirs.cells[["form", "mean", "sd"]] = ["moments", 2.0, 0.1]
    skewed = rows([("a", "m", 1.0)]).assign(score=[1.0, 1.0, 1.0, 1.0, 6.0])
    line = verdicts(skewed, theirs).iloc[0]
    assert (line["statistic"], line["ours"], line["theirs"], line["log_ratio"]) == ("mean", 2.0, 2.0, 0.0)


def test_a_verdict_depends_on_its_own_cell_alone():
    theirs = published([("a", "m", 1.0), ("b", "m", 1.0)])
    alone = verdicts(rows([("b", "m", 1.3)]), theirs).set_index("dataset").loc["b"]
    beside = verdicts(rows([("a", "m", 9.0), ("b", "m", 1.3)]), theirs).set_index("dataset").loc["b"]
    assert alone[["log_ratio", "low", "high"]].tolist() == beside[["log_ratio", "low", "high"]].tolist()


def test_floors_stand_beside_every_method():
    table = verdicts(
        rows([("a", "m", 4.0), ("a", "oracle", 1.0), ("a", "posterior", 2.0)]),
        published([("a", "m", 2.0)]),
        provenance([("a", "oracle", "ok"), ("a", "posterior", "ok")]),
    )
    assert table[["model", "oracle", "posterior"]].values.tolist() == [["m", 1.02, 2.04]]


def test_what_knows_the_truth_is_known_by_its_record_not_by_its_label():
    told = provenance([("a", "truth", "ok"), ("a", "identity", "ok"), ("a", "oracle", "ok")])
    told["name"] = ["oracle", "my.pkg:Identity", "my.pkg:Oracle"]
    told["role"] = ["ceiling", "method", "method"]
    ours = rows([("a", "truth", 1.0), ("a", "identity", 2.0), ("a", "oracle", 3.0)])
    table = verdicts(ours, published([("a", "m", 2.0)]), told)
    assert table["model"].tolist() == ["m", "identity", "oracle"]
    assert table["oracle"].eq(1.02).all()


def test_shares_of_the_floor():
    table = verdicts(rows([("a", "m", 4.0), ("a", "oracle", 1.0)]), published([("a", "m", 2.0)]))
    share = floor_shares(table).iloc[0]
    assert (share["ours_share"], share["theirs_share"]) == (0.25, pytest.approx(0.51))


def test_json_is_plain():
    theirs = published([("a", "m", 1.0), ("b", "m", 1.0)])
    found = as_json(verdicts(rows([("a", "m", 0.0)]), theirs), theirs)
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again["counts"] == {"better": 1, "not run": 1}
    assert again["cells"][0]["log_ratio"] is None
    assert again["cells"][0]["theirs"] == 1.0
