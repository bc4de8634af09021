"""Models on data frames: what goes in, what comes out, what is refused."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scmbench.datasets.values import ValuesError
from scmbench.models import load
from scmbench.models.keeping.frames import FrameModel
from scmbench.models.linear import LinearGaussian

GRAPH = nx.DiGraph([("dose", "effect"), ("age", "effect")])


def frame(n=40):
    rng = np.random.default_rng(0)
    dose, age = rng.normal(size=n), rng.integers(20, 60, size=n)
    effect = 2 * dose - 0.1 * age + rng.normal(size=n)
    columns = {"name": ["patient"] * n, "age": age, "effect": effect, "dose": dose}
    return pd.DataFrame(columns, index=pd.Index([f"row {i}" for i in range(n)], name="who"))


@pytest.fixture
def model():
    return FrameModel(load("linear")()).fit(GRAPH, frame())


def test_samples_are_frames_with_a_column_a_node(model):
    sample = model.sample(7, do={"dose": 1})
    assert set(sample.columns) == {"age", "dose", "effect"}
    assert len(sample) == 7
    assert (sample["dose"] == 1).all()
    assert sample["age"].dtype == "int64"
    assert sample["dose"].dtype == "float64"
    pd.testing.assert_frame_equal(sample, model.sample(7, do={"dose": 1}, seed=0))
    assert not sample["effect"].equals(model.sample(7, do={"dose": 1}, seed=1)["effect"])


def test_counterfactuals_keep_the_index_and_answer_row_by_row(model):
    rows = frame().iloc[5:9]
    answer = model.counterfactual(rows, do={"dose": rows["dose"] + 1})
    assert answer.index.equals(rows.index)
    slope = model.model.mechanisms["effect"].W[0, model.model.parents["effect"].index("dose")].item()
    np.testing.assert_allclose(answer["effect"] - rows["effect"], slope)
    assert answer["age"].tolist() == rows["age"].tolist()


def test_a_series_is_aligned_and_an_array_goes_by_position(model):
    rows = frame().iloc[:4]
    values = pd.Series([0.0, 1.0, 2.0, 3.0], index=rows.index)
    by_index = model.counterfactual(rows, do={"dose": values.iloc[::-1]})
    by_place = model.counterfactual(rows, do={"dose": [0.0, 1.0, 2.0, 3.0]})
    pd.testing.assert_frame_equal(by_index, by_place)
    assert by_place["dose"].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValuesError, match=r"do\('dose'\): its index lacks 2 of the rows, such as \['row 2', 'row 3'\]"):
        model.counterfactual(rows, do={"dose": values.iloc[:2]})


def test_vector_nodes_are_numbered_columns():
    data = frame().rename(columns={"dose": "dose[0]"}).assign(**{"dose[1]": 1.0})
    model = FrameModel(load("linear")()).fit(GRAPH, data)
    sample = model.sample(3, do={"dose": np.array([[1.0, 2.0]] * 3)})
    assert sample[["dose[0]", "dose[1]"]].to_numpy().tolist() == [[1, 2]] * 3
    answer = model.counterfactual(data, do={"dose": data[["dose[0]", "dose[1]"]]})
    pd.testing.assert_series_equal(answer["effect"], data["effect"])
    with pytest.raises(ValuesError, match="'dose' has shape"):
        model.counterfactual(frame(), do={})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.drop(columns="dose"), "no column 'dose'"),
        (lambda f: f.assign(dose=f["dose"].where(f["dose"] < 1)), "'dose' has missing values, first in row"),
        (lambda f: f.assign(age=[1, "old"] * 20), "'age' is object, not numeric: encode"),
        (lambda f: pd.concat([f, f[["dose"]]], axis=1), "more than one column 'dose'"),
    ],
)
def test_frames_that_are_refused(model, spoil, message):
    with pytest.raises(ValuesError, match=message):
        FrameModel(load("linear")()).fit(GRAPH, spoil(frame()))
    with pytest.raises(ValuesError, match=message):
        model.counterfactual(spoil(frame()), do={"dose": 1.0})


def test_words_are_no_rows_of_a_model_of_numbers(model):
    for words in ("old", pd.Categorical(["old"] * 40)):
        with pytest.raises(ValuesError, match=r"'age' is .*, not numeric: encode"):
            model.counterfactual(frame().assign(age=words), do={"dose": 1.0})


def test_cycles_are_spelt_out():
    with pytest.raises(ValuesError, match=r"cycle: .*'dose' -> 'effect'|cycle: .*'effect' -> 'dose'"):
        FrameModel(load("linear")()).fit(nx.DiGraph([("dose", "effect"), ("effect", "dose")]), frame())


def test_interventions_that_are_refused(model):
    with pytest.raises(ValuesError, match="unknown node 'weight'"):
        model.sample(3, do={"weight": 1.0})
    with pytest.raises(ValuesError, match=r"do\('dose'\): expected a number, one a row .*, got 'high'"):
        model.sample(3, do={"dose": "high"})
    with pytest.raises(ValuesError, match=r"do\('dose'\): shape \(2,\)"):
        model.sample(3, do={"dose": [1.0, 2.0]})
    with pytest.raises(ValuesError, match="'age' takes integers"):
        model.sample(3, do={"age": 30.5})


def test_factual_rows_come_in_the_fitted_type(model):
    rows = frame().head(3).astype({"age": "float64"})
    assert model.counterfactual(rows, do={})["age"].dtype == "int64"
    with pytest.raises(ValuesError, match="column 'age' has fractions"):
        model.counterfactual(rows.assign(age=[20.5, 30, 40]), do={})


def test_a_model_that_was_not_fitted_says_so():
    with pytest.raises(ValuesError, match=r"call fit\(graph, frame\) first"):
        FrameModel(load("linear")()).sample(3)


class Wide(LinearGaussian):
    """Its answer, give or take `level`."""

    def _interval(self, factual, forced, level, *, seed):
        answer = self._counterfactual(factual, forced, seed=seed)
        return {node: torch.stack([x - level, x + level], 1) for node, x in answer.items()}


def test_intervals_are_two_answers_side_by_side_with_labels_and_gaps():
    graph = nx.DiGraph([("dose", "cured"), ("dose", "effect")])
    rows = frame()[["dose", "effect"]]
    rows = rows.assign(cured=np.where(rows["dose"] > 0, "yes", "no"))
    model = FrameModel(Wide).fit(graph, rows)
    asked = rows.iloc[:3].assign(effect=[1.0, np.nan, 2.0])
    found = model.interval(asked, do={"dose": 0.1}, level=0.9)
    assert found.index.equals(asked.index)
    assert found["low"]["dose"].tolist() == found["high"]["dose"].tolist() == [0.1] * 3
    assert (found["low"]["cured"].tolist(), found["high"]["cured"].tolist()) == (["no"] * 3, ["yes"] * 3)
    point = model.counterfactual(asked, do={"dose": 0.1})["effect"].iloc[0]
    assert [found[end]["effect"].iloc[0] - point for end in ("low", "high")] == pytest.approx([-0.9, 0.9])
    assert found["low"]["effect"].isna().tolist() == [False, True, False]
    assert list(model.interval(asked, do={"dose": 1.0}, nodes=["effect"])["high"]) == ["effect"]
    with pytest.raises(ValuesError, match="level=2"):
        model.interval(asked, do={"dose": 1.0}, level=2)
