"""The store: immutable record files, written aside and renamed, and the tables rebuilt from them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from .record import CorruptRecord, Record


class StoreError(OSError):
    """The results folder cannot be written or read; the message says where and why."""


STALE = 3600.0
"""Seconds after which a file that was being written belongs to a command that was killed."""

PROBE = 1024
"""Bytes that a run tries to write before it computes anything."""


class Store:
    """A folder ``records/<2>/<key>.json`` of finished records.

    A file appears whole or not at all: it is written beside its place, flushed to disk and renamed, so that a kill at
    any moment leaves complete records only, and two runs on one store do not harm each other: both would write the
    same. `refused` has a line for every damaged file that was met.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.records = self.folder / "records"
        self.refused: list[str] = []

    def path(self, key: str) -> Path:
        """Where the record of this key lives."""
        return self.records / key[:2] / f"{key}.json"

    def write(self, record: Record) -> Path:
        """Keep a record. Raises `StoreError` where the disk is full or the folder cannot be written."""
        path = self.path(record.identity.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_with(path, record.to_text())
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror or error}; nothing half-written is left") from error
        return path

    def read(self, key: str) -> Record | None:
        """The record of this key, or None where there is none.

        A damaged file is refused: it is renamed to ``….corrupt``, named in `refused`, and counts as missing, so that
        its record is computed again. Raises `StoreError` where a file cannot be read or moved.
        """
        path = self.path(key)
        try:
            record = Record.from_text(path.read_bytes().decode(errors="replace"), name=str(path))
            if record.identity.key != key:
                raise CorruptRecord(f"{path}: holds the record {record.identity.key}")
            return record
        except FileNotFoundError:
            return None
        except CorruptRecord as error:
            self._refuse(path, str(error))
            return None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from error

    def _refuse(self, path: Path, why: str) -> None:
        try:
            os.replace(path, path.with_suffix(".corrupt"))
        except FileNotFoundError:  # another command on this store was quicker
            pass
        except OSError as error:
            raise StoreError(f"{why}; cannot move it aside: {error.strerror or error}") from error
        self.refused.append(why)

    def prepare(self) -> None:
        """Before a run: see that records can be written, and remove what killed commands left half-written.

        Raises `StoreError` where the disk is full or the folder cannot be written: now, not after hours of computing.
        """
        try:
            self.records.mkdir(parents=True, exist_ok=True)
            probe = self.records / f".{os.getpid()}.probe"
            replace_with(probe, "." * PROBE)
            probe.unlink()
            for part in self.records.glob("*/.*.part"):
                with suppress(FileNotFoundError):  # it was finished in the meantime
                    if time.time() - part.stat().st_mtime > STALE:
                        part.unlink()
        except OSError as error:
            raise StoreError(f"cannot write in {self.records}: {error.strerror or error}") from error

    def find(self, keys: Iterable[str]) -> Iterator[Record]:
        """The records of those keys that are there."""
        for key in keys:
            if (record := self.read(key)) is not None:
                yield record


def replace_with(path: Path, text: str) -> None:
    """Put `text` in the place of `path` at once: written aside in the same folder, synced, renamed."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)  # a temporary file is its owner's alone; results are for everybody
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
