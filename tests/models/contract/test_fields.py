"""Declared fields: what they may hold, how they come back, and what is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import networkx as nx
import numpy as np
import pytest
import torch
from scmbench.models.contract.fields import FieldError, Saves, lift, lower
from torch import Tensor


@dataclass(frozen=True)
class Layer:
    weights: Tensor
    scale: float = 1.0

    def __post_init__(self):
        if self.scale <= 0:
            raise ValueError(f"scale={self.scale}: a scale is positive")


class Fitted(Saves):
    saves = ("graph", "layers", "last", "kind", "names", "anything")
    graph: nx.DiGraph
    layers: tuple[Layer, ...]
    last: Layer | None
    kind: Literal["a", "b"]
    names: dict[str, list[int]]


def fitted():
    x = Fitted()
    x.graph = nx.DiGraph([("a", 1), (1, 2)])
    x.layers, x.last, x.kind = (Layer(torch.ones(2)), Layer(torch.zeros(0), 2)), None, "b"
    x.names, x.anything = {"a": [1, 2], 3: []}, {"x": (None, np.arange(3.0), np.float64(2), True)}
    return x


def test_fields_come_back():
    x, again = fitted(), Fitted().restore(fitted().saved())
    assert list(again.graph.nodes) == ["a", 1, 2]
    assert list(again.graph.edges) == list(x.graph.edges)
    assert [layer.scale for layer in again.layers] == [1.0, 2]
    assert torch.equal(again.layers[0].weights, torch.ones(2))
    assert (again.last, again.kind, again.names) == (None, "b", x.names)
    assert again.anything["x"][1].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"forward": 1}, "unknown field 'forward'"),
        ({"__class__": "x"}, "unknown field '__class__'"),
        ({"kind": "c"}, r"kind is a str, expected typing\.Literal"),
        ({"layers": []}, "layers is a list, expected"),
        ({"layers": ({"weights": [1.0], "scale": 1.0},)}, r"layers\[0\]\.weights is a list, expected Tensor"),
        ({"layers": ({"weights": torch.ones(1)},)}, r"layers\[0\] lacks the field 'scale'"),
        ({"layers": ({"weights": torch.ones(1), "scale": 1.0, "more": 2},)}, "unknown field 'more'"),
        ({"layers": ({"weights": torch.ones(1), "scale": True},)}, "scale is a bool, expected float"),
        ({"layers": ({"weights": torch.ones(1), "scale": -1.0},)}, "scale=-1.0: a scale is positive"),
        ({"last": {"weights": 1, "scale": 1.0}}, r"last\.weights is a int, expected Tensor"),
        ({"names": {"a": [1.5]}}, r"names\['a'\]\[0\] is a float, expected int"),
        ({"graph": {"nodes": ["a"], "edges": [("a", "b")]}}, "an edge of 'b', which is none of its nodes"),
        ({"graph": {"nodes": [("a",)], "edges": []}}, r"the name \('a',\), a tuple"),
        ({"graph": {"nodes": ["a"]}}, "lacks the field 'edges'"),
    ],
)
def test_other_fields_are_refused(change, complaint):
    with pytest.raises(FieldError, match=complaint):
        Fitted().restore(fitted().saved() | change)


def test_a_missing_field_is_named():
    saved = fitted().saved()
    del saved["kind"]
    with pytest.raises(FieldError, match="Fitted lacks the field 'kind'"):
        Fitted().restore(saved)


@pytest.mark.parametrize(
    ("x", "hint"),
    [
        (lambda: 1, Any),
        (torch.nn.Linear(1, 1), Any),
        (Layer(torch.ones(1)), Any),  # no annotation says which class it is
        (Layer(torch.ones(1)), Fitted),
        (nx.DiGraph(), Any),
        ({1.5: 2}, Any),
        ({("a", "b"): 2}, Any),
        ({1, 2}, Any),
        (b"bytes", Any),
        (np.array(["text"]), Any),
        (1.5, int),
    ],
)
def test_what_is_no_data_is_not_lowered(x, hint):
    with pytest.raises(FieldError, match=r"^field"):
        lower(x, hint, "field")


def test_a_whole_number_may_stand_for_a_real_one():
    assert lift(1, float, "x") == 1
    with pytest.raises(FieldError):
        lift(1.0, int, "x")
