"""One fitted model on one's own data: pandas in, pandas out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import networkx as nx
import numpy as np
import pandas as pd
import torch
from scmbench.datasets.values import Intervention, Values, ValuesError, check_graph, from_frame, to_frame
from torch import Tensor

from ..contract.base import CausalModel
from . import saving

Do = Mapping[str, Any]
"""Column to a number, or to a `pandas.Series`, array or list with a value a row; ``(rows, d)`` for a vector node."""


class FrameModel:
    """A causal model that takes and gives data frames.

    A node of the graph is the column of its name, or the columns ``name[0], name[1], …`` for a vector; other columns
    are ignored. Names are strings or whole numbers, and labels of answers are what they were. Integer columns stay
    integer (predictions are rounded): convert what is measured on a scale to float. Categories have to be encoded as
    numbers before.

    >>> from scmbench.models import load
    >>> frame = pd.DataFrame({"dose": [0.0, 1.0, 2.0, 3.0], "effect": [1.0, 3.0, 5.0, 7.0]})
    >>> model = FrameModel(load("linear")()).fit(nx.DiGraph([("dose", "effect")]), frame)
    >>> model.counterfactual(frame, do={"dose": 10.0})["effect"].round(6).tolist()
    [21.0, 21.0, 21.0, 21.0]
    """

    def __init__(self, model: CausalModel):
        self.model = model
        self._like: Values = {}

    def fit(self, graph: nx.DiGraph, frame: pd.DataFrame, *, seed: int = 0) -> Self:
        """Learn from the rows of `frame`; returns self.

        Raises `ValuesError` for a cycle, for a name that is no string or whole number or could mean two things,
        and for a column that is missing, there twice, not numeric, or has NaN.
        """
        check_names(graph)
        data = from_frame(frame, check_graph(graph))
        _check_columns(data)
        self.model.fit(graph, data, seed=seed)
        self._like = {node: x[:0] for node, x in data.items()}
        return self

    def sample(self, n: int, do: Do | None = None, *, seed: int = 0) -> pd.DataFrame:
        """``n`` rows of all nodes, observational or under `do`. Raises `ValuesError` for a `do` that does not fit."""
        self._fitted()
        return to_frame(self.model.sample(n, self._intervention(do or {}, pd.RangeIndex(n)), seed=seed))

    def counterfactual(self, frame: pd.DataFrame, do: Do, *, seed: int = 0) -> pd.DataFrame:
        """What every node would have been in each row of `frame` under `do`; the index is that of `frame`.

        A Series in `do` is aligned by its index, an array goes by position. Raises `ValuesError` as `fit` does, and for
        a `do` that does not fit.
        """
        self._fitted()
        factual = {node: _as_fitted(node, x, self._like[node]) for node, x in from_frame(frame, self._like).items()}
        answer = to_frame(self.model.counterfactual(factual, self._intervention(do, frame.index), seed=seed))
        return answer.set_index(frame.index)

    def save(self, folder: Path | str) -> Path:
        """Write the fitted model into `folder` (see `saving`). Raises `Unsupported` as that does."""
        self._fitted()
        return saving.save(self.model, folder, like=self._like)

    @classmethod
    def load(cls, folder: Path | str, *, model: str | None = None) -> Self:
        """The model that `save` wrote; `model` and what is raised are those of `saving.load`."""
        loaded = cls(saving.load(folder, model=model))
        loaded._like = saving.saved_like(Path(folder))
        return loaded

    def _fitted(self) -> None:
        if not self._like:
            raise ValuesError("the model is not fitted yet: call fit(graph, frame) first")

    def _intervention(self, do: Do, index: pd.Index) -> Intervention:
        return {node: _value(node, value, index) for node, value in do.items()}


def check_names(nodes: Iterable[Hashable]) -> None:
    """Names of nodes are strings or whole numbers, all of one kind. Raises `ValuesError` that shows one that is not."""
    nodes = list(nodes)
    for node in nodes:
        if isinstance(node, bool) or not isinstance(node, str | Integral):
            what = type(node).__name__
            raise ValuesError(f"the node {node!r} is named by a {what}: rename it to a string or a whole number")
        if isinstance(node, str) and any("\ud800" <= letter <= "\udfff" for letter in node):
            raise ValuesError(f"the node {node!r} has half a surrogate pair in its name, which is no text: rename it")
    if len({isinstance(node, str) for node in nodes}) > 1:
        text, number = (next(v for v in nodes if isinstance(v, str) is kind) for kind in (True, False))
        raise ValuesError(
            f"some nodes are named by strings, such as {text!r}, others by numbers, such as {number!r}: name all alike"
        )


def _check_columns(data: Values) -> None:
    """Raises `ValuesError` where a vector's column has the name of another node."""
    labels = Counter(label for node, x in data.items() for label in to_frame({node: x[:0]}))
    if shared := [label for label, count in labels.items() if count > 1]:
        raise ValuesError(f"the column {shared[0]!r} is a node and a component of another node: rename one of them")


def _value(node: str, value: Any, index: pd.Index) -> float | int | Tensor:
    """A number, or a tensor with a value for each row of `index`."""
    if isinstance(value, pd.Series | pd.DataFrame):
        if not value.index.equals(index):
            lacking = index.difference(value.index)
            if len(lacking) or value.index.has_duplicates:
                raise ValuesError(
                    f"do({node!r}): its index lacks {len(lacking)} of the rows, such as {list(lacking[:3])}"
                )
            value = value.loc[index]
        value = value.to_numpy()
    array = np.asarray(value)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise ValuesError(f"do({node!r}): expected numbers, got {value!r}; encode categories as in the training data")
    if array.ndim == 0:
        return array.item()
    return torch.tensor(array.astype("int64" if np.issubdtype(array.dtype, np.integer) else "float64"))


def _as_fitted(node: str, x: Tensor, like: Tensor) -> Tensor:
    """A column in the type and width it was fitted with."""
    if x.shape[1:] != like.shape[1:]:
        raise ValuesError(
            f"node {node!r} has shape {tuple(x.shape[1:])} a row; the model was fitted on {tuple(like.shape[1:])}"
        )
    if not like.is_floating_point() and (x != x.round()).any():
        raise ValuesError(f"column {node!r} has fractions; the model was fitted on integers")
    return x.to(like.dtype)
