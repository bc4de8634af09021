"""The fields that a fitted model is kept as: which ones a class declares, what they may hold, and how they come back.

A saved model is data: a class names its fields in `saves`, their types are its annotations. Saving turns their values
into *plain data* (`lower`): numbers, strings, booleans, None, tensors, arrays, and lists, tuples and dicts of these.
Loading checks plain data against the same annotations and puts it back (`lift`), each object through its class' own
constructor. Which class that is always stands in the code, never in the data.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

import networkx as nx
import numpy as np
from torch import Tensor

ARRAYS = "fiub"
"""Kinds of numpy arrays that are data: floats, integers, booleans."""


class FieldError(ValueError):
    """A field that is missing, unknown, of another type than declared, or no data: one line that names it."""


class Saves:
    """What can be kept as data: a class that names its `saves`, or writes `saved` and `restore` itself."""

    saves: ClassVar[tuple[str, ...] | None] = None
    """The attributes that `fit` has set and that answers need; None where the class does not say.

    Their annotations in the class body are checked when a saved model is read. An attribute without one may hold plain
    data of any kind; one that holds a frozen dataclass, a `networkx.DiGraph` or another class with `saves` needs its
    annotation.
    """

    def saved(self) -> dict[str, Any]:
        """The fields as plain data. Raises `FieldError` for a class without `saves` and for what is no data."""
        if self.saves is None:
            name = type(self).__name__
            raise FieldError(
                f"{name} does not declare its fields: give it `saves = (...)`, the attributes that fit sets"
            )
        if lacking := [name for name in self.saves if not hasattr(self, name)]:
            raise FieldError(f"{type(self).__name__} has no {', '.join(map(repr, lacking))}: it is not fitted")
        hints = field_types(type(self))
        return {name: lower(getattr(self, name), hints.get(name, Any), name) for name in self.saves}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """Take the fields that `saved` gave, on a new object with the same options; returns self.

        Raises `FieldError` for a field that is missing, unknown or of another type.
        """
        hints = {name: field_types(type(self)).get(name, Any) for name in self.saves or ()}
        for name, value in lift_fields(fields, hints, type(self).__name__).items():
            setattr(self, name, value)
        return self


def field_types(cls: Any) -> dict[str, Any]:
    """The annotations of a class (inherited ones too) or function; none where one of them cannot be resolved."""
    try:
        return get_type_hints(cls)
    except NameError:  # a name that only a type checker imports
        return {}


def lower(x: Any, hint: Any, path: str) -> Any:
    """Plain data for `x`. Raises `FieldError` that says where (`path`) something else is held, or another type."""
    if isinstance(x, np.generic) and x.dtype.kind in ARRAYS:
        x = x.item()
    elif isinstance(x, Tensor):
        x = x.detach()
    elif isinstance(x, list | tuple) and type(x) in (list, tuple):
        x = type(x)(lower(item, part, f"{path}[{i}]") for i, (item, part) in enumerate(_parts(x, hint, path)))
    elif isinstance(x, Mapping):
        key, value = _of_mapping(hint)
        x = {_name(k, key, path): lower(v, value, f"{path}[{k!r}]") for k, v in x.items()}
    elif isinstance(x, nx.DiGraph) and nx.DiGraph in _members(hint):
        x = {
            "nodes": [_name(v, Any, path) for v in x],
            "edges": [tuple(_name(v, Any, path) for v in e) for e in x.edges()],
        }
    elif isinstance(x, Saves) and type(x) in _members(hint):
        x = x.saved()
    elif is_dataclass(x) and type(x) in _members(hint):
        hints = field_types(type(x))
        x = {f.name: lower(getattr(x, f.name), hints[f.name], f"{path}.{f.name}") for f in dataclass_fields(x)}
    elif not (
        x is None or type(x) in (bool, int, float, str) or (isinstance(x, np.ndarray) and x.dtype.kind in ARRAYS)
    ):
        raise FieldError(f"{path} is a {type(x).__module__}.{type(x).__qualname__}, which is no data")
    lift(x, hint, path)  # what could not be read is not written
    return x


def lift(x: Any, hint: Any, path: str) -> Any:
    """The value of plain data `x` under the annotation `hint`. Raises `FieldError` where they do not fit."""
    members = _members(hint)
    if len(members) > 1:
        return _lift_union(x, members, path)
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return x
    if origin is Literal:
        fits = any(type(x) is type(choice) and x == choice for choice in arguments)
    elif origin in (list, tuple, Sequence) or hint in (list, tuple):
        if fits := isinstance(x, (list, tuple) if origin is Sequence else origin or hint):
            return type(x)(lift(item, part, f"{path}[{i}]") for i, (item, part) in enumerate(_parts(x, hint, path)))
    elif origin in (dict, Mapping) or hint in (dict, Mapping):
        if fits := isinstance(x, dict):
            key, value = _of_mapping(hint)
            return {_name(k, key, path): lift(v, value, f"{path}[{k!r}]") for k, v in x.items()}
    elif hint is nx.DiGraph:
        return _graph(lift_fields(x, {"nodes": list, "edges": list[tuple[Any, Any]]}, path))
    elif isinstance(hint, type) and issubclass(hint, Saves):
        return hint.__new__(hint).restore(lift(x, dict, path))
    elif isinstance(hint, type) and is_dataclass(hint):
        hints = field_types(hint)
        return _made(hint, lift_fields(x, {f.name: hints[f.name] for f in dataclass_fields(hint)}, path), path)
    elif hint is float:
        fits = type(x) in (int, float)
    else:
        fits = isinstance(hint, type) and (
            type(x) is hint or (isinstance(x, Tensor | np.ndarray) and isinstance(x, hint))
        )
    if not fits:
        raise FieldError(f"{path} is {_kind(x)}, expected {_text(hint)}")
    return x


def lift_fields(fields: Any, hints: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The values of named fields. Raises `FieldError` for one that is missing, unknown or mistyped."""
    if not isinstance(fields, Mapping):
        raise FieldError(f"{path} is {_kind(fields)}, expected the fields {sorted(hints)}")
    if missing := [name for name in hints if name not in fields]:
        raise FieldError(f"{path} lacks the field {missing[0]!r}")
    if unknown := [name for name in fields if name not in hints]:
        raise FieldError(f"{path} has an unknown field {unknown[0]!r}")
    return {name: lift(fields[name], hint, f"{path}.{name}") for name, hint in hints.items()}


def _lift_union(x: Any, members: Sequence[Any], path: str) -> Any:
    complaints = []
    for member in members:
        try:
            return lift(x, member, path)
        except FieldError as error:
            complaints.append(error)
    # The member that came furthest knows best what is wrong.
    raise max(complaints, key=lambda error: len(str(error).partition(" ")[0]))


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _parts(x: Sequence[Any], hint: Any, path: str) -> list[tuple[Any, Any]]:
    """Every item with its annotation."""
    for member in _members(hint):
        origin, arguments = get_origin(member), get_args(member)
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is ...):
            if len(arguments) != len(x):
                raise FieldError(f"{path} has {len(x)} items, expected {len(arguments)}")
            return list(zip(x, arguments, strict=True))
        if origin in (list, tuple, Sequence):
            return [(item, arguments[0]) for item in x]
    return [(item, Any) for item in x]


def _of_mapping(hint: Any) -> tuple[Any, Any]:
    for member in _members(hint):
        if get_origin(member) in (dict, Mapping):
            key, value = get_args(member)
            return key, value
    return Any, Any


def _name(key: Any, hint: Any, path: str) -> Any:
    """A key. Names of nodes are strings or whole numbers, whatever the annotation of a mapping calls them."""
    if isinstance(key, np.integer):
        key = int(key)
    if type(key) not in (str, int):
        raise FieldError(f"{path} has the name {key!r}, {_kind(key)}; names are strings or whole numbers")
    if hint in (int, float):
        lift(key, hint, path)
    return key


def _graph(parts: Mapping[str, Any]) -> nx.DiGraph:
    nodes, edges = parts["nodes"], parts["edges"]
    graph = nx.DiGraph()
    graph.add_nodes_from(_name(v, Any, "graph") for v in nodes)
    if strange := [v for edge in edges for v in edge if v not in graph]:
        raise FieldError(f"the graph has an edge of {strange[0]!r}, which is none of its nodes")
    graph.add_edges_from(edges)
    return graph


def _made(cls: type, values: Mapping[str, Any], path: str) -> Any:
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise FieldError(f"{path}: {error}") from None


def _kind(x: Any) -> str:
    return f"a {type(x).__name__}" if x is not None else "None"


def _text(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
