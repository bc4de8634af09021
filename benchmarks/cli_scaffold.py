"""The commands that write skeletons: new-model and new-scm."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from .cli_common import console
from .scaffold import ScaffoldError, Skeleton, write

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
    "joint: all nodes at once (fit, sample, counterfactual).",
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
        f"scmbench run smoke --model {skeleton.address}",
    )


@click.command("new-scm")
@click.argument("name")
@_OUT
def new_scm(name: str, out: Path) -> None:
    """Write the skeleton of a set of structural causal models called NAME: three worlds, their package and test."""
    skeleton = _write("scm", name, out)
    if skeleton.register:
        _next(skeleton, "scmbench list datasets")
    else:
        _next(skeleton, "pip install -e .", "scmbench list datasets", f"scmbench run {skeleton.address}.toml")


def _write(kind: str, name: str, out: Path) -> Skeleton:
    try:
        return write(kind, name, out)
    except ScaffoldError as error:
        raise click.ClickException(str(error)) from None


def _next(skeleton: Skeleton, *commands: str) -> None:
    for path in skeleton.files:
        console.print(f"wrote {path}", highlight=False, markup=False)
    if skeleton.register:
        room = skeleton.files[0].parent / "registry.py"
        console.print(f"\nAdd this line to the names in {room}:\n  {escape(skeleton.register)}", highlight=False)
    test = next(path for path in skeleton.files if path.name.startswith("test_")).relative_to(skeleton.folder)
    enter = [] if skeleton.folder == Path() else [f"cd {skeleton.folder}"]
    lines = "\n".join(f"  {line}" for line in [*enter, *commands, f"python -m pytest {test}"])
    console.print(f"\nNext:\n{lines}", highlight=False, markup=False, soft_wrap=True)
