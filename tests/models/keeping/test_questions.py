"""Questions about a table of a linear world with known answers: X ~ N(0, 1), Y = 2X + e/2, Z = 3Y - X + e/2."""

from __future__ import annotations

import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scmbench.datasets.values import ValuesError
from scmbench.models import load
from scmbench.models.keeping.frames import FrameModel, WaiverWarning
from scmbench.models.keeping.support import SupportWarning

GRAPH = nx.DiGraph([("X", "Y"), ("Y", "Z"), ("X", "Z")])


def world(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 2 * x + 0.5 * rng.normal(size=n)
    return pd.DataFrame({"X": x, "Y": y, "Z": 3 * y - x + 0.5 * rng.normal(size=n)})


@pytest.fixture(scope="module")
def model():
    return FrameModel("linear").fit(GRAPH, world(20_000))


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestFunctions:
    def test_a_shift_of_factual_rows_is_added_to_each(self, model):
        rows = world(5, seed=1)
        answer = model.counterfactual(rows, {"X": lambda x: x + 0.1})
        effect = {"X": 0.1, "Y": 0.2, "Z": 0.5}  # dZ/dX = 3 * 2 - 1
        for node, moved in effect.items():
            np.testing.assert_allclose(answer[node] - rows[node], moved, atol=0.01)
        again = model.counterfactual(rows, {"X": rows["X"] + 0.1})
        pd.testing.assert_frame_equal(answer, again)

    def test_a_sampled_shift_acts_on_the_natural_value(self, model):
        """Y' = Y + 1: X stays N(0, 1), Y' = 2X + 1 + e/2, Z = 3Y' - X + e/2 = 5X + 3 + 1.5e + .5e'."""
        plain, moved = model.sample(40_000, seed=3), model.sample(40_000, {"Y": lambda y: y + 1}, seed=3)
        pd.testing.assert_series_equal(moved["X"], plain["X"])
        np.testing.assert_allclose(moved["Y"], plain["Y"] + 1)
        np.testing.assert_allclose(moved.mean(), [0, 1, 3], atol=0.12)
        np.testing.assert_allclose(moved[["Y", "Z"]].std(), [4.25**0.5, (25 + 2.25 + 0.25) ** 0.5], rtol=0.03)
        residual = moved["Z"] - 3 * moved["Y"] + moved["X"]
        np.testing.assert_allclose(residual.std(), 0.5, rtol=0.03)
        assert np.abs(np.corrcoef(residual, moved["X"])[0, 1]) < 0.03

    def test_functions_act_in_causal_order_under_the_interventions_above(self, model):
        """do(X = 0.5), Y *= 1.1: Y's natural value is 1 + e/2, not the one of the undisturbed world."""
        moved = model.sample(40_000, {"Y": lambda y: 1.1 * y, "X": 0.5}, seed=1)
        assert (moved["X"] == 0.5).all()
        np.testing.assert_allclose(moved["Y"].mean(), 1.1, atol=0.02)
        np.testing.assert_allclose(moved["Z"].mean(), 3.3 - 0.5, atol=0.06)
        rows = pd.DataFrame({"X": [0.0], "Y": [0.0], "Z": [0.0]})
        answer = model.counterfactual(rows, {"Y": lambda y: 1.1 * y, "X": 0.5})
        np.testing.assert_allclose(answer, [[0.5, 1.1, 2.8]], atol=0.03)

    def test_two_shifts_and_what_lies_beside_them(self):
        """A and B are roots, C follows B alone: a shift of A leaves C to the shift of B."""
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(2, 5000))
        frame = pd.DataFrame({"A": a, "B": b, "C": b + 0.1 * rng.normal(size=5000)})
        graph = nx.DiGraph([("B", "C")])
        graph.add_node("A")
        fitted = FrameModel("linear").fit(graph, frame)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SupportWarning)
            moved = fitted.sample(5000, {"A": lambda x: x + 10, "B": lambda x: x + 5})
        np.testing.assert_allclose(moved.mean()[["A", "B", "C"]], [10, 5, 5], atol=0.1)
        np.testing.assert_allclose((moved["C"] - moved["B"]).std(), 0.1, rtol=0.1)

    def test_what_a_function_gets_wrong_is_told(self, model):
        with pytest.raises(ValuesError, match=r"do\('X'\): its function fails on 3 values: ZeroDivisionError"):
            model.sample(3, {"X": lambda x: 1 / 0})
        with pytest.raises(ValuesError, match=r"do\('X'\): expected a number, one a row .* got 'high'"):
            model.sample(3, {"X": lambda x: "high"})
        with pytest.raises(ValuesError, match=r"do\('X'\): shape \(2,\)"):
            model.sample(3, {"X": lambda x: x.to_numpy()[:2]})
        with pytest.raises(ValuesError, match="unknown node 'W'"):
            model.sample(3, {"W": lambda x: x})


class TestMissingValues:
    def test_an_outcome_that_nothing_rests_on_may_be_missing(self, model):
        rows = world(4, seed=2)
        whole = model.counterfactual(rows, {"X": 1.0})
        for gap in (rows.drop(columns="Z"), rows.assign(Z=np.nan)):
            answer = model.counterfactual(gap, {"X": 1.0})
            assert answer["Z"].isna().all()
            pd.testing.assert_frame_equal(answer[["X", "Y"]], whole[["X", "Y"]])
        some = model.counterfactual(rows.assign(Z=rows["Z"].where([True, False, True, True])), {"X": 1.0})
        assert some["Z"].isna().tolist() == [False, True, False, False]
        pd.testing.assert_series_equal(some["Z"].dropna(), whole["Z"].drop(index=1))

    def test_an_outcome_that_is_set_needs_no_value(self, model):
        assert model.counterfactual(world(2).drop(columns="Z"), {"Z": 1.0})["Z"].tolist() == [1, 1]

    def test_what_an_answer_rests_on_may_not(self, model):
        rows = world(4, seed=2)
        with pytest.raises(ValuesError, match="the table has no column 'Y'"):
            model.counterfactual(rows.drop(columns="Y"), {"X": 1.0})
        with pytest.raises(ValuesError, match="column 'Y' has missing values, first in row 0"):
            model.counterfactual(rows.assign(Y=np.nan), {"X": 1.0})
        asked = model.counterfactual(rows.drop(columns="Z"), {"X": 1.0}, nodes=["Y"])
        assert list(asked) == ["Y"]
        with pytest.raises(ValuesError, match="the table has no column 'Z'"):
            model.counterfactual(rows.drop(columns="Z"), {"X": 1.0}, nodes=["Z"])
        with pytest.raises(ValuesError, match="expected a list of the graph's nodes"):
            model.counterfactual(rows, {"X": 1.0}, nodes=["W"])


class TestSupport:
    def test_a_question_outside_of_the_training_rows_is_answered_with_a_warning(self, model):
        with pytest.warns(SupportWarning, match=r"do\('X' = 50\) is outside the training rows \[-\d"):
            answer = model.counterfactual(world(1), {"X": 50.0})
        assert 200 < answer["Z"][0] < 300
        with pytest.warns(SupportWarning, match=r"do\('X' = 9, 1 of 2 rows\) is outside"):
            model.sample(2, {"X": [0.0, 9.0]})
        with pytest.warns(SupportWarning, match="do\\('X'"):
            model.sample(3, {"X": lambda x: x + 100})
        model.sample(3, {"X": 1.0, "Y": 2.0})

    def test_values_that_never_met_are_outside_together(self, model):
        with pytest.warns(SupportWarning, match=r"do\('X' = 2, 'Y' = -4\) is outside the training rows together"):
            model.sample(2, {"X": 2.0, "Y": -4.0})

    def test_a_level_that_no_row_has(self):
        frame = world(200).assign(T=[0, 1, 3, 1] * 50, B=[0.0, 1.0] * 100)
        fitted = FrameModel("linear").fit(nx.DiGraph([("T", "X"), ("B", "X")]), frame)
        with pytest.warns(SupportWarning, match=r"do\('T' = 2\) is outside the training rows, which have \[0, 1, 3\]"):
            fitted.sample(2, {"T": 2})
        with pytest.warns(
            SupportWarning, match=r"do\('B' = 0.5\) is outside the training rows, which have \[0.0, 1.0\]"
        ):
            fitted.sample(2, {"B": 0.5})
        fitted.sample(2, {"T": 3})

    def test_it_is_saved(self, model, tmp_path):
        again = FrameModel.load(model.save(tmp_path / "model"))
        with pytest.warns(SupportWarning, match="outside the training rows"):
            again.sample(2, {"X": 50.0})
        assert again._support == model._support


class TestVariants:
    def test_the_corrected_variant_unless_another_is_named(self):
        frame = world(60)
        options = {"epochs": 2}
        for given in (FrameModel("carefl", **options), FrameModel(load("carefl"), **options)):
            assert given.model.variant == "corrected"
        fitted = FrameModel(load("carefl")(**options))
        assert fitted.model.variant == "corrected"
        with pytest.warns(WaiverWarning, match=r"CAREFL \(corrected\) waives 'non-descendants untouched'"):
            fitted.fit(GRAPH, frame)
        assert (fitted.sample(5, {"X": 1.0})["X"] == 1).all()
        named = FrameModel(load("carefl")(variant="reference", **options))
        assert named.model.variant == "reference"
        with pytest.warns(WaiverWarning, match=r"CAREFL \(reference\) waives .*'do is exact'"):
            named.fit(GRAPH, frame)
        assert load("carefl")().variant == "reference"  # as everywhere else

    def test_options_go_with_a_name(self):
        with pytest.raises(ValuesError, match=r"the options \['epochs'\] belong to a model's name"):
            FrameModel(load("linear")(), epochs=3)


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda m: m.sample(-1), "n=-1: expected a whole number from 0"),
        (lambda m: m.sample(1e3), "n=1000.0: expected a whole number"),
        (lambda m: m.sample(True), "n=True: expected a whole number"),
        (lambda m: m.sample(3, seed=1.5), "seed=1.5: expected a whole number"),
        (lambda m: m.counterfactual(world(1), {}, seed="a"), "seed='a': expected a whole number"),
        (lambda m: m.sample(3, "X=1"), "do='X=1': expected a dict"),
        (lambda m: m.sample(3, {"X": 1j}), r"do\('X'\): expected a number"),
        (lambda m: m.sample(2, {"X": [[1], [2, 3]]}), r"do\('X'\): expected a number"),
        (lambda m: m.sample(1, {"X": np.array([2**64 - 1], dtype="uint64")}), "beyond the whole numbers"),
        (lambda m: m.counterfactual({"X": [1]}, {"X": 1}), "expected a pandas.DataFrame, got a dict"),
        (lambda m: m.fit([("X", "Y")], world(9)), "the graph is a list; expected a networkx.DiGraph"),
        (lambda m: m.fit(nx.Graph([("X", "Y")]), world(9)), "the graph is undirected"),
        (lambda m: FrameModel("dcm", device="cuda:99").fit(GRAPH, world(9)), "device='cuda:99' is not there: "),
        (lambda m: FrameModel("dcm", device="gpu").fit(GRAPH, world(9)), "device='gpu' is not there: "),
    ],
)
def test_arguments_that_are_refused(model, ask, complaint):
    with pytest.raises(ValuesError, match=complaint) as refused:
        ask(model)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("column", "complaint"),
    [
        (pd.to_datetime(["2020-01-01"] * 9), "'X' is datetime64.*: write its dates as numbers"),
        (pd.to_timedelta([1] * 9), "'X' is timedelta64.*: write its durations"),
        (pd.cut(range(9), 3), "'X': the category Interval.* is a Interval; rename it to text or a number"),
        (pd.array(["1"] * 9, dtype="string"), "'X' holds numbers as text"),
        ([1j] * 9, "'X' is complex128, not numeric: give real and imaginary parts"),
        (np.array([1, 2.5, 3] * 3, dtype=object), "'X' is object, .*: convert it with .astype"),
        (np.array([1, "a", 3] * 3, dtype=object), "'X' is object, not numeric: encode"),
        (pd.array([1, None, 3] * 3, dtype="Int64"), "'X' has missing values, first in row 1"),
        (np.array([1, 2**63, 3] * 3, dtype="uint64"), "'X' has 9223372036854775808, beyond the whole numbers"),
        ([1.0, np.inf, 2.0] * 3, "'X' has NaN or infinity in 3 row"),
    ],
)
def test_columns_that_are_refused(column, complaint):
    with pytest.raises(ValuesError, match=complaint):
        FrameModel("linear").fit(GRAPH, world(9).assign(X=column))


@pytest.mark.parametrize("dtype", ["float16", "float32", "Float64", "int8", "uint64", "Int64", "bool", "boolean"])
def test_columns_that_are_read(dtype):
    column = pd.Series([0, 1, 1] * 3).astype(dtype)
    frame = world(9).assign(X=column)
    answer = FrameModel("linear").fit(GRAPH, frame).counterfactual(frame, {"Y": 0.0})
    assert answer["X"].tolist() == [0, 1, 1] * 3
    assert answer["X"].dtype == ("float64" if dtype.lower().startswith("float") else dtype)


def test_columns_of_several_levels_are_refused():
    frame = world(9)
    frame.columns = pd.MultiIndex.from_product([frame.columns, ["mean"]])
    with pytest.raises(ValuesError, match="columns have 2 levels"):
        FrameModel("linear").fit(GRAPH, frame)
