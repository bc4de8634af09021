"""Records of other stores taken into one: each whole, nothing written over, and what does not fit told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from . import answers
from .record import Record
from .store import Store


@dataclass(frozen=True)
class Conflict:
    """Two records of one key that say different things: the one that stays, and where the other one is."""

    record: Record
    source: Store
    difference: str

    def __str__(self) -> str:
        identity = self.record.identity
        whose = f"{identity.model} on {identity.dataset} seed {identity.seed}"
        return f"{whose}: {self.difference}; the other is {self.source.path(identity.key)}"


@dataclass
class Merged:
    """What became of the records: how many were `taken` in, how many were there with the `same` outcome, and the rest.

    `newer` are files of the store that a later scmbench wrote, which nothing is laid over. `answers` counts files of
    kept answers that were taken in with records; `damaged` names those that cannot be used.
    """

    taken: int = 0
    same: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    answers: int = 0
    damaged: list[str] = field(default_factory=list)


def merge(sources: Iterable[Store], into: Store) -> Merged:
    """Take the records of `sources` into a store, file by file as they are.

    A record that is there stays. One of the same key and outcome is the same, whatever it cost to compute; one of
    another outcome is a conflict. Files that cannot be used are named in `Store.refused` of their source and not taken;
    a damaged one in `into` is set aside for a good one. With a record come its kept answers, where there are none.

    Raises:
        StoreError: Where a file cannot be read or written. What was taken in until then is whole.
    """
    into.prepare()
    merged, kept = Merged(), answers.Shelf(into)
    for source in sources:
        theirs_kept = answers.Shelf(source)
        for key in source.there():
            theirs = source.read(key)
            if theirs is None:
                continue
            ours = into.read(key)
            if ours is None and key in into.newer:
                merged.newer.append(into.newer[key])
                continue
            elif ours is None:
                into.move_aside(key)
                into.take_in(key, source)
                merged.taken += 1
            elif difference := differing(ours, theirs):
                merged.conflicts.append(Conflict(ours, source, difference))
                continue
            else:
                merged.same += 1
            if name := answers.of_record(theirs):
                merged.answers += kept.take_in(name, theirs_kept)
        merged.damaged += theirs_kept.damaged.values()
    return merged


def differing(here: Record, there: Record) -> str:
    """In what the outcomes of two records of one key differ, in words; empty where they do not.

    What it cost, where it was computed and the text of a traceback are no part of an outcome.
    """
    if here.status != there.status:
        return f"{here.status} here, {there.status} there"
    if _asked(here) != _asked(there):
        return f"{len(here.scores)} scores here, {len(there.scores)} there, not of the same questions"
    if [(n.query, n.status) for n in here.notes] != [(n.query, n.status) for n in there.notes]:
        return "other notes"
    pairs = [(a.score, b.score) for (_, a), (_, b) in zip(here.scores, there.scores, strict=True)]
    most = max((abs(a - b) / (max(abs(a), abs(b)) or 1.0) for a, b in pairs), default=0.0)
    return f"scores differ by up to {100 * most:.2g} %" if most > 0 or math.isnan(most) else ""


def _asked(record: Record) -> Sequence[tuple[object, ...]]:
    return [(member, s.query, s.metric, s.node, s.value) for member, s in record.scores]
