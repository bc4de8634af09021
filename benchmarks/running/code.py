"""Which code makes a record's numbers: digests of syntax trees, one of the method, the world and the questions each.

An integer of a method, world or protocol says that outcomes moved, and is part of a record's key. This is for the one
that was forgotten: it stands beside the numbers and is no part of the key, so that an edit computes nothing anew by
itself, and that of a line is told (`records.staleness`).
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache

from scmbench.datasets import Dataset

from ..records import staleness
from . import fingerprint, imports

QUESTIONS = "scmbench.benchmarks.questions.protocols"
"""Asks and scores; it imports the queries and the metrics."""

_SILENT = {"ctx", "kind", "type_comment", "type_ignores"}
"""Fields of syntax trees that follow from others, or from how something is written."""


def of(model: type, dataset: Dataset, asking: frozenset[str] = frozenset()) -> str:
    """The code behind the numbers of a model class on a dataset, as a text that `records.staleness` compares.

    `asking` are modules from outside that ask or score.

    A part covers the modules that define it and all that they import from scmbench, as far down as that goes; of a
    package from outside all its files. Docstrings, comments and formatting do not count. What is installed beside
    (torch, NumPy) is told by the versions in a record's provenance, and what carries out a run (planner, processes,
    store) is no part of it.
    """
    worlds = {dataset.module, *(cls.__module__ for cls in type(dataset).__mro__)}
    return staleness.text(
        method=_of_modules(frozenset(cls.__module__ for cls in model.__mro__)),
        world=_of_modules(frozenset(worlds)),
        questions=_of_modules(frozenset([QUESTIONS]) | asking),
    )


@cache
def _of_modules(modules: frozenset[str]) -> str:
    """12 hexadecimal digits that change with the code of these modules and of what they import from scmbench."""
    entrances, parts = set(modules), []
    for name in fingerprint.outside(modules):
        for where, text in fingerprint.texts(name):
            tree = imports.parsed(text)
            parts.append(f"{where} {text if tree is None else canonical(tree)}")
            entrances |= set(imports.named(tree, name)) if tree else set()
    parts += [f"{module} {_of_module(module)}" for module in sorted(imports.reached(frozenset(entrances)))]
    return hashlib.sha256("\0".join(parts).encode(errors="backslashreplace")).hexdigest()[:12]


@cache
def _of_module(module: str) -> str:
    path = imports.source(module)
    return canonical(imports.tree(path)) if path else ""


def canonical(tree: ast.AST) -> str:
    """A syntax tree as a text that is the same in all versions of Python, texts that stand by themselves left out.

    >>> canonical(ast.parse("x = 1  # one")) == canonical(ast.parse('"What x is."\\nx = (1)'))
    True
    """
    found: list[str] = []
    _write(tree, found)
    return "".join(found)


def _write(node: object, found: list[str]) -> None:
    if isinstance(node, ast.Constant):
        found.append(f"{type(node.value).__name__} {node.value!r}")
    elif isinstance(node, ast.AST):
        found.append(f"{type(node).__name__}(")
        for name, value in ast.iter_fields(node):
            if name not in _SILENT and value is not None and value != []:
                found.append(f"{name}=")
                _write(value, found)
                found.append(",")
        found.append(")")
    elif isinstance(node, list):
        found.append("[")
        for item in node:
            if not _is_a_docstring(item):
                _write(item, found)
                found.append(",")
        found.append("]")
    else:
        found.append(repr(node))


def _is_a_docstring(node: object) -> bool:
    """A text as a statement, which does nothing, wherever it stands."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
