"""Values and interventions: the one type that samples, factual rows and answers share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Number, Real
from typing import Any, TypeAlias

import networkx as nx
import pandas as pd
import torch
from torch import Tensor

from .errors import UserError

Values: TypeAlias = dict[str, Tensor]
"""Samples: node name to a tensor ``(n, *event)``; scalar ``(n,)``, vector ``(n, d)``, image ``(n, c, h, w)``."""

Intervention: TypeAlias = Mapping[str, "float | int | Tensor"]
"""Node to value: a Python scalar or 0-d tensor broadcasts; any other tensor has leading dimension ``n`` or 1."""


class ValuesError(UserError, ValueError):
    """Data or an intervention that does not fit: the message names the node and says what was expected."""


def n_rows(values: Mapping[str, Tensor]) -> int:
    """Number of rows ``n`` that all nodes share. Raises `ValuesError` where they differ or there is no node."""
    if not values:
        raise ValuesError("values hold no node at all")
    n = None
    for node, x in values.items():
        if x.ndim == 0:
            raise ValuesError(f"node {node!r} is a single number; expected a tensor with rows first")
        if n is None:
            n = x.shape[0]
        if x.shape[0] != n:
            raise ValuesError(f"node {node!r} has shape {tuple(x.shape)}; expected {n} rows like the others")
    return n or 0


def is_image(x: Tensor) -> bool:
    """Whether these are images ``(n, c, h, w)``, float32: the one kind of real node that is not float64."""
    return x.ndim == 4 and x.dtype == torch.float32


def real_dtype(x: Tensor) -> torch.dtype:
    """What a real node is kept in: images ``(n, c, h, w)`` float32, since there are many pixels, all else float64."""
    return torch.float32 if x.ndim == 4 else torch.float64


def check_values(values: Mapping[str, Tensor], nodes: Iterable[str], *, what: str = "data") -> int:
    """Check that all nodes are there, with equal rows and finite values.

    Args:
        values: Node to tensor ``(n, *event)``.
        nodes: The nodes that have to be there.
        what: What messages call the values.

    Returns:
        The number of rows n.

    Raises:
        ValuesError: It names the missing node, the odd shape, or the first row with NaN or infinity.
    """
    nodes = list(nodes)
    missing = [v for v in nodes if v not in values]
    if missing:
        raise ValuesError(f"{what} lack the column(s) {missing}; there are {sorted(values)}")
    for node in nodes:
        if not isinstance(values[node], Tensor):
            raise ValuesError(f"{what}: {node!r} is a {type(values[node]).__name__}, expected a torch.Tensor")
    n = n_rows({node: values[node] for node in nodes})
    for node in nodes:
        bad = ~torch.isfinite(values[node]).reshape(n, values[node].shape[1:].numel()).all(1)
        if bad.any():
            row = int(bad.nonzero()[0])
            raise ValuesError(f"{what}: {node!r} has NaN or infinity in {int(bad.sum())} row(s), first in row {row}")
    return n


def expand(do: Intervention | None, n: int, like: Mapping[str, Tensor]) -> Values:
    """Interventions as tensors ``(n, *event)`` of the dtype and event shape that `like` has for each node.

    Args:
        do: Node to a number or a tensor; None sets nothing.
        n: Number of rows.
        like: Node to a tensor ``(any, *event)`` of its type and shape.

    Returns:
        The values to set, ``{node: (n, *event)}``, new tensors.

    Raises:
        ValuesError: For what is no dict, a node that `like` does not have, NaN or infinity, a fraction for an integer
            node, a whole number that its type does not hold, or a shape that does not broadcast.

    >>> expand({"x": 0.1}, 2, {"x": torch.zeros(2, dtype=torch.float64)})["x"].tolist()
    [0.1, 0.1]
    """
    expanded: Values = {}
    for node, value in _mapping(do).items():
        if node not in like:
            raise ValuesError(f"do: unknown node {node!r}; the graph has {sorted(like)}")
        event, dtype, device = like[node].shape[1:], like[node].dtype, like[node].device
        if not isinstance(value, Real | Tensor):
            raise ValuesError(f"do({node!r}): expected a number or a torch.Tensor, got {type(value).__name__}")
        a = torch.as_tensor(value, dtype=None if isinstance(value, Tensor) else torch.float64).detach()
        if not torch.isfinite(a).all():
            raise ValuesError(f"do({node!r}): the value has NaN or infinity")
        if a.is_floating_point() and not dtype.is_floating_point and (a != a.round()).any():
            cure = "round it, or make the column real before the fit"
            raise ValuesError(f"do({node!r}): {node!r} takes integers, the value has fractions: {cure}")
        if (lost := ~held_by(a, dtype)).any():
            value = a[lost].flatten()[0].item()
            raise ValuesError(f"do({node!r}): {value:g} is beyond {dtype}, the type of {node!r}")
        a = a.to(dtype=dtype, device=device)
        if a.ndim and a.shape not in {(n, *event), (1, *event)}:
            raise ValuesError(
                f"do({node!r}): shape {tuple(a.shape)}; expected a scalar, {(1, *event)} or {(n, *event)}"
            )
        expanded[node] = a.expand(n, *event).clone()
    return expanded


def held_by(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Which values of `x` a whole-numbered type holds, as bytes do 0 to 255; real types hold all.

    >>> held_by(torch.tensor([0.0, 1.0, 2.0, -1.0]), torch.bool).tolist()
    [True, True, False, False]
    """
    if dtype.is_floating_point:
        return torch.ones_like(x, dtype=torch.bool)
    wide = x.double() if x.is_floating_point() else x.to(torch.int64)
    return wide.to(dtype).to(wide.dtype) == wide


def batch(do: Intervention) -> int:
    """The number of rows that an intervention speaks of: that of its tensors, 1 where they all broadcast.

    >>> batch({"x": 0.5}), batch({"x": 0.5, "y": torch.zeros(3)})
    (1, 3)
    """
    return max((len(a) for a in _mapping(do).values() if isinstance(a, Tensor) and a.ndim), default=1)


def _mapping(do: Intervention | None) -> Intervention:
    if do is not None and not isinstance(do, Mapping):
        raise ValuesError(f"do={do!r}: expected a dict of node to value, such as {{'x': 1.0}}")
    return do or {}


def check_graph(graph: nx.DiGraph) -> list[str]:
    """Return the nodes in topological order, ties by name. Raises `ValuesError` that spells out a cycle.

    >>> check_graph(nx.DiGraph([("z", "y"), ("x", "y")]))
    ['x', 'z', 'y']
    """
    if not graph.is_directed():
        raise ValuesError("the graph is undirected; expected a networkx.DiGraph with edges from cause to effect")
    try:
        return list(nx.lexicographical_topological_sort(graph))
    except nx.NetworkXUnfeasible:
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        loop = " -> ".join(map(repr, [*cycle, cycle[0]]))
        raise ValuesError(f"the graph has a cycle: {loop}; a causal graph must not") from None


def parents(graph: nx.DiGraph, node: str) -> list[str]:
    """Parents of `node` in sorted-name order, the order in which every mechanism receives them."""
    return sorted(graph.predecessors(node))


def rows(values: Mapping[str, Tensor], index: Tensor | slice) -> Values:
    """The chosen rows of every node."""
    return {node: x[index] for node, x in values.items()}


def concat(parts: Sequence[Mapping[str, Tensor]]) -> Values:
    """Stack samples of the same nodes row-wise, in the order of the first."""
    return {node: torch.cat([part[node] for part in parts]) for node in parts[0]}


def flatten(values: Mapping[str, Tensor], nodes: Sequence[str]) -> Tensor:
    """Side-by-side matrix ``(n, Σ event sizes)`` of the chosen nodes, in the order given, float64."""
    n = n_rows(values)
    columns = [values[node].reshape(n, values[node].shape[1:].numel()).double() for node in nodes]
    return torch.cat(columns, dim=1) if columns else torch.empty(n, 0, dtype=torch.float64)


def to_frame(values: Mapping[str, Tensor]) -> pd.DataFrame:
    """Data frame with one column a scalar node and columns ``name[0], name[1], …`` for a vector node.

    Args:
        values: Node to tensor, ``(n,)`` or ``(n, d)``.

    Returns:
        A frame of n rows.

    Raises:
        ValuesError: For images, which do not belong into a table.
    """
    columns = {}
    for node, x in values.items():
        if x.ndim > 2:
            raise ValuesError(f"node {node!r} has shape {tuple(x.shape)}: only scalars and vectors fit a data frame")
        if x.ndim == 1:
            columns[node] = x.cpu().numpy()
        else:
            columns.update({f"{node}[{j}]": x[:, j].cpu().numpy() for j in range(x.shape[1])})
    return pd.DataFrame(columns)


def columns_of(frame: pd.DataFrame, node: Hashable) -> list[Any]:
    """The columns that hold a node: the one of its name, or ``name[0], name[1], …`` of a vector; none of them: []."""
    if node in frame.columns:
        return [node]
    vector: list[Any] = []
    while f"{node}[{len(vector)}]" in frame.columns:
        vector.append(f"{node}[{len(vector)}]")
    return vector


def from_frame(frame: pd.DataFrame, nodes: Iterable[str]) -> Values:
    """The columns of some nodes as values, float64 (integers and booleans int64); columns ``name[j]`` form a vector.

    Args:
        frame: One column a scalar node, columns ``name[0], name[1], …`` a vector node; others are left out.
        nodes: The nodes to take.

    Returns:
        Node to tensor, ``(n,)`` or ``(n, d)``.

    Raises:
        ValuesError: For what is no data frame, a missing column, one that is there twice, one that is not numeric (a
            categorical has to be encoded first), missing values, infinity, and whole numbers beyond 64 bits.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValuesError(f"expected a pandas.DataFrame, got a {type(frame).__name__}")
    if frame.columns.nlevels > 1:
        raise ValuesError(f"the table's columns have {frame.columns.nlevels} levels; name each column by one label")
    values: Values = {}
    for node in nodes:
        names = columns_of(frame, node)
        if not names:
            raise ValuesError(f"the table has no column {node!r}; it has {frame.columns.tolist()}")
        for name in names:
            if list(frame.columns).count(name) > 1:
                raise ValuesError(f"the table has more than one column {name!r}")
            _check_column(frame[name], name)
        integer = all(pd.api.types.is_integer_dtype(frame[v]) or pd.api.types.is_bool_dtype(frame[v]) for v in names)
        array = frame[names].to_numpy(dtype="int64" if integer else "float64")
        values[node] = torch.tensor(array[:, 0] if names == [node] else array)
    check_values(values, values, what="the table")
    return values


def _check_column(column: pd.Series, name: Hashable) -> None:
    """Raises `ValuesError` that says why a column is no numbers, or in which row a number is missing."""
    absent = column.isna().to_numpy()
    if absent.any():
        row = int(absent.argmax())
        raise ValuesError(f"column {name!r} has missing values, first in row {row}")
    dtype = column.dtype
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_complex_dtype(column):
        cure = "encode its categories as numbers"
        if pd.api.types.is_datetime64_any_dtype(column) or isinstance(dtype, pd.PeriodDtype):
            cure = "write its dates as numbers, such as days since the first"
        elif pd.api.types.is_timedelta64_dtype(column):
            cure = "write its durations as numbers: .dt.total_seconds()"
        elif pd.api.types.is_complex_dtype(column):
            cure = "give real and imaginary parts a column each"
        elif pd.api.types.is_object_dtype(column) and all(isinstance(v, Number | Decimal) for v in column):
            cure = "its entries are numbers in Python objects: convert it with .astype(float)"
        raise ValuesError(f"column {name!r} is {dtype}, not numeric: {cure}")
    if (
        pd.api.types.is_unsigned_integer_dtype(column)
        and len(column)
        and int(column.max()) > torch.iinfo(torch.int64).max
    ):
        raise ValuesError(f"column {name!r} has {column.max()}, beyond the whole numbers that 64 bits hold: use float")
