"""Records: the unit of work that is kept, its key, and the file it lives in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from scmbench.datasets import Example, Picture, Score

from ..judging.methods import CEILING, FLOOR, METHOD
from ..judging.notes import DOUBTS, Note
from . import pictures as pngs
from .checking import Checker, WrongContent, cleaned

SCHEMA, DOUBTED, PLAIN = 4, 3, 2
"""Version of the file format: of a record with pictures, with notes of doubt, with neither.

A record is written in the lowest that holds it, which earlier versions of scmbench read too. Read is 1 as well, which
has no `role`. A newer one is left alone.
"""

STATUSES = ("ok", "unsupported", "failed")
ROLES = (METHOD, FLOOR, CEILING)

_ROLES_OF_SCHEMA_1 = {
    **dict.fromkeys(("oracle", "posterior"), CEILING),
    **dict.fromkeys(("resample", "marginal", "identity", "persistence"), FLOOR),
}
"""What had a role, by its name in the registry, when records did not tell."""


class CorruptRecord(ValueError):
    """A record file that is truncated, edited by hand or of another format; the message says which and how."""


class NewerRecord(CorruptRecord):
    """A record file of a later version of scmbench: nothing is wrong with it, but it cannot be read here."""


def digest(content: Any) -> str:
    """SHA-256 over canonical JSON (sorted keys, no spaces)."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def role_of(name: str) -> str:
    """The role of a model whose record is older than roles, by its name in the registry.

    >>> role_of("oracle"), role_of("my.pkg:Oracle")
    ('ceiling', 'method')
    """
    return _ROLES_OF_SCHEMA_1.get(name, METHOD)


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
        return digest(self.__dict__)[:32]

    def to_json(self) -> dict[str, Any]:
        """Plain content, tuples as lists, as it reads back from a file."""
        return json.loads(json.dumps(self.__dict__, sort_keys=True))


@dataclass(frozen=True)
class Record:
    """One problem at one seed, one model configuration, one protocol: scores, or why there are none.

    `scores` are pairs (member, score); `examples` are a few answers, kept for plots, `pictures` a few images. `status`
    is ``ok`` (perhaps with notes on single queries: what went unanswered, and what is to be doubted), ``unsupported``
    or ``failed``; `message` then has the reason or the traceback. `provenance` says where the numbers come from and
    what they cost; `waives` are the conformance properties that this configuration breaks on purpose; `role` is the
    model class's: a floor or a ceiling knows no causes, or the truth.
    """

    identity: Identity
    status: str
    message: str = ""
    scores: Sequence[tuple[str, Score]] = ()
    notes: Sequence[Note] = ()
    examples: Sequence[Example] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    waives: Mapping[str, str] = field(default_factory=dict)
    role: str = METHOD
    pictures: Sequence[Picture] = ()

    @property
    def has_failed(self) -> bool:
        """Whether it is a failure, or one of its queries is."""
        return "failed" in (self.status, *(note.status for note in self.notes))

    @property
    def _is_doubted(self) -> bool:
        return any(note.status in DOUBTS for note in self.notes)

    @property
    def code(self) -> str:
        """Digests of the code that made it (`staleness`); empty for a record from before these were kept."""
        return str(self.provenance.get("code") or "")

    def to_text(self) -> str:
        """The file's content: JSON whose last entry is a digest of the rest."""
        names = ("member", "query", "metric", "node", "value", "score")
        table = [(m, s.query, s.metric, s.node, s.value, s.score) for m, s in self.scores]
        content = {
            "schema": SCHEMA if self.pictures else DOUBTED if self._is_doubted else PLAIN,
            "identity": self.identity.to_json(),
            "role": self.role,
            "status": self.status,
            "message": self.message,
            "scores": {name: [row[i] for row in table] for i, name in enumerate(names)},
            "notes": [note.__dict__ for note in self.notes],
            "examples": _by_column(Example, self.examples),
            **({"pictures": pngs.to_columns(self.pictures)} if self.pictures else {}),
            "provenance": dict(self.provenance),
            "waives": dict(self.waives),
        }
        content = json.loads(json.dumps(content, allow_nan=False))
        return json.dumps({**content, "digest": digest(content)}, indent=None, separators=(",", ":")) + "\n"

    @classmethod
    def from_text(cls, text: str, *, name: str = "record") -> Self:
        """Read what `to_text` wrote.

        Raises `CorruptRecord` that names the file and what is wrong with it, whatever the text holds: a field of
        another type or out of its range counts as damage too, since tables would stumble over it. Raises `NewerRecord`
        for a later format.
        """
        try:
            content = json.loads(text)
            claimed = content.pop("digest")
            schema = content.get("schema")
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise CorruptRecord(f"{name}: truncated or not a record ({error})") from None
        if isinstance(schema, int) and schema > SCHEMA:
            raise NewerRecord(f"{name}: format {schema} of a newer scmbench; this version reads up to {SCHEMA}")
        if claimed != digest(content):
            raise CorruptRecord(f"{name}: its content does not match its digest (edited or damaged)")
        if schema not in range(1, SCHEMA + 1):
            raise CorruptRecord(f"{name}: format {schema!r}, this version reads 1 to {SCHEMA}")
        try:
            return cls(**_fields(cleaned(content)))
        except (WrongContent, RecursionError) as error:
            raise CorruptRecord(f"{name}: {error}") from None


def _fields(content: Any) -> dict[str, Any]:
    """A record's fields, checked. Raises `WrongContent` that names the culprit."""
    of = Checker(content)
    identity = of.table("identity")
    counts = ("dataset_version", "seed", "model_version", "protocol_version")
    named: dict[str, Any] = {f: identity.text(f) for f in ("dataset", "model", "protocol", "source")}
    named |= {f: identity.count(f) for f in counts}
    known = Identity(
        **named,
        options=identity.get("options", dict),
        metric_versions=identity.get("metric_versions", dict),
    )
    scores, examples = of.table("scores"), of.table("examples")
    texts, numbers = {f: scores.texts(f) for f in ("member", "query", "metric", "node")}, scores.numbers("score")
    table = (texts["query"], texts["metric"], numbers, texts["node"], scores.numbers("value", missing=True))
    shown = [
        examples.texts(f.name) if f.name in ("node", "target", "member") else examples.numbers(f.name)
        for f in fields(Example)
    ]
    said = (*STATUSES[1:], *DOUBTS)
    notes = [(n.text("query"), n.one_of("status", said), n.text("message")) for n in of.tables("notes")]
    return {
        "identity": known,
        "status": of.one_of("status", STATUSES),
        "message": of.text("message"),
        "scores": [(m, Score(*rest)) for m, *rest in scores.rows(texts["member"], *table)],
        "notes": [Note(*note) for note in notes],
        "examples": [Example(*row) for row in examples.rows(*shown)],
        "provenance": of.table("provenance").plain(),
        "waives": of.table("waives").all_texts(),
        "role": of.one_of("role", ROLES) if content["schema"] > 1 else role_of(known.model),
        "pictures": tuple(pngs.from_columns(of.table("pictures"))) if content["schema"] > DOUBTED else (),
    }


def _by_column(item: type, items: Sequence[Any]) -> dict[str, list[Any]]:
    """Items of a dataclass by column, numbers to six digits: examples are for the eye."""
    return {
        f.name: [float(f"{v:.6g}") if isinstance(v := getattr(i, f.name), float) else v for i in items]
        for f in fields(item)
    }
