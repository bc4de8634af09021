"""Which version of outside code is this: a digest of its package's files and of its release."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path

from scmbench.datasets import Dataset

from . import imports, sessions
from .canonical import canonical


def of_model(cls: type) -> str:
    """What tells versions of a model class from outside scmbench apart; empty for one from inside (`of_modules`)."""
    code = of_modules(frozenset(base.__module__ for base in cls.__mro__))
    return _digest([code, cls.__module__, cls.__qualname__]) if code else ""


def of_dataset(dataset: Dataset) -> str:
    """What tells versions of a dataset from outside scmbench apart; empty for one from inside (`of_modules`)."""
    return of_modules(frozenset([dataset.module]))


def of_modules(modules: frozenset[str]) -> str:
    """A digest of the outside packages that these modules belong to: 16 hexadecimal digits, empty where there is none.

    It covers the syntax tree of every ``.py`` file of their top-level packages, or of the file itself of a module that
    is in no package, and the version of the installed release that provides them. So an edit or a new release is
    another version; a comment, a docstring, another formatting, moving a folder or touching a file is not. What they
    import from elsewhere does not count: a new release of a wrapped package is told by the versions in a record's
    provenance, and by the method's own `version`.

    Of an interactive session or a notebook it covers what is defined there now (`sessions.definitions`).
    """
    own = outside(modules)
    if not own:
        return ""
    code = sorted(said for name in own for said in (_of_files(name) if has_files(name) else _all_said(name)))
    return _digest(code + sorted(set().union(*map(_releases, own))))


def _all_said(name: str) -> tuple[str, ...]:
    """Not kept for a session, where a cell may define a class anew."""
    return tuple(f"{where}\0{_said(text)}" for where, text in texts(name))


_of_files = cache(_all_said)


def _said(text: str) -> str:
    """What a source file says; one that is no Python (of this version) says itself."""
    tree = imports.parsed(text)
    return text if tree is None else canonical(tree)


def outside(modules: Iterable[str]) -> list[str]:
    """The top-level names of those modules that are neither of scmbench, nor of Python, nor of what scmbench needs."""
    return sorted({_top(module) for module in modules if _is_outside(_top(module))})


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="backslashreplace")).hexdigest()[:16]


def _top(module: str) -> str:
    return module.partition(".")[0]


def _is_outside(name: str) -> bool:
    """Neither scmbench, nor Python, nor a package that scmbench needs."""
    return name != "scmbench" and name not in sys.stdlib_module_names and not _distributions(name) & _needed()


@cache
def _needed() -> frozenset[str]:
    names = (re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires("scmbench") or () if "extra ==" not in line)
    return frozenset(map(_normal, names))


@cache
def _installed() -> dict[str, frozenset[str]]:
    return {name: frozenset(map(_normal, found)) for name, found in packages_distributions().items()}


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _distributions(name: str) -> frozenset[str]:
    return _installed().get(name, frozenset())


def _releases(name: str) -> set[str]:
    return {f"{distribution} {version(distribution)}" for distribution in _distributions(name)}


def _root(name: str) -> Path | None:
    """The folder of a package, or the file of a single module; None for what has no source file."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    found = spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
    return Path(found[0]) if found else None


def has_files(name: str) -> bool:
    """Whether a package or module has source files; what an interactive session defines has none."""
    return _root(name) is not None


def texts(name: str) -> Iterator[tuple[str, str]]:
    """Every source file of a package or module, by its path below the folder that holds it; of a session, its
    definitions."""
    root = _root(name)
    if root is None:
        if module := sys.modules.get(name):
            yield from ((f"{name}:{where}", text) for where, text in sessions.definitions(module))
    else:
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            if path.suffix == ".py":
                yield path.relative_to(root.parent).as_posix(), path.read_text(encoding="utf-8", errors="replace")
