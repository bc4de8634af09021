"""Files that the commands for one's own table write: whole or not at all, and one line where that fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from scmbench.datasets.files.whole import replace_with


def check_writable(folder: Path) -> None:
    """Raises `ClickException` where a folder cannot be made or written to, before there is anything to lose."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise click.ClickException(f"cannot write {folder}: {there} is a file")
    if not os.access(there, os.W_OK):
        raise click.ClickException(f"cannot write {folder}: {there} is not writable")


def write(path: Path, text: str) -> None:
    """Write a file at once; its folder is made."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_with(path, text)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises `ClickException`, which names `path`, where what is done inside cannot write."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror or error}") from None
