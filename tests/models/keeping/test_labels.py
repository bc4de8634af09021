"""Discrete columns of a frame: answered with values that occur in it, in the column's own type, by its own labels."""

from __future__ import annotations

import warnings

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scmbench.datasets.values import ValuesError
from scmbench.models import Unsupported
from scmbench.models.contract.registry import BUILT_IN, load
from scmbench.models.keeping.frames import FrameModel
from scmbench.models.keeping.saving import HEADER, SavedModelError
from scmbench.models.keeping.support import SupportWarning

GRAPH = nx.DiGraph([("age", "treated"), ("age", "cost"), ("treated", "cost")])
STAGES = ["lo", "mid", "hi"]


def world(n=200, seed=0):
    """Who is older is rather treated; cost = 2 treated - age + noise."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    treated = (age + rng.normal(size=n) > 0).astype("int64")
    return pd.DataFrame({"age": age, "treated": treated, "cost": 2 * treated - age + 0.1 * rng.normal(size=n)})


def as_words(x):
    return np.where(x == 1, "yes", "no")


COLUMNS = {
    "bool": lambda x: x.astype("bool"),
    "boolean": lambda x: x.astype("boolean"),
    "uint8": lambda x: x.astype("uint8"),
    "int8": lambda x: x.astype("int8"),
    "Int64": lambda x: x.astype("Int64"),
    "float64": lambda x: x.astype("float64"),
    "one and two": lambda x: x + 1,
    "minus one and one": lambda x: 2 * x - 1,
    "halves": lambda x: x / 2 + 0.25,
    "a count with gaps": lambda x: 7 * x + 3 * (np.arange(len(x)) % 3 == 0),
    "text": lambda x: pd.Series(as_words(x)),
    "objects": lambda x: pd.Series(as_words(x), dtype=object),
    "truths as objects": lambda x: pd.Series([bool(v) for v in x], dtype=object),
    "category": lambda x: pd.Series(pd.Categorical(as_words(x))),
    "category of numbers": lambda x: pd.Series(pd.Categorical(x * 4)),
    "ordered": lambda x: pd.Series(pd.Categorical(np.where(x == 1, "hi", "lo"), categories=STAGES, ordered=True)),
    "constant": lambda x: 0 * x + 5,
    "a constant word": lambda x: pd.Series(["all"] * len(x)),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("role", ["child", "root"])
def test_answers_are_values_of_the_column_in_its_type(name, role, tmp_path):
    frame = world()
    column = COLUMNS[name](frame["treated"])
    frame = frame.assign(treated=column)
    graph = GRAPH if role == "child" else nx.DiGraph([("age", "cost"), ("treated", "cost")])
    model = FrameModel("linear").fit(graph, frame)
    again = FrameModel.load(model.save(tmp_path / "model"))
    levels = set(column)
    rows = frame.head(50)
    for each in (model, again):
        level = column.iloc[0]
        answers = [
            each.sample(300, {"age": 0.1}, seed=1),
            each.counterfactual(rows, {"age": 0.4}),
            each.sample(4, {"treated": level}),
            each.counterfactual(rows, {"treated": rows["treated"][::-1].set_axis(rows.index)}),
        ]
        for answer in answers:
            assert set(answer["treated"]) <= levels
            assert answer["treated"].dtype == column.dtype
        assert answers[3]["treated"].tolist() == rows["treated"].tolist()[::-1]
        if role == "child" and len(levels) > 1:
            assert answers[0]["treated"].nunique() > 1
    pd.testing.assert_frame_equal(model.sample(20, seed=2), again.sample(20, seed=2))
    pd.testing.assert_frame_equal(model.counterfactual(rows, {"age": 1.0}), again.counterfactual(rows, {"age": 1.0}))


def test_a_binary_outcome_has_no_third_value():
    """age -> income, age -> sick in {0, 1}, a fifth of them sick at any age: it was once answered -1 and 2."""
    rng = np.random.default_rng(0)
    age = rng.integers(20, 60, 2000)
    sick = (rng.uniform(size=2000) < 0.2).astype(int)
    frame = pd.DataFrame({"age": age, "income": 1000 * age + rng.normal(size=2000), "sick": sick})
    model = FrameModel("linear").fit(nx.DiGraph([("age", "income"), ("age", "sick")]), frame)
    under = model.sample(4000, {"age": 30}, seed=1)
    assert set(under["sick"]) == {0, 1}
    assert under["sick"].dtype == "int64"
    assert abs(under["sick"].mean() - 0.2) < 0.08  # a Gaussian cut at 1/2
    assert set(model.counterfactual(frame, {"age": 30})["sick"]) == {0, 1}
    with pytest.raises(ValuesError, match="'age' takes integers, the value has fractions: round it, or make"):
        model.sample(100, {"age": lambda x: 1.1 * x})
    assert set(model.sample(100, {"age": lambda x: (1.1 * x).round()})["sick"]) <= {0, 1}


def test_the_effect_of_a_binary_treatment():
    frame = world(4000)
    for column in (frame["treated"], frame["treated"].astype(bool), pd.Series(as_words(frame["treated"]))):
        high, low = sorted(set(column), reverse=True)
        model = FrameModel("linear").fit(GRAPH, frame.assign(treated=column))
        found = model.effect("cost", {"treated": high}, {"treated": low}, n=500)
        assert found.difference == pytest.approx(2, abs=0.02)
    with pytest.raises(ValuesError, match=r"outcome='treated': its labels \['no', 'yes'\] have no mean"):
        model.effect("treated", {"age": 1.0}, {"age": 0.0})
    truths = FrameModel("linear").fit(GRAPH, frame.assign(treated=frame["treated"].astype(bool)))
    assert 0 < truths.effect("treated", {"age": 1.0}, {"age": 0.0}).difference < 1


class TestQuestionsOfLabels:
    @pytest.fixture
    def words(self):
        return FrameModel("linear").fit(GRAPH, world().assign(treated=lambda f: as_words(f["treated"])))

    def test_do_takes_labels(self, words):
        rows = world(4, seed=1).assign(treated=["yes", "no", "no", "yes"])
        assert words.sample(2, {"treated": "yes"})["treated"].tolist() == ["yes"] * 2
        for value in (["no", "yes"] * 2, np.array(["no", "yes"] * 2), pd.Categorical(["no", "yes"] * 2)):
            assert words.counterfactual(rows, {"treated": value})["treated"].tolist() == ["no", "yes"] * 2
        swapped = words.counterfactual(rows, {"treated": lambda x: x.replace({"yes": "no", "no": "yes"})})
        assert swapped["treated"].tolist() == ["no", "yes", "yes", "no"]
        np.testing.assert_allclose((swapped["cost"] - rows["cost"]).abs(), 2, atol=0.1)

    @pytest.mark.parametrize("value", ["maybe", 1, ["yes", "maybe"], "", None, 1.5])
    def test_other_labels_are_told(self, words, value):
        with pytest.raises(ValuesError, match=r"do\('treated'\): .* is none of its labels \['no', 'yes'\]") as refused:
            words.sample(2, {"treated": value})
        assert "\n" not in str(refused.value)

    def test_a_row_with_another_label_is_told(self, words):
        rows = world(3).assign(treated=["yes", "no", "Yes"])
        with pytest.raises(ValuesError, match=r"column 'treated', row 2: 'Yes' is none of its labels \['no', 'yes'\]"):
            words.counterfactual(rows, {"age": 0.0})
        with pytest.raises(ValuesError, match=r"column 'treated', row 0: 1 is none of its labels"):
            words.counterfactual(world(3).assign(treated=1), {"age": 0.0})

    def test_a_label_may_be_missing_where_it_is_not_needed(self):
        graph = nx.DiGraph([("age", "treated"), ("age", "cost")])
        for name in ("text", "category", "ordered", "bool", "boolean", "uint8", "Int64"):
            frame = world()
            frame["treated"] = COLUMNS[name](frame["treated"])
            model = FrameModel("linear").fit(graph, frame)
            rows = frame.head(4)
            rows = rows.assign(treated=rows["treated"].where([True, False, True, True]))
            answer = model.counterfactual(rows, {"age": 0.0})
            assert answer["treated"].isna().tolist() == [False, True, False, False]
            assert set(answer["treated"].dropna()) <= set(frame["treated"])

    def test_an_ordered_category_may_be_set_to_a_level_that_no_row_has(self):
        frame = world()
        model = FrameModel("linear").fit(GRAPH, frame.assign(treated=COLUMNS["ordered"](frame["treated"])))
        with pytest.warns(SupportWarning, match=r"do\('treated' = 'mid'\) is outside .*, which have \['lo', 'hi'\]"):
            answer = model.sample(3, {"treated": "mid"})
        assert answer["treated"].tolist() == ["mid"] * 3
        assert set(model.sample(300)["treated"]) == {"lo", "hi"}

    def test_a_number_that_no_row_has_is_set_and_told(self):
        model = FrameModel("linear").fit(GRAPH, world().astype({"treated": "uint8"}))
        for value in (2, 300):
            with pytest.warns(SupportWarning, match=r"outside the training rows, which have \[0, 1\]"):
                assert model.sample(2, {"treated": value})["treated"].tolist() == [value] * 2


class TestCategories:
    frame = world().assign(town=["a", "b", "c", "b"] * 50)
    graph = nx.DiGraph([*GRAPH.edges, ("town", "cost")])

    @pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"oracle", "posterior", "monotone", "persistence"}))
    @pytest.mark.parametrize("declared", [True, False], ids=["category", "text"])
    def test_no_category_is_an_ordered_number(self, name, declared, tmp_path):
        frame = self.frame.astype({"town": "category"}) if declared else self.frame
        if not load(name).categories:
            complaint = (
                r"models numbers, and the column 'town' is a category without order, with labels \['a', 'b', 'c'\]"
            )
            with pytest.raises(Unsupported, match=f"{complaint}: encode it as columns of 0 and 1"):
                FrameModel(name).fit(self.graph, frame)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = FrameModel(name).fit(self.graph, frame)
            again = FrameModel.load(model.save(tmp_path / "model"))
        answers = []
        for each in (model, again):
            if "observational" in each.model.answers:
                answers.append(each.sample(50))
                assert set(answers[-1]["town"]) == {"a", "b", "c"}
            if "counterfactual" in each.model.answers:
                answers.append(each.counterfactual(frame, {"town": "c"}))
                assert set(answers[-1]["town"]) == {"c"}
                answers.append(each.counterfactual(frame, {"age": 0.0}))
                assert set(answers[-1]["town"]) <= {"a", "b", "c"}
        assert all(answer["town"].dtype == frame["town"].dtype for answer in answers)
        half = len(answers) // 2
        for once, twice in zip(answers[:half], answers[half:], strict=True):
            pd.testing.assert_frame_equal(once, twice)

    def test_numbers_may_be_declared_to_be_categories(self):
        frame = self.frame.assign(town=pd.Categorical([10, 20, 30, 20] * 50))
        with pytest.raises(Unsupported, match=r"labels \[10, 20, 30\]"):
            FrameModel("linear").fit(self.graph, frame)
        assert set(FrameModel("marginal").fit(self.graph, frame).sample(99)["town"]) == {10, 20, 30}

    def test_an_order_makes_numbers_of_them(self):
        ordered = pd.Categorical(self.frame["town"], categories=["c", "b", "a"], ordered=True)
        answer = FrameModel("linear").fit(self.graph, self.frame.assign(town=ordered)).sample(99)["town"]
        assert answer.dtype == ordered.dtype
        assert set(answer) == {"a", "b", "c"}

    @pytest.mark.parametrize(
        ("column", "complaint"),
        [
            (pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"] * 100)), "the category Timestamp"),
            (["1", "2"] * 100, "'town' holds numbers as text: convert it with pandas.to_numeric"),
            (pd.Categorical([np.inf, 1.0] * 100), "the category inf is a float"),
            (["a", None] * 100, "'town' has missing values, first in row 1"),
            (pd.Categorical(["a", None] * 100), "'town' has missing values, first in row 1"),
            (["a", 1] * 100, "'town' is object, not numeric"),
        ],
    )
    def test_what_is_no_category(self, column, complaint):
        with pytest.raises(ValuesError, match=complaint):
            FrameModel("marginal").fit(self.graph, self.frame.assign(town=column))

    def test_a_file_without_sensible_labels_is_refused(self, tmp_path):
        folder = FrameModel("marginal").fit(self.graph, self.frame).save(tmp_path / "model")
        text = (folder / HEADER).read_text()
        spoilt = text.replace('"labels": [', '"labels": [7, ', 1)
        assert spoilt != text
        (folder / HEADER).write_text(spoilt)
        with pytest.raises(SavedModelError):
            FrameModel.load(folder)
