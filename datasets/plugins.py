"""What other packages declare by entry points, and modules by name: how models, protocols and metrics are found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def points(group: str) -> list[tuple[str, str, str]]:
    """Name, address and package of every entry point of a group; the files of all installed packages are read for them.

    Looked for anew where a folder of the path has changed since, as it does when a package is installed.
    """
    from importlib import metadata  # here, because it loads the email package

    return _points(group, metadata.entry_points, *map(_stamp, sys.path))


@lru_cache(maxsize=8)
def _points(group: str, look: Callable[..., Any], *places: tuple[str, int]) -> list[tuple[str, str, str]]:
    return [(point.name, point.value, point.dist.name if point.dist else "a package") for point in look(group=group)]


def _stamp(folder: str) -> tuple[str, int]:
    try:
        return folder, os.stat(folder or os.curdir).st_mtime_ns
    except OSError:
        return folder, 0


def imported(module: str) -> ModuleType:
    """A module by name, looked for in the working directory too. Raises what importing it raises."""
    top = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != top or str(Path.cwd()) in sys.path:
            raise
    sys.path.append(str(Path.cwd()))  # an installed command does not search it; last, so that it shadows nothing
    return import_module(module)


def module(name: str, unknown: type[Exception], what: str) -> ModuleType:
    """A module by name, as `imported`. Raises `unknown`, in whose message `what` is looked for, where that fails."""
    try:
        return imported(name)
    except ImportError as error:
        raise unknown(f"{what}: cannot import {name!r}: {error}") from error
    except Exception as error:  # an outside module's own mistake
        raise unknown(f"{what}: importing {name!r} raised {type(error).__name__}: {error}") from error


def at(address: str, unknown: type[Exception], what: str) -> Any:
    """What is at ``package.module:NAME``. Raises `unknown`, in whose message `what` is looked for, where nothing is."""
    name, _, attribute = address.partition(":")
    home = module(name, unknown, what)
    if not hasattr(home, attribute):
        raise unknown(f"{what}: module {name!r} has no {attribute!r}")
    return getattr(home, attribute)
