"""Comparisons paired by seed: what pairing cancels, identical runs, cells that one side lacks, unpaired runs."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scmbench.benchmarks.judging.paired import compare, compare_cell, contrast, log_ratios

CELL = {"dataset": "a", "query": "observational", "metric": "mmd", "model": "m", "variant": ""}


def scores(values, seeds=None, **cell):
    return pd.DataFrame([{**CELL, **cell, "seed": s, "score": v} for s, v in zip(seeds or range(99), values)])  # noqa: B905


def test_pairing_cancels_what_seeds_share():
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(10)
    a = dict(enumerate(np.exp(shared + 0.1 + 0.01 * rng.standard_normal(10))))
    b = dict(enumerate(np.exp(shared)))
    found = compare_cell(a, b)
    assert found["change"] == "higher"
    assert found["log_ratio"] == pytest.approx(0.1, abs=0.02)
    expected = stats.ttest_1samp(np.log(list(a.values())) - np.log(list(b.values())), 0)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected.confidence_interval()))
    apart = compare_cell(a, {s + 100: x for s, x in b.items()})
    assert not apart["paired"]
    assert apart["change"] == "unclear"
    assert math.isnan(apart["p"])


def test_swapping_the_sides_flips_the_sign():
    rng = np.random.default_rng(1)
    a, b = (dict(enumerate(rng.random(9))) for _ in range(2))
    one, other = compare_cell(a, b), compare_cell(b, a)
    assert (one["log_ratio"], one["low"]) == pytest.approx((-other["log_ratio"], -other["high"]))
    assert one["p"] == other["p"]
    assert one["a_lower"] == 9 - other["a_lower"]


def test_a_run_against_itself_is_identical():
    a = scores([1.0, 2.0, 0.0, -1.0])
    line = compare(a, a).iloc[0]
    assert (line["change"], line["log_ratio"], line["p"], line["q"]) == ("identical", 0.0, 1.0, 1.0)


def test_zeros_and_negatives_keep_their_order():
    d = log_ratios(np.array([0.0, 0.0, 1.0, -1.0]), np.array([0.0, 1.0, 0.0, -2.0]))
    assert d.tolist() == [0.0, -math.inf, math.inf, math.inf]
    found = compare_cell(dict(enumerate([0.0] * 6)), dict(enumerate([1.0] * 6)))
    assert (found["change"], found["log_ratio"], found["a_lower"]) == ("lower", -math.inf, 6)
    assert found["p"] == pytest.approx(2 / 2**6)


def test_only_common_seeds_count():
    line = compare(scores([1.0, 1.0, 9.0], [0, 1, 2]), scores([2.0, 2.0, 1.0], [0, 1, 7])).iloc[0]
    assert (line["n"], line["n_a"], line["n_b"], line["log_ratio"]) == (2, 3, 3, pytest.approx(-math.log(2)))


def test_cells_of_one_side_are_told():
    table = compare(scores([1.0, 2.0], model="x"), scores([1.0, 2.0], model="y"))
    assert table.set_index("model")["change"].to_dict() == {"x": "only a", "y": "only b"}


def test_other_seeds_are_compared_unpaired():
    a, b = np.arange(1.0, 11.0), np.arange(101.0, 111.0)
    line = compare(scores(a), scores(b, seeds=list(range(10, 20)))).iloc[0]
    assert (line["paired"], line["n"], line["change"]) == (False, 0, "lower")
    expected = stats.ttest_ind(np.log(a), np.log(b), equal_var=False).confidence_interval()
    assert (line["low"], line["high"]) == pytest.approx(tuple(expected))
    assert line["log_ratio"] == pytest.approx(np.log(a).mean() - np.log(b).mean())


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_below_five_seeds_nothing_is_marked(n):
    line = compare(scores([1.0] * n), scores([9.0] * n)).iloc[0]
    assert line["change"] == "too few seeds"
    assert compare(scores([1.0] * n), scores([9.0] * n, seeds=range(10, 10 + n))).iloc[0]["change"] == "too few seeds"
    assert compare(scores([1.0] * 5), scores([9.0] * 5)).iloc[0]["change"] == "lower"


def test_some_zeros_are_compared_by_rank():
    exact, other = [0.0, 1e-9, 2e-9, 0.0, 1e-9, 3e-9], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    line = compare(scores(exact), scores(other)).iloc[0]
    assert (line["change"], line["low"]) == ("lower", -math.inf)
    assert line["high"] == pytest.approx(math.log(1e-9))
    assert compare(scores(exact[:5]), scores(other[:5])).iloc[0]["change"] == "unclear"  # 2 / 2⁵ exceeds 5 %
    mixed = compare(scores([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]), scores([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])).iloc[0]
    assert (mixed["log_ratio"], mixed["change"]) == (0.0, "unclear")


def test_adjusted_p_values_are_benjamini_hochbergs():
    rng = np.random.default_rng(2)
    a = pd.concat([scores(rng.random(8), dataset=d) for d in "abc"])
    b = pd.concat([scores(rng.random(8), dataset=d) for d in "abc"])
    table = compare(a, b)
    assert table["q"].tolist() == stats.false_discovery_control(table["p"]).tolist()


def test_contrast_of_two_methods():
    both = pd.concat([scores([1.0, 2.0, 3.0], variant="reference"), scores([2.0, 4.0, 6.0], variant="corrected")])
    line = contrast(both, ("m", "corrected"), ("m", "reference")).iloc[0]
    assert line["log_ratio"] == pytest.approx(math.log(2))
    assert line["a_lower"] == 0
    with pytest.raises(ValueError, match=r"no scores of \('m', 'other'\)"):
        contrast(both, ("m", "other"), ("m", "reference"))
