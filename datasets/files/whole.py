"""Files that are there whole or not at all: written aside, then renamed.

A rename within one folder is atomic, so that a reader, or whoever finds the folder after a kill or on a full disk, sees
the old file or the new one and never a part of either.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_with(path: Path, content: str | bytes) -> None:
    """Put `content` in the place of `path` at once: written aside in the same folder, synced, renamed.

    Args:
        path: The file; its folder is there.
        content: What it holds: bytes, or text, which is written as UTF-8 with the line ends that it has.

    Raises:
        OSError: Where it cannot be written; `path` is then what it was.
    """
    data = content.encode() if isinstance(content, str) else content
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)  # a temporary file is its owner's alone; results are for everybody
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder to write into, whose files are moved to their places below `folder` when all of them are written.

    What else is in `folder` stays. Where writing fails, nothing in `folder` has changed, and it is not made either.

    Args:
        folder: Where the files go; made where it is not there.

    Yields:
        An empty folder on the same disk.

    Raises:
        OSError: Where it cannot be made or written.
    """
    folder = folder.absolute()  # whoever writes may change the working directory
    there = next(path for path in (folder, *folder.parents) if path.exists())
    aside = Path(tempfile.mkdtemp(dir=there, prefix=f".{folder.name}.", suffix=".part"))
    try:
        yield aside
        for source in sorted(path for path in aside.rglob("*") if path.is_file()):
            target = folder / source.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
