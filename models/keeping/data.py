"""Plain data as JSON and tensors, and back: no entry names a class, a function or a module."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


class DataError(ValueError):
    """JSON that `write` does not write: the message says what is wrong with it."""


class Writer:
    """Turns plain data into JSON values; what are tensors and arrays in it is collected in `tensors`.

    JSON has no tuple, no infinity, no tensor, and strings alone as keys: these become objects with the one key
    ``$tuple``, ``$float``, ``$tensor``, ``$array`` or ``$dict``.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}

    def write(self, x: Any) -> Any:
        """JSON for plain data (see `contract.fields`)."""
        if isinstance(x, float) and not math.isfinite(x):
            return {"$float": str(x)}
        if x is None or isinstance(x, bool | int | float | str):
            return x
        if isinstance(x, list):
            return [self.write(item) for item in x]
        if isinstance(x, tuple):
            return {"$tuple": [self.write(item) for item in x]}
        if isinstance(x, Mapping):
            if all(isinstance(key, str) and not key.startswith("$") for key in x):
                return {key: self.write(value) for key, value in x.items()}
            return {"$dict": [[key, self.write(value)] for key, value in x.items()]}
        if isinstance(x, np.ndarray):
            return {"$array": self._kept(torch.from_numpy(np.array(x)))}
        if isinstance(x, Tensor):
            return {"$tensor": self._kept(x)}
        raise TypeError(f"{type(x).__name__} is no plain data")

    def _kept(self, x: Tensor) -> list[Any]:
        """The tensor's name, and its dimensions from the one that is outermost in memory.

        A matrix and its transpose lie differently in memory, and products with them round differently: what is read
        again has to lie as it did.
        """
        name = str(len(self.tensors))
        order = sorted(range(x.ndim), key=lambda i: -x.stride(i))
        self.tensors[name] = x.detach().cpu().permute(order).contiguous().clone()
        return [name, *order]


class Reader:
    """Reads what a `Writer` wrote; every tensor has to be asked for, once."""

    def __init__(self, tensors: Mapping[str, Tensor]):
        self.tensors = dict(tensors)

    def read(self, x: Any) -> Any:
        """Plain data from JSON. Raises `DataError`."""
        if isinstance(x, list):
            return [self.read(item) for item in x]
        if not isinstance(x, dict):
            return x
        tag = next((key for key in x if key.startswith("$")), None)
        if tag is None:
            return {key: self.read(value) for key, value in x.items()}
        if len(x) > 1 or tag not in ("$float", "$tuple", "$dict", "$tensor", "$array"):
            raise DataError(f"there is an entry of unknown kind {tag!r}")
        content = x[tag]
        if tag == "$float":
            if content not in ("inf", "-inf", "nan"):
                raise DataError(f"{content!r} is no number")
            return float(content)
        if not isinstance(content, list):
            raise DataError(f"{tag} holds {content!r} where a list should be")
        if tag == "$tuple":
            return tuple(self.read(item) for item in content)
        if tag == "$dict":
            return self._dict(content)
        tensor = self._stored(content)
        return tensor if tag == "$tensor" else tensor.numpy()

    def finish(self) -> None:
        """Raises `DataError` for tensors that nobody has asked for."""
        if self.tensors:
            raise DataError(f"the tensor {next(iter(self.tensors))!r} belongs to nothing")

    def _dict(self, pairs: list[Any]) -> dict[Any, Any]:
        read = {}
        for pair in pairs:
            if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) in (str, int)) or pair[0] in read:
                raise DataError(f"{pair!r} is no key with its value, or is there twice")
            read[pair[0]] = self.read(pair[1])
        return read

    def _stored(self, entry: list[Any]) -> Tensor:
        name, *order = entry or [None]
        if not isinstance(name, str) or name not in self.tensors:
            raise DataError(f"the tensor {name!r} is missing")
        # A copy of its own, aligned in memory as a new tensor is: sums over it are rounded alike.
        stored = self.tensors.pop(name).clone()
        if any(type(i) is not int for i in order) or sorted(order) != list(range(stored.ndim)):
            raise DataError(f"{order!r} are not the dimensions of the tensor {name!r}")
        return stored.permute([order.index(i) for i in range(stored.ndim)])
