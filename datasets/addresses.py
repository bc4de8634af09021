"""Worlds of others by where they are: ``my_worlds.py``, ``package.module``, and after a colon the name of one of them.

Importing the module registers its worlds. `home` remembers which address gave a world, so that another process, which
is told the name, can look there too (`get`).
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import plugins, registry
from .registry import UnknownDataset

if TYPE_CHECKING:
    from .problem import Dataset
    from .scm import SCM

_HOMES: dict[str, str] = {}
"""Name to the address that gave it; of a file the absolute path."""

_GIVEN: dict[str, set[str]] = {}
"""Module to the worlds that importing it registered, where other modules define them, too."""

_FILE = re.compile(r"(.+\.py)(?::(.*))?", re.DOTALL)
_MODULE = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*)(?::(.*))?", re.DOTALL)


def resolve(text: str, *, folder: Path | None = None) -> list[str]:
    """Full names of the worlds that `text` stands for: a name or short form (`registry.resolve`), or an address.

    An address is the path of a Python file or the name of a module, and stands for all worlds that importing it
    registers. After a colon there may be the name of one of them, short forms allowed; or that of a function which
    returns equations or an `SCM` and is not registered, or of an `SCM`: it becomes the world ``my_worlds/NAME``.

    Args:
        text: Such as ``triangle``, ``my_worlds.py``, ``my_package.worlds`` or ``my_worlds.py:detour``.
        folder: Where a relative path begins; where there is no such file, it begins in the working directory.

    Returns:
        The names that fit; at least one.

    Raises:
        UnknownDataset: Where there are none, and where a module cannot be imported, with what was looked for and why.
    """
    if found := _FILE.fullmatch(text):
        return _at(_path(found[1], folder), found[2] or "")
    found = _MODULE.fullmatch(text)
    if found and (found[2] is not None or (not _is_name(text) and _is_module(text))):
        return _at(found[1], found[2] or "")
    return registry.resolve(text)


def home(name: str) -> str:
    """The address that gave the world of this name; empty for one that is found by its name alone."""
    return _HOMES.get(name, "")


def get(name: str, address: str = "") -> Dataset:
    """The dataset of exactly this name, from its `home` where the name alone does not find it.

    Raises:
        UnknownDataset: Where it is not there.
    """
    if address and name not in registry.registered():
        resolve(address)
    return registry.get(name)


def _path(text: str, folder: Path | None) -> Path:
    places = [Path(os.path.abspath((folder or Path()) / text)), Path(os.path.abspath(text))]
    for path in places:
        if path.is_file():
            return path
    raise UnknownDataset(f"no file {text!r} with worlds; looked for {' and '.join(map(str, dict.fromkeys(places)))}")


def _is_name(text: str) -> bool:
    try:
        return bool(registry.resolve(text))
    except UnknownDataset as error:
        return "ambiguous" in error.args[0]


def _is_module(text: str) -> bool:
    """Whether there is such a module, in the working directory too; why it cannot be imported is told when it is."""
    path = Path(*text.split("."))
    if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
        return True
    try:
        return find_spec(text) is not None
    except ModuleNotFoundError:
        return False
    except Exception:  # of a package above it
        return True


def _at(place: Path | str, name: str) -> list[str]:
    """The worlds of a file or module, or those of them that `name` stands for."""
    before = set(registry.registered())
    module = _of_file(place) if isinstance(place, Path) else _imported(place, place)
    worlds = registry.registered()
    own = {each for each, world in worlds.items() if _is_below(world.module, module.__name__)}
    new = {each for each in set(worlds) - before if not _is_below(worlds[each].module, "scmbench")}
    given = _GIVEN.setdefault(module.__name__, set())
    given |= own | new
    found = sorted(given & set(worlds))
    for each in found:
        _HOMES.setdefault(each, str(place))
    if name:
        return _chosen(found, name, module, place)
    if not found:
        raise UnknownDataset(f"{place} registers no worlds; write @register above each, or {place}:NAME for a function")
    return found


def _chosen(found: list[str], name: str, module: ModuleType, place: Path | str) -> list[str]:
    try:
        return registry.resolve(name, found)
    except UnknownDataset:
        if not hasattr(module, name):
            what = f"it registers {found}" if found else "it registers no worlds"
            raise UnknownDataset(f"{place} has no world and no function {name!r}; {what}") from None
    world = getattr(module, name)
    for each in found:
        dataset = registry.get(each)
        if world in (dataset, getattr(dataset, "function", None)):
            return [each]
    full = f"{module.__name__.replace('.', '/')}/{name}"
    try:
        if full not in registry.registered():
            full = _register(full, world, module)
    except ValueError as error:
        raise UnknownDataset(f"{place}:{name}: {error}") from None
    _HOMES[full] = f"{place}:{name}"
    return [full]


def _register(full: str, world: Any, module: ModuleType) -> str:
    """Register what stands at the top of a module and is not registered. Raises `ValueError` for what is no world."""
    from .problem import Dataset
    from .scm import SCM

    if isinstance(world, Dataset):
        return registry.add(world).name
    if isinstance(world, SCM):
        registry.register(full)(_returning(world, module))
    elif inspect.isfunction(world) and _needs(world) <= {"seed"}:
        registry.register(full)(world)
    else:
        what = f"a function of {sorted(_needs(world))}" if inspect.isfunction(world) else f"a {type(world).__name__}"
        raise ValueError(f"it is {what}; expected one that returns equations, of nothing or of the seed, or an SCM")
    return full


def _returning(world: SCM, module: ModuleType) -> Callable[[], SCM]:
    def build() -> SCM:
        return world

    build.__module__, build.__doc__ = module.__name__, module.__doc__
    return build


def _needs(function: Callable[..., Any]) -> set[str]:
    return {name for name, each in inspect.signature(function).parameters.items() if each.default is each.empty}


def _is_below(module: str, above: str) -> bool:
    return f"{module}.".startswith(f"{above}.")


def _of_file(path: Path) -> ModuleType:
    """The module of a file, under the name that its package gives it; the folder above joins the path, last."""
    if "." in path.stem:
        raise UnknownDataset(f"{path}: a module's name has no dots; rename the file")
    folder, names = path.parent, [] if path.name == "__init__.py" else [path.stem]
    while (folder / "__init__.py").is_file():
        folder, names = folder.parent, [folder.name, *names]
    name = ".".join(names)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    importlib.invalidate_caches()
    if (taken := _origin(name)) and not (os.path.exists(taken) and path.samefile(taken)):
        raise UnknownDataset(f"{path}: the module name {name!r} is that of {taken}; rename the file")
    return _imported(name, path)


def _origin(name: str) -> str:
    """What importing a module of this name would take; empty where that is told when it is imported."""
    if name in sys.modules:
        return str(getattr(sys.modules[name], "__file__", None) or "a part of Python")
    try:
        spec = find_spec(name)
    except Exception:  # of a package above it
        return ""
    return str(spec.origin or name) if spec else ""


def _imported(name: str, place: Path | str) -> ModuleType:
    return plugins.module(name, UnknownDataset, f"the worlds of {place}")
