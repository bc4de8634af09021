"""What an interactive session or a notebook has defined, as texts: its classes and functions live in no file."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any


def definitions(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Every function and class of a module that has no file, and every function of its classes, by qualified name.

    Functions say their source, as far as the session kept it (IPython does, a plain interpreter before 3.13 does not),
    else their bytecode; a class says its bases and its plain attributes. A method that a later cell replaced is the one
    that counts.
    """
    for value in list(vars(module).values()):
        if isinstance(value, FunctionType | type) and value.__module__ == module.__name__:
            yield from _told(value.__qualname__, value)


def _told(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if isinstance(value, FunctionType):
        yield name, _source(value)
    elif isinstance(value, property):
        for part in filter(None, (value.fget, value.fset, value.fdel)):
            yield from _told(f"{name}.{part.__name__}", part)
    elif isinstance(value, type):
        yield name, " ".join(f"{base.__module__}.{base.__qualname__}" for base in value.__bases__)
        for inner, part in vars(value).items():
            if isinstance(part, FunctionType | staticmethod | classmethod | property | type):
                yield from _told(f"{name}.{inner}", part)
            elif not inner.startswith("__") and " at 0x" not in (said := repr(part)):
                yield f"{name}.{inner}", said


def _source(function: FunctionType) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return _bytecode(function.__code__)


def _bytecode(code: CodeType) -> str:
    consts = (_bytecode(x) if isinstance(x, CodeType) else repr(x) for x in code.co_consts)
    return " ".join([code.co_code.hex(), *code.co_names, *code.co_varnames, *consts])
