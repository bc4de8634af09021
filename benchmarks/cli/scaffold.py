"""Skeletons of new models and worlds: working code that passes its own tests, to be changed bit by bit."""

from __future__ import annotations

import keyword
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import click
from scmbench.datasets.errors import UserError
from scmbench.datasets.files.whole import staged

from .arguments import say

TEMPLATES = {
    "mechanism": ("model", "my-method", {"mechanism.py": "my_method.py"}),
    "joint": ("model", "my-method", {"joint.py": "my_method.py"}),
    "scm": ("scm", "my-worlds", {"my_worlds.py": "my_worlds.py", "my_worlds.toml": "my_worlds.toml"}),
}
"""Shape to its folder under templates/, the name that stands in it, and files that other shapes do not have."""

COMMON = ("README.md", "pyproject.toml", "test_{module}.py")
ROOMS = {"model": "models", "scm": "datasets"}


class ScaffoldError(UserError, ValueError):
    """A name or a folder that cannot be used; the message says why."""


@dataclass(frozen=True)
class Skeleton:
    """What was written: `folder` to work in, `files` there, and the `address` of the model class or worlds module.

    `register` is a line for the registry where the skeleton is a model of scmbench itself, empty elsewhere.
    """

    folder: Path
    files: tuple[Path, ...]
    address: str
    register: str = ""


def write(shape: str, name: str, out: Path) -> Skeleton:
    """Write the skeleton of a ``mechanism``, ``joint`` model or ``scm`` called `name`.

    Into a new folder ``out/name``, a package of its own with an entry point; or, where `out` is a checkout of scmbench,
    a module in ``models/`` or ``datasets/`` and its test. Raises `ScaffoldError` for a name that is no package name or
    names an importable module, and where a file is there already.
    """
    folder, placeholder, own = TEMPLATES[shape]
    name = name.replace("_", "-")
    module = _module(name)
    inside = is_checkout(out)
    words = dict(zip(_spellings(placeholder), _spellings(name), strict=True))
    template = _spellings(placeholder)[1]
    sources = {**own, **{f.format(module=template): f.format(module=template) for f in COMMON}}
    if inside:
        room = ROOMS[folder]
        address = f"scmbench.{room}.{module}"
        words |= {
            f"from {template} import": f"from {address} import",
            f"import {template}  # noqa": f"from scmbench.{room} import {module}  # noqa",
        }
        places = {f"{template}.py": out / room / f"{module}.py"}
        places[f"test_{template}.py"] = out / "tests" / room / f"test_{module}.py"
    else:
        if find_spec(module):
            raise ScaffoldError(f"{name!r}: there is a module {module!r} already, which it would hide; choose another")
        address = module
        places = {target: out / name / target.replace(template, module) for target in sources.values()}
    if there := sorted(str(path) for path in places.values() if path.exists()):
        raise ScaffoldError(f"{there} exist already; choose another name or folder")
    with staged(out) as aside:
        for source, target in sources.items():
            if target in places:
                text = resources.files("scmbench.benchmarks").joinpath("templates", folder, source).read_text("utf-8")
                place = aside / places[target].relative_to(out)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(_replace(text, words), encoding="utf-8")
    if folder == "model":
        address = f"{address}:{_spellings(name)[2]}"
    line = f'"{name}": "{address}",' if inside and folder == "model" else ""
    return Skeleton(out if inside else out / name, tuple(places.values()), address, line)


def is_checkout(folder: Path) -> bool:
    """Whether `folder` is the root of a checkout of scmbench."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return project.get("project", {}).get("name") == "scmbench"


def _module(name: str) -> str:
    module = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(module):
        raise ScaffoldError(f"{name!r} cannot name a package; write lower-case words joined by hyphens: my-method")
    return module


def _spellings(name: str) -> tuple[str, str, str]:
    """``my-method``, ``my_method``, ``MyMethod``."""
    return name, name.replace("-", "_"), "".join(part.capitalize() for part in name.split("-"))


def _replace(text: str, words: Mapping[str, str]) -> str:
    """All words at once, the longest first, so that no replacement is replaced again."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(pattern, lambda found: words[found.group()], text)


_OUT = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the folder NAME is made (here). The root of a scmbench checkout makes it part of scmbench.",
)


@click.command("new-model")
@click.argument("name")
@click.option(
    "--shape",
    type=click.Choice(["mechanism", "joint"]),
    default="mechanism",
    show_default=True,
    help="mechanism: one learned function a node (fit, encode, decode, noise). "
    "joint: all nodes at once (learn, draw, replay_rows).",
)
@_OUT
def new_model(name: str, shape: str, out: Path) -> None:
    """Write the skeleton of a model called NAME: working code, its package and its test.

    It passes `scmbench check-model` as it is; put your own method in place of the linear regression in it.
    """
    skeleton = _write(shape, name, out)
    _next(
        skeleton,
        f"scmbench check-model {skeleton.address}",
        f"scmbench run smoke --add-model {skeleton.address}",
    )


@click.command("new-scm")
@click.argument("name")
@_OUT
def new_scm(name: str, out: Path) -> None:
    """Write the skeleton of a set of structural causal models called NAME: three worlds, their package and test."""
    skeleton = _write("scm", name, out)
    if is_checkout(out):  # the list of built-in datasets is a file that its test writes
        _next(skeleton, "python tests/datasets/test_catalogue.py", "scmbench list datasets")
    else:
        _next(skeleton, "pip install -e .", "scmbench list datasets", f"scmbench run {skeleton.address}.toml")


def _write(shape: str, name: str, out: Path) -> Skeleton:
    try:
        return write(shape, name, out)
    except ScaffoldError as error:
        raise click.ClickException(str(error)) from None


def _next(skeleton: Skeleton, *commands: str) -> None:
    for path in skeleton.files:
        say(f"wrote {path}")
    if skeleton.register:
        room = skeleton.files[0].parent / "contract" / "registry.py"
        say(f"\nAdd this line to the names in {room}:\n  {skeleton.register}")
    test = next(path for path in skeleton.files if path.name.startswith("test_")).relative_to(skeleton.folder)
    enter = [] if skeleton.folder == Path() else [f"cd {skeleton.folder}"]
    lines = "\n".join(f"  {line}" for line in [*enter, *commands, f"python -m pytest {test}"])
    say(f"\nNext:\n{lines}")
