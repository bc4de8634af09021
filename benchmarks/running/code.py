"""Which code makes a record's numbers: digests of syntax trees, one of the method, the world and the questions each.

An integer of a method, world or protocol says that outcomes moved, and is part of a record's key. This is for the one
that was forgotten: it stands beside the numbers and is no part of the key, so that an edit computes nothing anew by
itself, and that of a line is told (`records.staleness`).
"""

from __future__ import annotations

import hashlib
from functools import cache

from scmbench.datasets import Dataset
from scmbench.models.contract import registry

from ..records import staleness
from . import fingerprint, imports
from .canonical import canonical

QUESTIONS = "scmbench.benchmarks.questions.protocols"
"""Asks and scores; it imports the queries and the metrics."""


def of(model: type, dataset: Dataset, asking: frozenset[str] = frozenset()) -> str:
    """The code behind the numbers of a model class on a dataset, as a text that `records.staleness` compares.

    `asking` are modules from outside that ask or score.

    A part covers the modules that define it (of a method also those that it is `made_of`) and all that they import from
    scmbench, as far down as that goes; of a package from outside all its files. Docstrings, comments and formatting do
    not count. What is installed beside (torch, NumPy) is told by the versions in a record's provenance, and what
    carries out a run (planner, processes, store) is no part of it.
    """
    classes = [model, *(registry.load(name) for name in getattr(model, "made_of", ()))]
    worlds = {dataset.module, *(cls.__module__ for cls in type(dataset).__mro__)}
    return staleness.text(
        method=_current(frozenset(cls.__module__ for one in classes for cls in one.__mro__)),
        world=_current(frozenset(worlds)),
        questions=_current(frozenset([QUESTIONS]) | asking),
    )


def _current(modules: frozenset[str]) -> str:
    """`_of_modules`, kept but where a session may have defined something anew."""
    kept = all(map(fingerprint.has_files, fingerprint.outside(modules)))
    return (_of_modules if kept else _of_modules.__wrapped__)(modules)


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
