"""The equations of an SCM as its source says them, with all that they use: what the pages on worlds show."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from scmbench.datasets import SCM


def equations(scm: SCM) -> str:
    """The source of an SCM that is written as one function a node; generated ones have none to show."""
    lines = [written(scm.functions[node]) for node in scm.order]
    if not all(lines):
        return ""
    body = "\n".join(f'"{node}": {line},' for node, line in zip(scm.order, lines, strict=True))
    used = "\n\n".join(dict.fromkeys(helpers(scm)))
    return f"```python\n{body}\n```\n" + (f"\nwhere\n\n```python\n{used}\n```\n" if used else "")


def written(function: Any) -> str:
    """The source of a lambda, also where several share a line; empty for other functions."""
    if getattr(function, "__name__", "") != "<lambda>":
        return ""
    code = function.__code__
    source = Path(code.co_filename).read_text(encoding="utf-8")
    spots = [(line, column) for line, _, column, _ in code.co_positions() if line and column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            start, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
            if all(start <= spot <= end for spot in spots):
                return textwrap.dedent(ast.get_source_segment(source, node) or "")
    return ""


def helpers(scm: SCM) -> Iterator[str]:
    """What the equations call by name, and what that calls: functions of ours by their source, numbers by value."""
    seen: set[str] = set()
    for function in scm.functions.values():
        yield from _used(function, seen)


def _used(function: Any, seen: set[str]) -> Iterator[str]:
    inside = inspect.getclosurevars(function)
    for name, value in {**inside.nonlocals, **inside.globals}.items():
        if name not in seen:
            seen.add(name)
            yield from _defined(name, value, seen)


def _defined(name: str, value: Any, seen: set[str]) -> Iterator[str]:
    if isinstance(value, partial) and _ours(value.func):
        given = [repr(x) for x in value.args] + [f"{key}={x!r}" for key, x in value.keywords.items()]
        yield f"{name} = partial({', '.join([value.func.__name__, *given])})"
        yield from _defined(value.func.__name__, value.func, seen)
    elif _ours(value):
        source = written(value)
        yield f"{name} = {source}" if source else textwrap.dedent(inspect.getsource(value)).strip()
        yield from _used(value, seen)
    elif isinstance(value, bool | int | float | str):
        yield f"{name} = {value!r}"


def _ours(value: Any) -> bool:
    return inspect.isfunction(value) and value.__module__.startswith("scmbench.datasets")
