"""The store: immutable record files, written aside and renamed, and the tables rebuilt from them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from scmbench.datasets.files.whole import replace_with

from .claims import Claims
from .record import CorruptRecord, NewerRecord, Record


class StoreError(OSError):
    """The results folder cannot be written or read; the message says where and why."""


STALE = 3600.0
"""Seconds after which a file that was being written belongs to a command that was killed."""

PROBE = 1024
"""Bytes that a run tries to write before it computes anything."""


def put(path: Path, content: str | bytes) -> Path:
    """Write a file whole. Raises `StoreError` where the disk is full or the folder cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_with(path, content)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}; nothing half-written is left") from error
    return path


class Store:
    """A folder ``records/<2>/<key>.json`` of finished records.

    A file appears whole or not at all: it is written beside its place, flushed to disk and renamed, so that a kill at
    any moment leaves complete records only, and two runs on one store do not harm each other: both would write the
    same. Reading changes nothing: `damaged` has a line for every file that was met and cannot be used, `newer` for
    those of a later scmbench, by key; `set_aside` moves the former out of the way. The folder is resolved once, so that
    code that changes the working directory sends no record elsewhere.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(os.path.abspath(folder))
        self.records = self.folder / "records"
        self.damaged: dict[str, str] = {}
        self.newer: dict[str, str] = {}
        self.claims: Claims | None = None
        """Which records the run that uses this store has for itself; None where nobody else is thought of."""
        self.keeps_answers = False
        """Whether a run keeps the answers behind its records, too (`answers.Shelf`)."""

    @property
    def refused(self) -> list[str]:
        """A line for every file that was met and counts as missing."""
        return [*self.damaged.values(), *self.newer.values()]

    def path(self, key: str) -> Path:
        """Where the record of this key lives."""
        return self.records / key[:2] / f"{key}.json"

    def write(self, record: Record) -> Path:
        """Keep a record. Raises `StoreError` where the disk is full or the folder cannot be written."""
        return put(self.path(record.identity.key), record.to_text())

    def take_in(self, key: str, source: Store) -> Path:
        """Keep a record of another store as its file says it, byte by byte. Raises `StoreError` where that fails."""
        theirs = source.path(key)
        try:
            content = theirs.read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read {theirs}: {error.strerror or error}") from error
        return put(self.path(key), content)

    def there(self) -> list[str]:
        """The keys under which there is a file, sorted; whether it is a record shows when it is read."""
        files = self.records.glob("*/*.json")
        return sorted(path.stem for path in files if path == self.path(path.stem))

    def read(self, key: str) -> Record | None:
        """The record of this key, or None where there is none.

        A damaged file, or one of a later format, counts as missing and is named in `refused`. Raises `StoreError` where
        a file cannot be read.
        """
        path = self.path(key)
        try:
            record = Record.from_text(path.read_bytes().decode(errors="replace"), name=str(path))
            if record.identity.key != key:
                raise CorruptRecord(f"{path}: holds the record {record.identity.key}")
            return record
        except FileNotFoundError:
            return None
        except NewerRecord as error:
            self.newer[key] = str(error)
        except CorruptRecord as error:
            self.damaged[key] = str(error)
        except IsADirectoryError:
            self.damaged[key] = f"{path}: is a folder"
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
        return None

    def set_aside(self) -> None:
        """Rename the damaged files that were met to ``….corrupt``, before their records are computed again.

        Raises `StoreError` where one cannot be moved, and where records are of a later format: those are somebody's
        results, which an older version must not write over.
        """
        for why in self.newer.values():
            raise StoreError(f"{why}; update scmbench, or keep the new records elsewhere (--store)")
        for key in self.damaged:
            self.move_aside(key)

    def move_aside(self, key: str) -> None:
        """`set_aside` for one key; nothing where no damaged file of it was met."""
        path = self.path(key)
        try:
            if key in self.damaged:
                os.replace(path, path.with_suffix(".corrupt"))
        except FileNotFoundError:  # another command on this store was quicker
            return
        except OSError as error:
            raise StoreError(f"{self.damaged[key]}; cannot move it aside: {error.strerror or error}") from error

    def take(self, keys: Sequence[str]) -> bool:
        """Whether these records are this run's to compute: no other run has claimed one or written all meanwhile.

        Raises `StoreError` where a claim cannot be written.
        """
        if self.claims is None:
            return True
        try:
            if not self.claims.take(keys):
                return False
        except OSError as error:
            raise StoreError(f"cannot write in {self.claims.folder}: {error.strerror or error}") from error
        stamps = {key: self.stamp(key) for key in keys}
        if all(stamp not in (None, self.claims.before.get(key)) for key, stamp in stamps.items()):
            self.claims.release(keys)
            return False
        return True

    def elsewhere(self, key: str) -> bool:
        """Whether another run, one that lives, is computing this record now."""
        return self.claims is not None and self.claims.elsewhere(key)

    def stamp(self, key: str) -> tuple[int, int] | None:
        """What tells whether the file of this key is on disk, and whether it was written anew since another look."""
        try:
            found = self.path(key).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def prepare(self) -> None:
        """Before a run: see that records can be written, set damaged ones aside, sweep what killed commands left.

        Raises `StoreError` where the disk is full or the folder cannot be written: now, not after hours of computing.
        """
        try:
            self.records.mkdir(parents=True, exist_ok=True)
            probe = self.records / f".{os.getpid()}.probe"
            replace_with(probe, "." * PROBE)
            probe.unlink()
            self.set_aside()
            for part in self.records.glob("*/.*.part"):
                with suppress(FileNotFoundError):  # it was finished in the meantime
                    if time.time() - part.stat().st_mtime > STALE:
                        part.unlink()
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"cannot write in {self.records}: {error.strerror or error}") from error

    def find(self, keys: Iterable[str]) -> Iterator[Record]:
        """The records of those keys that are there."""
        for key in keys:
            if (record := self.read(key)) is not None:
                yield record
