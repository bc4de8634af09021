"""The store: immutable record files, written aside and renamed, and the tables rebuilt from them."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from .records import CorruptRecord, Record


class StoreError(OSError):
    """The results folder cannot be written or read; the message says where and why."""


class Store:
    """A folder ``records/<2>/<key>.json`` of finished records.

    A file appears whole or not at all: it is written beside its place, flushed to disk and renamed, so that a kill at
    any moment leaves complete records only, and two runs on one store do not harm each other: both would write the
    same.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.records = self.folder / "records"

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

        A damaged file is refused: it is renamed to ``….corrupt`` with a warning that names it, and counts as missing,
        so that its record is computed again.
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
            aside = path.with_suffix(".corrupt")
            os.replace(path, aside)
            warnings.warn(f"{error}; moved to {aside.name}, its record will be computed again", stacklevel=2)
            return None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from error

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
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
