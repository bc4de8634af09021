"""The state of a fitted model as JSON and tensors, and back: nothing is pickled, no code is run."""

from __future__ import annotations

import importlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn

from ..contract.base import Unsupported

PACKAGES = ("scmbench.models", "torch.nn", "torch.distributions", "pyro.distributions", "pyro.nn", "zuko")
"""Where classes and functions of a state may come from, beside the package of the model itself."""

HOOKS = tuple(name for name in vars(nn.Module()) if "hooks" in name and not name.endswith(("_with_kwargs", "_called")))
_REGISTERED = ("_parameters", "_buffers", "_modules")
_INTERNAL = frozenset(vars(nn.Module())) - {"training", *_REGISTERED}


class StateError(ValueError):
    """A state that cannot be read: the message says what is wrong with it."""


class Writer:
    """Turns objects into plain JSON values; their tensors are collected in `tensors`.

    Objects are kept as their class' address and their attributes. What can be kept: plain values, tensors, arrays,
    containers, networks (`torch.nn.Module`), graphs, and objects, classes and functions of the allowed packages.
    """

    def __init__(self, package: str = ""):
        self.packages = _packages(package)
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # a living object's id is nobody else's

    def write(self, x: Any, path: str = "model") -> Any:
        """JSON for `x`. Raises `Unsupported` that names the attribute (below `path`) that cannot be kept."""
        if x is None or type(x) in (bool, int, str):
            return x
        if isinstance(x, float | np.floating):
            return float(x) if math.isfinite(x) else {"$float": str(float(x))}
        if isinstance(x, np.integer | np.bool_):
            return x.item()
        if isinstance(x, list) and type(x) is list:
            return [self.write(item, f"{path}[{i}]") for i, item in enumerate(x)]
        for kind, tag, parts, _ in _CONTAINERS:
            if type(x) is kind and isinstance(x, Mapping):
                return {tag: [[self.write(k, path), self.write(v, f"{path}[{k!r}]")] for k, v in x.items()]}
            if type(x) is kind:
                return {tag: [self.write(part, f"{path}[{i}]") for i, part in enumerate(parts(x))]}
        if isinstance(x, torch.dtype | torch.device):
            return {"$torch": str(x)}
        if isinstance(x, Tensor):
            return self._tensor(x)
        if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
            return {"$array": self._tensor(torch.from_numpy(x.copy()))["$tensor"]}
        if isinstance(x, type | FunctionType | BuiltinFunctionType):
            return {"$name": self._address(x, path)}
        return self._object(x, path)

    def _tensor(self, x: Tensor) -> dict[str, Any]:
        if id(x) not in self._names:
            self._names[id(x)] = name = str(len(self._names))
            self._kept.append(x)
            self.tensors[name] = x.detach().cpu().contiguous().clone()
        tagged: dict[str, Any] = {"$tensor": self._names[id(x)]}
        if isinstance(x, nn.Parameter):
            tagged["learns"] = x.requires_grad
        return tagged

    def _object(self, x: Any, path: str) -> dict[str, Any]:
        if id(x) in self._seen:
            return {"$same": self._seen[id(x)]}
        if not hasattr(x, "__dict__"):
            raise Unsupported(f"{path} is a {_full_name(type(x))}, which cannot be saved without pickling it")
        address = self._address(type(x), path)
        number = self._seen[id(x)] = len(self._seen)
        self._kept.append(x)
        attributes = dict(vars(x))
        if isinstance(x, nn.Module):
            if hooked := [name for name in HOOKS if attributes.get(name)]:
                raise Unsupported(f"{path} is a network with {hooked[0].strip('_')}, which cannot be saved")
            attributes = {name: value for name, value in attributes.items() if name not in _INTERNAL}
        return {
            "$object": address,
            "number": number,
            "attributes": {name: self.write(value, f"{path}.{name}") for name, value in attributes.items()},
        }

    def _address(self, x: Any, path: str) -> str:
        module, name = getattr(x, "__module__", None) or "", x.__qualname__
        if not _inside(module, self.packages) or "<" in name:
            what = "is a" if isinstance(x, type) else "is the function"
            raise Unsupported(f"{path} {what} {module}.{name}, which cannot be saved without pickling it")
        return f"{module}:{name}"


class Reader:
    """Rebuilds what a `Writer` wrote. Classes are looked up, never called; only allowed packages are imported."""

    def __init__(self, tensors: Mapping[str, Tensor], package: str = ""):
        self.packages = _packages(package)
        self.tensors = tensors
        self._parameters: dict[str, nn.Parameter] = {}
        self._objects: dict[int, Any] = {}

    def read(self, x: Any) -> Any:
        """The object behind JSON. Raises `StateError`."""
        if isinstance(x, list):
            return [self.read(item) for item in x]
        if not isinstance(x, dict):
            return x
        tag = next(iter(x), "")
        content = x.get(tag)
        for _, name, _, make in _CONTAINERS:
            if tag == name:
                return make([self.read(part) for part in _list(content)])
        reader = {
            "$float": float,
            "$torch": _torch,
            "$tensor": lambda name: self._tensor(name, x.get("learns")),
            "$array": lambda name: self._stored(name).numpy(),
            "$name": self._find,
            "$same": self._same,
            "$object": lambda address: self._object(address, x),
        }.get(tag)
        if reader is None:
            raise StateError(f"the state has an entry of unknown kind {tag!r}")
        return reader(content)

    def _tensor(self, name: Any, learns: bool | None) -> Tensor:
        if learns is None:
            return self._stored(name)
        if name not in self._parameters:
            self._parameters[name] = nn.Parameter(self._stored(name), requires_grad=bool(learns))
        return self._parameters[name]

    def _stored(self, name: Any) -> Tensor:
        if name not in self.tensors:
            raise StateError(f"the tensor {name!r} is missing")
        return self.tensors[name]

    def _same(self, number: Any) -> Any:
        if number not in self._objects:
            raise StateError(f"the state refers to an object {number!r} that it does not have")
        return self._objects[number]

    def _find(self, address: Any) -> Any:
        module, _, name = str(address).partition(":")
        if not _inside(module, self.packages):
            raise StateError(f"the state names {address!r}; only {sorted(self.packages)} may be named")
        try:
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise StateError(f"the state names {address!r}, which is not there: {error}") from None
        home = getattr(found, "__module__", None) or ""  # a module's attribute may be from somewhere else
        if not isinstance(found, type | FunctionType | BuiltinFunctionType) or not _inside(home, self.packages):
            raise StateError(f"the state names {address!r}, which is no class or function of {sorted(self.packages)}")
        return found

    def _object(self, address: Any, written: dict[str, Any]) -> Any:
        cls = self._find(address)
        if not isinstance(cls, type):
            raise StateError(f"the state has an object of {address!r}, which is no class")
        return self._fill(object.__new__(cls), written)

    def _fill(self, x: Any, written: dict[str, Any]) -> Any:
        self._objects[written.get("number", -1)] = x
        attributes = _dict(written.get("attributes"))
        if isinstance(x, nn.Module):
            nn.Module.__init__(x)
            for registered in _REGISTERED:
                vars(x)[registered].update(self.read(attributes.pop(registered)))
        vars(x).update({name: self.read(value) for name, value in attributes.items()})
        return x


def _graph(parts: list[Any]) -> nx.DiGraph:
    nodes, edges = parts
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    return graph


def _partial(parts: list[Any]) -> partial:
    function, arguments, keywords = parts
    return partial(function, *arguments, **keywords)


_CONTAINERS: tuple[tuple[type, str, Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]], ...] = (
    (tuple, "$tuple", list, tuple),
    (torch.Size, "$size", list, torch.Size),
    (set, "$set", lambda x: sorted(x, key=repr), set),
    (frozenset, "$frozenset", lambda x: sorted(x, key=repr), frozenset),
    (dict, "$dict", list, dict),
    (OrderedDict, "$ordered", list, OrderedDict),
    (slice, "$slice", lambda x: (x.start, x.stop, x.step), lambda parts: slice(*parts)),
    (nx.DiGraph, "$graph", lambda x: (list(x.nodes), list(x.edges)), _graph),
    (partial, "$partial", lambda x: (x.func, x.args, x.keywords), _partial),
)


def _packages(package: str) -> frozenset[str]:
    return frozenset({*PACKAGES, package} - {""})


def _inside(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _torch(text: Any) -> Any:
    kind = getattr(torch, str(text).removeprefix("torch."), None)
    return kind if isinstance(kind, torch.dtype) else torch.device(text)


def _list(x: Any) -> list[Any]:
    if not isinstance(x, list):
        raise StateError(f"the state has {type(x).__name__} where a list should be")
    return x


def _dict(x: Any) -> dict[str, Any]:
    if not isinstance(x, dict):
        raise StateError(f"the state has {type(x).__name__} where attributes should be")
    return dict(x)
