"""What a question about frames means: values and functions of `do`, which factual values it needs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import torch
from scmbench.datasets.values import Intervention, Values, ValuesError, expand, to_frame
from torch import Tensor

from .labels import Labels

Do = Mapping[str, Any]
"""Column to a number, to a `pandas.Series`, array or list with a value a row (``(rows, d)`` for a vector node), or to a
function of the node's natural value, such as ``lambda x: 1.1 * x``, which gets and gives a Series (a frame). A column
of labels is set to its labels."""

Natural = Callable[[str, Intervention], Tensor]
"""A node's natural value ``(n, *event)`` under the interventions so far."""


def resolve(do: Do, order: list[str], like: Values, labels: Labels, index: pd.Index, natural: Natural) -> Values:
    """`do` as tensors ``(n, *event)``, functions applied to natural values in topological order.

    Raises `ValuesError` for an unknown node, and values that are no numbers (no labels of the node), or not one a row.
    """
    if not isinstance(do, Mapping):
        raise ValuesError(f"do={do!r}: expected a dict of column to value")
    fixed = {node: value_of(node, labels.code(node, value), index) for node, value in do.items() if not callable(value)}
    forced = expand(fixed, len(index), like)
    if unknown := [node for node in do if node not in like]:
        raise ValuesError(f"do: unknown node {unknown[0]!r}; the graph has {sorted(like)}")
    for node in order:
        if node in do and callable(do[node]):
            x = labels.decode(to_frame({node: natural(node, forced)}).set_index(index), types=False)
            try:
                moved = do[node](x.get(node, x))
            except Exception as error:  # the caller's own function
                what = f"{type(error).__name__}: {error}"
                raise ValuesError(f"do({node!r}): its function fails on {len(x)} values: {what}") from error
            forced |= expand({node: value_of(node, labels.code(node, moved), index)}, len(index), like)
    return forced


def value_of(node: str, value: Any, index: pd.Index) -> float | int | Tensor:
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
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if array.dtype == object and all(isinstance(v, int | float | np.number) for v in array.flat):
        array = array.astype("float64")
    if array.dtype.kind not in "biuf":
        what = "a number, one a row (Series, array, list), or a function of the node's own value"
        raise ValuesError(f"do({node!r}): expected {what}, got {value!r}")
    if array.dtype.kind == "u" and array.size and int(array.max()) > np.iinfo("int64").max:
        raise ValuesError(f"do({node!r}): {array.max()} is beyond the whole numbers that 64 bits hold")
    if array.ndim == 0:
        return array.item()
    return torch.tensor(array.astype("float64" if array.dtype.kind == "f" else "int64"))


def needed(graph: nx.DiGraph, asked: Iterable[str]) -> set[str]:
    """The nodes whose factual values a counterfactual of the nodes `asked` rests on: themselves and their ancestors.

    Noise is inferred from a node and its parents; nothing below a node and nothing beside it has a say.
    """
    asked = set(asked)
    return asked.union(*(nx.ancestors(graph, node) for node in asked))


def whole(value: Any, name: str, *, least: int | None = None) -> int:
    """An argument that counts. Raises `ValuesError` that names it for a fraction, a float or a boolean."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_) or (least is not None and number < least):
        expected = "a whole number" if least is None else f"a whole number from {least}"
        raise ValuesError(f"{name}={value!r}: expected {expected}")
    return number
