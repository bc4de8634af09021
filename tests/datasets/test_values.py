"""Values: what is accepted, what is refused, and that a refusal names the culprit."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from scmbench.datasets import ValuesError
from scmbench.datasets.values import (
    check_graph,
    check_values,
    concat,
    expand,
    flatten,
    from_frame,
    n_rows,
    parents,
    rows,
    to_frame,
)

LIKE = {
    "x": torch.zeros(4, dtype=torch.float64),
    "v": torch.zeros(4, 3).double(),
    "k": torch.zeros(4, dtype=torch.int64),
}


def test_a_float_is_not_rounded_to_single_precision():
    assert expand({"x": 0.1}, 4, LIKE)["x"].tolist() == [0.1] * 4
    assert expand({"x": np.float64(0.1)}, 4, LIKE)["x"].tolist() == [0.1] * 4


def test_interventions_broadcast_by_scalar_single_row_or_row():
    assert expand({"v": 2}, 4, LIKE)["v"].tolist() == [[2.0] * 3] * 4
    row = torch.arange(3.0).double()
    assert expand({"v": row[None]}, 4, LIKE)["v"].tolist() == [row.tolist()] * 4
    each = torch.arange(4.0).double()
    assert expand({"x": each}, 4, LIKE)["x"].tolist() == each.tolist()
    assert expand({"k": 3}, 4, LIKE)["k"].dtype == torch.int64
    assert expand(None, 4, LIKE) == {}


def test_expanded_interventions_share_no_memory_with_the_argument():
    value = torch.zeros(4).double()
    expand({"x": value}, 4, LIKE)["x"].add_(1)
    assert value.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ({"nope": 1.0}, r"unknown node 'nope'.*\['k', 'v', 'x'\]"),
        ({"x": float("nan")}, r"do\('x'\).*NaN"),
        ({"x": torch.tensor([0.0, float("inf"), 0.0, 0.0])}, r"do\('x'\).*infinity"),
        ({"x": torch.zeros(5)}, r"do\('x'\): shape \(5,\).*\(1,\) or \(4,\)"),
        ({"v": torch.zeros(3)}, r"do\('v'\): shape \(3,\)"),
        ({"x": "high"}, r"do\('x'\).*str"),
        ({"x": [1.0] * 4}, r"do\('x'\).*list"),
        ({"k": 0.5}, r"do\('k'\).*integers"),
        ({"k": torch.tensor([0.0, 1.0, 2.0, 2.5])}, r"do\('k'\).*integers"),
    ],
)
def test_a_bad_intervention_is_refused_by_name(do, message):
    with pytest.raises(ValuesError, match=message):
        expand(do, 4, LIKE)


def test_check_values_names_missing_columns_odd_shapes_and_the_first_bad_row():
    good = {"a": torch.zeros(3), "b": torch.zeros(3, 2)}
    assert check_values(good, ["a", "b"]) == n_rows(good) == 3
    with pytest.raises(ValuesError, match=r"the answer lack the column\(s\) \['c'\]"):
        check_values(good, ["a", "c"], what="the answer")
    with pytest.raises(ValuesError, match=r"'b' has shape \(2, 2\).*3 rows"):
        check_values({**good, "b": torch.zeros(2, 2)}, ["a", "b"])
    with pytest.raises(ValuesError, match="'a' is a single number"):
        check_values({"a": torch.tensor(1.0)}, ["a"])
    with pytest.raises(ValuesError, match="'a' is a list"):
        check_values({"a": [1.0]}, ["a"])  # type: ignore[dict-item]
    with pytest.raises(ValuesError, match=r"'b' has NaN or infinity in 1 row\(s\), first in row 2"):
        check_values({**good, "b": torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, torch.nan]])}, ["a", "b"])
    with pytest.raises(ValuesError, match="no node"):
        n_rows({})


def test_a_cycle_is_spelled_out_and_a_graph_must_be_directed():
    with pytest.raises(ValuesError, match=r"cycle: ('b' -> 'c' -> 'b'|'c' -> 'b' -> 'c')"):
        check_graph(nx.DiGraph([("a", "b"), ("b", "c"), ("c", "b")]))
    with pytest.raises(ValuesError, match="cycle: 'a' -> 'a'"):
        check_graph(nx.DiGraph([("a", "a")]))
    with pytest.raises(ValuesError, match="undirected"):
        check_graph(nx.Graph([("a", "b")]))  # type: ignore[arg-type]


def test_topological_order_breaks_ties_by_name_whatever_the_insertion_order():
    edges = [("z", "y"), ("b", "y"), ("a", "y")]
    assert check_graph(nx.DiGraph(edges)) == check_graph(nx.DiGraph(edges[::-1])) == ["a", "b", "z", "y"]
    assert parents(nx.DiGraph(edges), "y") == ["a", "b", "z"]


def test_rows_concat_and_flatten():
    values = {"v": torch.arange(6.0).reshape(3, 2), "x": torch.arange(3)}
    assert concat([rows(values, slice(0, 1)), rows(values, slice(1, 3))])["v"].equal(values["v"])
    flat = flatten(values, ["x", "v"])
    assert flat.dtype == torch.float64
    assert flat.tolist() == [[0, 0, 1], [1, 2, 3], [2, 4, 5]]
    assert flatten(values, []).shape == (3, 0)


def test_frames_there_and_back():
    values = {"x": torch.randn(5).double(), "v": torch.randn(5, 2).double(), "k": torch.arange(5)}
    frame = to_frame(values)
    assert list(frame.columns) == ["x", "v[0]", "v[1]", "k"]
    back = from_frame(frame, values)
    assert all(back[node].equal(values[node]) and back[node].dtype == values[node].dtype for node in values)
    with pytest.raises(ValuesError, match=r"'image' has shape \(2, 1, 3\)"):
        to_frame({"image": torch.zeros(2, 1, 3)})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"b": [1.0]}), r"no column 'a'; it has \['b'\]"),
        (pd.DataFrame({"a": ["low", "high"]}), "'a' is .*encode its categories"),
        (pd.DataFrame({"a": pd.Categorical(["low", "high"])}), "'a' is category"),
        (pd.DataFrame({"a": [1.0, None, 3.0]}), "'a' has missing values, first in row 1"),
        (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), "'a' has missing values, first in row 1"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "'a' has NaN or infinity.*row 1"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "more than one column 'a'"),
    ],
)
def test_a_bad_table_is_refused_by_column(frame, message):
    with pytest.raises(ValuesError, match=message):
        from_frame(frame, ["a"])
