"""Where compiled loops are kept on disk: in a folder named after everything that they are compiled from.

numba's own cache asks whether the file changed in which a function stands. It does not look at the functions that this
one calls elsewhere, nor at the constants that it takes from other modules, all of which are in its machine code: after
an edit or an upgrade of a shared kernel, training would go on with the old one, without a word.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

EARLIER = 3
"""How many folders of earlier sources stay beside the one in use, so that going back and forth compiles nothing."""


@cache
def digest(folder: Path) -> str:
    """16 hexadecimal digits that change with the sources and releases from which loops in `folder` are compiled.

    Sources are the ``.py`` files of `folder` and of the folder of this file, from which alone compiled functions may
    take what they call and what constants they read (a test holds that). Of the processor and of Python numba keeps
    account itself.
    """
    found = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {np.__version__}".encode())
    for path in sorted({*folder.glob("*.py"), *Path(__file__).resolve().parent.glob("*.py")}):
        text = path.read_bytes()
        found.update(f"\0{path.parent.name}/{path.name} {len(text)}\0".encode() + text)
    return found.hexdigest()[:16]


class _Folder(_CacheLocator):
    """A folder ``scmbench-<digest>`` at the place that numba has chosen.

    That is the user's ``NUMBA_CACHE_DIR``, else ``__pycache__`` beside the source, else (where that cannot be written)
    the user's own cache.
    """

    def __init__(self, chosen: Any):
        self._chosen, self._py_file = chosen, chosen._py_file
        self._digest = digest(Path(chosen._py_file).resolve().parent)

    def get_cache_path(self) -> str:
        return os.path.join(self._chosen.get_cache_path(), f"scmbench-{self._digest}")

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return self._chosen.get_disambiguator()

    def ensure_cache_path(self) -> None:
        """Make the folder, and where it is new, remove the oldest of the others."""
        path = Path(self.get_cache_path())
        new = not path.exists()
        super().ensure_cache_path()
        if new:
            with suppress(OSError):  # another process is removing them as well
                others = [other for other in path.parent.glob("scmbench-*") if other != path]
                for other in sorted(others, key=os.path.getmtime, reverse=True)[EARLIER:]:
                    shutil.rmtree(other, ignore_errors=True)


class _Implementation(CompileResultCacheImpl):
    def __init__(self, function: Any):
        super().__init__(function)
        self._locator = _Folder(self._locator)


class _Cache(FunctionCache):
    _impl_class = _Implementation


def keep(function: Any) -> Any:
    """Let a function that numba compiles be kept on disk; returns it.

    Warns where no folder can be written; it is then compiled anew by every process, which takes seconds to a minute.
    """
    if not hasattr(function, "py_func"):  # NUMBA_DISABLE_JIT: there is nothing to keep
        return function
    try:
        function._cache = _Cache(function.py_func)
    except RuntimeError:
        where = inspect.getfile(function.py_func)
        warnings.warn(
            f"{where}: no folder can be written to keep compiled code in, so that every process compiles anew; "
            "set NUMBA_CACHE_DIR to a folder that can be written",
            stacklevel=3,
        )
    return function
