"""Notes: why a query of a record has no score, or one to be doubted. Data until they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SUSPECT, UNSTEADY = DOUBTS = ("suspect", "unsteady")
"""Statuses of notes on queries that have scores: no honest method has such, or answers change from call to call."""


@dataclass(frozen=True, order=True)
class Note:
    """A query that has no score, and why: ``unsupported`` by the method or ``failed``. Or one of `DOUBTS`: it has.

    Notes are data until they are printed: a message is never searched for what it might mean.
    """

    query: str
    status: str
    message: str

    def __str__(self) -> str:
        return f"{self.query} {self.status}: {last_line(self.message)}"


def last_line(message: str) -> str:
    """What a traceback ends with, which is what it says."""
    return message.strip().splitlines()[-1] if message.strip() else ""


def notes_of(row: Mapping[Any, Any]) -> Sequence[Note]:
    """The notes of a row of provenance; none where it has no such column."""
    notes = row.get("notes", ())
    return notes if isinstance(notes, tuple) else ()
