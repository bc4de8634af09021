"""One's own records beside another run's: the same worlds and seeds, and nothing of the other run computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from scmbench.datasets import UserError

from ..judging.cells import text_columns
from ..judging.doubts import with_suspects
from ..judging.methods import title
from ..records import taken
from ..records.committed import compact
from ..records.results import Results
from ..records.store import Store
from ..suites.suite import Entry, Suite
from . import edited, planner
from .planner import Trial
from .run import Finished


class OtherModel(UserError, ValueError):
    """A label under which the other run has another model; the message names both."""


@dataclass(frozen=True)
class Gap:
    """A model that the other run lacks on some worlds: how many records are `wanted` there, how many were `found`."""

    entry: Entry
    found: int
    wanted: int


@dataclass(frozen=True)
class Beside:
    """Results of another run with one's own beside them, and what is to be said of them.

    `gaps` are the models that the other run lacks, in part or whole; `edited` is a line on records of other versions of
    their code (`edited.told`), empty where there are none; `elsewhere` are the worlds on which no record of
    the other run has the key that the suite asks for today: its data, questions or options were others.
    """

    results: Results
    gaps: Sequence[Gap] = ()
    elsewhere: Sequence[str] = ()
    edited: str = ""

    def told(self) -> list[str]:
        """What is missing, models that lack alike on one line, and a line for worlds that were others."""
        alike: dict[tuple[int, int], list[str]] = {}
        for gap in self.gaps:
            if gap.found < gap.wanted:
                alike.setdefault((gap.wanted, gap.found), []).append(gap.entry.title)
        lines = [
            f"{', '.join(titles)}: of {wanted} record(s){' each' if len(titles) > 1 else ''} not in the other run, "
            f"the store has {found or 'none'}"
            for (wanted, found), titles in alike.items()
        ]
        lines += [self.edited] if self.edited else []
        if self.elsewhere:
            first, more = self.elsewhere[0], len(self.elsewhere) - 1
            where = f"{first} and {more} more" if more else first
            lines.append(
                f"not the same questions: the other run has other versions of data, protocol or options on {where}"
            )
        return lines


def beside(suite: Suite, other: Results, store: Store, *, origin: str) -> Beside:
    """What `other` has of the suite, and where it has nothing of a model on a world, the records of `store`.

    What comes from `other` is then marked (`records.taken`) with `origin` and its commits. One's own answers are held
    against the other run's oracle, as they would be in a run of everything.

    Raises:
        OtherModel: Where the other run has another model under the label of one of the suite's.
    """
    other = other.of(suite)
    lacking = _lacking(suite, other)
    if not lacking:
        return Beside(other)
    asked = [one for one in planner.trials(suite) if (one.entry.title, one.identity.dataset) in lacking]
    finished, records = Finished(suite, store), planner.read(asked, store)
    finished.take(asked, records)
    own, before = finished.results(), edited.told([one for one in asked if one.key not in records], store)
    gaps = [_gap(entry, asked, own.provenance) for entry in suite.models if any(t == entry.title for t, _ in lacking)]
    if own.provenance.empty:
        return Beside(other, gaps, edited=before)
    return Beside(side_by_side(suite, other, own, origin).of(suite), gaps, _elsewhere(suite, other), before)


def _lacking(suite: Suite, other: Results) -> set[tuple[str, str]]:
    """Title and world of which the other run has no record."""
    there = text_columns(other.provenance, ["dataset", "model", "variant", "name"])
    names = dict(zip(zip(there["model"], there["variant"], strict=True), there["name"], strict=True))
    for entry in suite.models:
        known = names.get((entry.label, entry.variant), "")
        if known not in ("", entry.name):
            raise OtherModel(
                f"the other run has {known!r} under the label {entry.label!r}, not {entry.name!r}: give another label"
            )
    pairs = {(title(r["model"], r["variant"]), r["dataset"]) for r in there.to_dict("records")}
    asked = ((entry.title, name) for entry in suite.models for name in suite.datasets if entry.wants(name))
    return {pair for pair in asked if pair not in pairs}


def _gap(entry: Entry, asked: Sequence[Trial], provenance: pd.DataFrame) -> Gap:
    mine = text_columns(provenance, ["model", "variant"])
    found = int(((mine["model"] == entry.label) & (mine["variant"] == entry.variant)).sum())
    return Gap(entry, found, sum(one.entry.title == entry.title for one in asked))


def side_by_side(suite: Suite, other: Results, own: Results, origin: str) -> Results:
    """Two runs of different methods as one, what comes from `other` marked, and all held against the bounds of both."""
    theirs = replace(other, provenance=taken.marked(other.provenance, origin))
    frames = {
        name: pd.concat([frame for frame in pair if len(frame)] or [pair[0]], ignore_index=True)
        for name in ("rows", "provenance", "examples", "pictures")
        if (pair := [getattr(run, name) for run in (theirs, own)])
    }
    joined = Results(**frames)
    rows = compact(joined.rows, suite.values).assign(value=float("nan"))  # a committed run has no others
    judged = with_suspects(rows, joined.provenance)["notes"]
    notes = judged.where(~taken.is_marked(joined.provenance), joined.provenance["notes"])
    return replace(joined, provenance=joined.provenance.assign(notes=notes))


def _elsewhere(suite: Suite, other: Results) -> list[str]:
    """Worlds on which keys are known, and none is one that the suite asks for today."""
    there = text_columns(other.provenance, ["dataset", "key"])
    known = {str(name): set(part["key"]) for name, part in there[there["key"] != ""].groupby("dataset")}
    if not known:
        return []
    asked = planner.trials(replace(suite, seeds=sorted(set(other.provenance["seed"])), datasets=list(known)))
    today: dict[str, set[str]] = {}
    for one in asked:
        today.setdefault(one.identity.dataset, set()).add(one.key)
    return [name for name, keys in known.items() if not keys & today.get(name, set())]
