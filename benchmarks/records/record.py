"""Records: the unit of work that is kept, its key, and the file it lives in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from scmbench.datasets import Example, Score

SCHEMA = 1
"""Version of the file format; a file of another one is not read."""

STATUSES = ("ok", "unsupported", "failed")


class CorruptRecord(ValueError):
    """A record file that is truncated, edited by hand or of another format; the message says which and how."""


def digest(content: Any) -> str:
    """SHA-256 over canonical JSON (sorted keys, no spaces)."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """Everything that determines a record's outcome; its hash is the record's key.

    `options` are resolved (defaults included); versions are the explicit integers of data, method, protocol and
    metrics; `source` tells versions of a model or dataset from outside this package apart (empty for built-in ones).
    """

    dataset: str
    dataset_version: int
    seed: int
    model: str
    model_version: int
    options: Mapping[str, Any]
    protocol: str
    protocol_version: int
    metric_versions: Mapping[str, int]
    source: str = ""

    @property
    def key(self) -> str:
        """The record's name in the store."""
        return digest(self.to_json())[:32]

    def to_json(self) -> dict[str, Any]:
        """Plain content, tuples as lists, as it reads back from a file."""
        return json.loads(json.dumps(self.__dict__, sort_keys=True))


@dataclass(frozen=True)
class Note:
    """A query that has no score, and why: ``unsupported`` by the method or ``failed``."""

    query: str
    status: str
    message: str


@dataclass(frozen=True)
class Record:
    """One problem at one seed, one model configuration, one protocol: scores, or why there are none.

    `scores` are pairs (member, score); `examples` are a few answers, kept for plots. `status` is ``ok`` (perhaps with
    notes on single queries), ``unsupported`` or ``failed``; `message` then has the reason or the traceback.
    `provenance` says where the numbers come from and what they cost; `waives` are the conformance properties that
    this configuration breaks on purpose.
    """

    identity: Identity
    status: str
    message: str = ""
    scores: Sequence[tuple[str, Score]] = ()
    notes: Sequence[Note] = ()
    examples: Sequence[Example] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    waives: Mapping[str, str] = field(default_factory=dict)

    def to_text(self) -> str:
        """The file's content: JSON whose last entry is a digest of the rest."""
        names = ("member", "query", "metric", "node", "value", "score")
        table = [(m, s.query, s.metric, s.node, s.value, s.score) for m, s in self.scores]
        content = {
            "schema": SCHEMA,
            "identity": self.identity.to_json(),
            "status": self.status,
            "message": self.message,
            "scores": {name: [row[i] for row in table] for i, name in enumerate(names)},
            "notes": [note.__dict__ for note in self.notes],
            "examples": _columns(Example, self.examples),
            "provenance": dict(self.provenance),
            "waives": dict(self.waives),
        }
        content = json.loads(json.dumps(content, allow_nan=False))
        return json.dumps({**content, "digest": digest(content)}, indent=None, separators=(",", ":")) + "\n"

    @classmethod
    def from_text(cls, text: str, *, name: str = "record") -> Self:
        """Read what `to_text` wrote. Raises `CorruptRecord` that names the file and what is wrong with it."""
        try:
            content = json.loads(text)
            claimed = content.pop("digest")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise CorruptRecord(f"{name}: truncated or not a record ({error})") from None
        if claimed != digest(content):
            raise CorruptRecord(f"{name}: its content does not match its digest (edited or damaged)")
        if content.get("schema") != SCHEMA:
            raise CorruptRecord(f"{name}: format {content.get('schema')}, this version reads {SCHEMA}")
        try:
            columns = content["scores"]
            table = zip(*(columns[c] for c in ("member", "query", "metric", "score", "node", "value")), strict=True)
            return cls(
                identity=Identity(**content["identity"]),
                status=content["status"],
                message=content["message"],
                scores=[(member, Score(*rest)) for member, *rest in table],
                notes=[Note(**note) for note in content["notes"]],
                examples=[Example(*row) for row in zip(*content["examples"].values(), strict=True)],
                provenance=content["provenance"],
                waives=content["waives"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptRecord(f"{name}: a field is missing or of the wrong kind ({error})") from None


def _columns(kind: type, items: Sequence[Any]) -> dict[str, list[Any]]:
    """Items of a dataclass by column, numbers to six digits: examples are for the eye."""
    return {
        f.name: [float(f"{v:.6g}") if isinstance(v := getattr(item, f.name), float) else v for item in items]
        for f in fields(kind)
    }
