"""What the contract checks before a method is asked, and what it makes of the method's answer."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import networkx as nx
import torch
from scmbench.datasets.values import Values, ValuesError, check_graph, check_values, held_by, real_dtype
from torch import Tensor

from .levels import nearest


def check_integer(value: Any, what: str, *, least: int | None = None) -> int:
    """`value` as an int, be it Python's, NumPy's or torch's. Raises `ValuesError` that says what `what` takes."""
    expected = f"expected {'an integer' if least is None else f'an integer of at least {least}'}"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValuesError(f"{what}={value!r}: {expected}") from None
    if least is not None and number < least:
        raise ValuesError(f"{what}={value!r}: {expected}")
    return number


def check_share(value: Any, what: str) -> float:
    """`value` as a float between 0 and 1. Raises `ValuesError` for anything else, both ends included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValuesError(f"{what}={value!r}: expected a number above 0 and below 1")
    return float(value)


def own_graph(graph: nx.DiGraph) -> nx.DiGraph:
    """A plain copy: nodes in topological order (ties by name), edges sorted, without attributes.

    Raises `ValuesError` for what is no directed acyclic graph.
    """
    if not isinstance(graph, nx.Graph):
        raise ValuesError(f"the graph is a {type(graph).__name__}, expected a networkx.DiGraph")
    order = check_graph(graph)
    place = {node: i for i, node in enumerate(order)}
    plain = nx.DiGraph()
    plain.add_nodes_from(order)
    plain.add_edges_from(sorted(graph.edges(), key=lambda edge: (place[edge[0]], place[edge[1]])))
    return plain


def own_rows(data: Mapping[str, Tensor], graph: nx.DiGraph) -> Values:
    """Copies of the nodes' training rows on the CPU: floats as float64, images as float32, integers as they are.

    Raises `ValuesError` for a missing column, NaN, unequal lengths or no row at all.
    """
    _check_mapping(data, "training data")
    if not check_values(data, graph, what="training data"):
        raise ValuesError("training data have no rows")
    wide = {node: real_dtype(x) if (x := data[node]).is_floating_point() else x.dtype for node in graph}
    return {node: _copied(data[node], dtype) for node, dtype in wide.items()}


def check_rows(rows: Mapping[str, Tensor], like: Values, *, what: str) -> Values:
    """Copies of rows in the types that the model was fitted on, complete, finite and of its shapes.

    Raises `ValuesError` that names the node: missing, NaN, another shape, fractions for integers.
    """
    _check_mapping(rows, what)
    check_values(rows, like, what=what)
    for node, x in like.items():
        if rows[node].shape[1:] != x.shape[1:]:
            got, event = tuple(rows[node].shape), ", ".join(map(str, ["n", *x.shape[1:]]))
            raise ValuesError(f"{what}: {node!r} has shape {got}; the model was fitted on ({event})")
        if not x.is_floating_point() and rows[node].is_floating_point():
            odd = (rows[node] != rows[node].round()).reshape(len(rows[node]), -1).any(1)
            if odd.any():
                row = int(odd.nonzero()[0])
                raise ValuesError(f"{what}: {node!r} was fitted on integers; row {row} has a fraction")
        if (lost := ~held_by(rows[node], x.dtype)).any():
            value = rows[node][lost][0].item()
            raise ValuesError(f"{what}: {node!r} was fitted on {x.dtype}, which does not hold {value:g}")
    return {node: _copied(rows[node], x.dtype) for node, x in like.items()}


def as_like(x: Tensor, like: Tensor, levels: Tensor | None = None) -> Tensor:
    """A copy of ``x (n, k)`` or ``(n, *event)`` in the event shape and type of `like`.

    A discrete node is brought to the nearest of its `levels` ``(k, d)`` (see `contract.levels`). Integers without
    levels are rounded to.
    """
    x = x.detach().reshape(len(x), *like.shape[1:])
    if levels is not None:
        x = nearest(x.to(like.device), levels)
    elif x.is_floating_point() and not like.is_floating_point():
        x = x.round()
    return x.to(device=like.device, dtype=like.dtype, copy=True)


def completed(answer: Any, like: Values, levels: Values, n: int, known: Values, *, who: str) -> Values:
    """`n` rows of every node: what is `known` as it is, the others from a method's `answer`, as the data are.

    Discrete nodes are at their `levels`. Raises `ValuesError` that names `who`, where the answer lacks a node or does
    not have its rows; `FloatingPointError` for NaN where a level should be.
    """
    _check_mapping(answer, f"{who}: the answer")
    values: Values = {}
    for node, prototype in like.items():
        if node in known:
            values[node] = known[node]
            continue
        if not isinstance(x := answer.get(node), Tensor):
            raise ValuesError(f"{who}: the answer has no tensor for {node!r}")
        if x.ndim == 0 or len(x) != n or x.numel() != n * prototype.shape[1:].numel():
            expected = (n, *prototype.shape[1:])
            raise ValuesError(f"{who}: {node!r} has shape {tuple(x.shape)}; expected {expected}")
        values[node] = as_like(x, prototype, levels.get(node))
    return values


def between(low: Values, high: Values) -> Values:
    """Two ends ``{node: (n, *event)}`` as one, ``{node: (n, 2, *event)}``."""
    return {node: torch.stack([x, high[node]], 1) for node, x in low.items()}


def ends(answer: Any, n: int, *, who: str) -> tuple[Values, Values]:
    """The lower and the upper end ``{node: (n, ...)}`` of a method's intervals ``{node: (n, 2, ...)}``.

    Raises `ValuesError` that names `who`, where a node's are no pairs or end before they begin.
    """
    _check_mapping(answer, f"{who}: the answer")
    for node, x in answer.items():
        if not isinstance(x, Tensor) or x.shape[:2] != (n, 2):
            got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise ValuesError(f"{who}: the interval of {node!r} is {got}; expected a tensor ({n}, 2, ...)")
        if bool((x[:, 0] > x[:, 1]).any()):
            raise ValuesError(f"{who}: an interval of {node!r} has its upper end first")
    return {node: x[:, 0] for node, x in answer.items()}, {node: x[:, 1] for node, x in answer.items()}


def copies(values: Mapping[str, Tensor]) -> Values:
    """Values that share no memory with the given ones."""
    return {node: x.clone() for node, x in values.items()}


def check_device(device: Any) -> None:
    """Raises `ValuesError` for the option `device` where PyTorch knows no such device, or has none here."""
    if device is None:
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValuesError(f"device={device!r} is not there: {why}; use device='cpu'") from None


def _copied(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.detach().to(device="cpu", dtype=dtype, copy=True)


def _check_mapping(values: Any, what: str) -> None:
    if not isinstance(values, Mapping):
        raise ValuesError(f"{what}: expected a dict of node to torch.Tensor, got a {type(values).__name__}")
