"""Files that the commands for one's own table write: whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import click


def check_writable(folder: Path) -> None:
    """Raises `ClickException` where a folder cannot be made or written to, before there is anything to lose."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise click.ClickException(f"cannot write {folder}: {there} is a file")
    if not os.access(there, os.W_OK):
        raise click.ClickException(f"cannot write {folder}: {there} is not writable")


def write(path: Path, text: str) -> None:
    """Write a file aside, then rename it: a reader sees the old one or the new one."""
    write_with(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_with(path: Path, make: Callable[[Path], object]) -> None:
    """The same for whatever `make` writes at the path that it is given, a file or a folder."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        make(part)
        if part.is_dir() and path.exists():
            old = path.with_name(f".{path.name}.{os.getpid()}.old")
            path.rename(old)
            part.rename(path)
            shutil.rmtree(old)
        else:
            part.replace(path)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
