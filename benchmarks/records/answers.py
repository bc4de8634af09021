"""Kept answers: what fitted models said to every question, so that a new metric needs no training.

A file ``answers/<2>/<key>.safetensors`` of a store holds the answers of one record. Its tensors are called
``<member>.<question>.<node>``, both counted from 0 in the order in which they were asked; the metadata has the record
without the scores of metrics that were added to its protocol, and a digest of all that the file holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors
from scmbench.datasets import Values
from scmbench.datasets.files.whole import replace_with
from torch import Tensor

from .checking import clean
from .record import CorruptRecord, Record, digest
from .store import PROBE, STALE, Store, StoreError, put

FORMAT = "1"

SUFFIX = ".safetensors"

RECURRING = 10
"""Rows that a value has, on average, in a column whose values recur: of a label, or of a node that was set."""

Place = tuple[int, int]
"""Which member of the problem was asked, and which of its questions."""


class DamagedAnswers(ValueError):
    """A file that is truncated, edited or another one; the message says which and how."""


def compact(answer: Any) -> Values | None:
    """An answer as it is kept, or None for what is no dict of node to tensor.

    Numbers of float64 are rounded to float32, to 6e-8 of their size. Left as they are: integers and booleans; columns
    whose values recur, in `RECURRING` rows each, since such are compared by equality; and what float32 cannot hold.
    """
    if not isinstance(answer, Mapping) or not all(
        isinstance(node, str) and clean(node) == node and isinstance(x, Tensor) for node, x in answer.items()
    ):
        return None
    return {node: _rounded(x.detach().cpu().contiguous()) for node, x in answer.items()}


def _rounded(x: Tensor) -> Tensor:
    if x.dtype != torch.float64:
        return x.clone()
    single = x.float()
    recurs = 0 < x.ndim < 3 and len(x) >= RECURRING and len(x.unique(dim=0)) * RECURRING <= len(x)
    overflows = bool((single.isinf() & ~x.isinf()).any())
    return x.clone() if recurs or overflows else single


@dataclass(frozen=True)
class Answers:
    """The answers behind a record, and that record under its protocol without added metrics.

    `values` are answers by `Place`. A question without an answer has none: a note of the record says why.
    """

    record: Record
    values: Mapping[Place, Values]

    @property
    def key(self) -> str:
        """A digest of all that the answers depend on: what the record's identity has, and the code behind it."""
        return key_of(self.record.identity.to_json(), self.record.code)

    def to_bytes(self) -> bytes:
        """The file's content."""
        tensors = {f"{i}.{k}.{node}": x for (i, k), answer in self.values.items() for node, x in answer.items()}
        text = self.record.to_text()
        told = {"format": FORMAT, "record": text, "sha256": _digest(tensors, text)}
        return write_tensors(tensors, metadata=told)

    @classmethod
    def from_bytes(cls, content: bytes, *, name: str = "answers") -> Self:
        """Read what `to_bytes` wrote. Raises `DamagedAnswers` that names the file, whatever it holds."""
        try:
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            told = header["__metadata__"]
            tensors = read_tensors(content)
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedAnswers(f"{name}: truncated or no file of answers ({error})") from None
        if told.get("format") != FORMAT:
            raise DamagedAnswers(f"{name}: format {told.get('format')!r}, this version reads {FORMAT}")
        if told.get("sha256") != _digest(tensors, told.get("record", "")):
            raise DamagedAnswers(f"{name}: its content does not match its digest (edited or damaged)")
        values: dict[Place, dict[str, Tensor]] = {}
        try:
            for full, x in tensors.items():
                member, question, node = full.split(".", 2)
                values.setdefault((int(member), int(question)), {})[node] = x
            return cls(Record.from_text(told["record"], name=name), values)
        except (ValueError, CorruptRecord) as error:
            raise DamagedAnswers(f"{name}: {error}") from None


def key_of(identity: Mapping[str, Any], code: str) -> str:
    """The name under which answers are kept: what they depend on is in this identity, and in this code."""
    return digest([identity, code])[:32]


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    made = hashlib.sha256(text.encode())
    for name, x in sorted(tensors.items()):
        made.update(f"\0{name} {x.dtype} {list(x.shape)}\0".encode())
        made.update(x.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return made.hexdigest()


class Shelf:
    """The folder ``answers`` of a store.

    A file appears whole or not at all, as records do. Reading changes nothing: `damaged` has a line for every file that
    was met and cannot be used, by key.
    """

    def __init__(self, store: Store):
        self.folder = store.folder / "answers"
        self.damaged: dict[str, str] = {}

    def path(self, key: str) -> Path:
        """Where the answers of this key live."""
        return self.folder / key[:2] / f"{key}{SUFFIX}"

    def has(self, key: str) -> bool:
        """Whether there is such a file; whether it is any good shows when it is read."""
        return self.path(key).exists()

    def write(self, answers: Answers) -> Path:
        """Keep answers. Raises `StoreError` where the disk is full or the folder cannot be written."""
        return put(self.path(answers.key), answers.to_bytes())

    def read(self, key: str) -> Answers | None:
        """The answers of this key, or None where there are none that can be used: `damaged` then says why."""
        path = self.path(key)
        try:
            found = Answers.from_bytes(path.read_bytes(), name=str(path))
            if found.key != key:
                raise DamagedAnswers(f"{path}: holds the answers {found.key}")
            return found
        except FileNotFoundError:
            return None
        except DamagedAnswers as error:
            self.damaged[key] = str(error)
        except OSError as error:
            self.damaged[key] = f"{path}: cannot be read: {error.strerror or error}"
        return None

    def take_in(self, key: str, source: Shelf) -> bool:
        """Keep the answers of another store as their file has them, unless some are here; whether they were taken.

        Raises `StoreError` where they cannot be written. Those that cannot be used are named in ``source.damaged``.
        """
        if self.has(key) or source.read(key) is None:
            return False
        put(self.path(key), source.path(key).read_bytes())
        return True

    def prepare(self, *, keeping: bool) -> None:
        """Before a run: set damaged files aside (``….corrupt``), sweep what killed commands left; make the folder.

        Raises `StoreError` where that fails: now, not after hours of computing.
        """
        try:
            if keeping:
                self.folder.mkdir(parents=True, exist_ok=True)
                probe = self.folder / f".{os.getpid()}.probe"
                replace_with(probe, "." * PROBE)
                probe.unlink()
            for key in self.damaged:
                with suppress(FileNotFoundError):  # another command on this store was quicker
                    os.replace(self.path(key), self.path(key).with_suffix(".corrupt"))
            for part in self.folder.glob("*/.*.part"):
                with suppress(FileNotFoundError):
                    if time.time() - part.stat().st_mtime > STALE:
                        part.unlink()
        except OSError as error:
            raise StoreError(f"cannot write in {self.folder}: {error.strerror or error}") from error

    def size(self, keys: Iterable[str]) -> tuple[int, int]:
        """How many of these there are, and how many bytes they take."""
        sizes = []
        for key in dict.fromkeys(keys):
            with suppress(OSError):
                sizes.append(self.path(key).stat().st_size)
        return len(sizes), sum(sizes)


def of_record(record: Record) -> str:
    """The key of the answers that were kept of a record; empty where none were."""
    key = record.provenance.get("kept_answers")
    return key if isinstance(key, str) and re.fullmatch(r"[0-9a-f]{32}", key) else ""
