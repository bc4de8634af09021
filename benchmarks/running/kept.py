"""Scoring kept answers: the questions of a record once more, with nothing trained and nobody asked."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scmbench.datasets import Problem, Score, Values

from ..records.answers import Answers
from ..records.record import Record
from .sheet import Question, Sheet, forget, prepare
from .trial import Trial

SOURCE = "kept answers"
"""Stands under ``scored_from`` in the provenance of such a record."""


def score(trials: Sequence[Trial], found: Mapping[str, Answers], problems: Sequence[Problem]) -> Iterator[Record]:
    """The records of trials under one protocol, from the answers `found` for them, by key of the trial.

    What was scored when the answers were given stays to the last digit; a new metric sees them rounded to float32. Cost
    and environment are those of the fit.
    """
    sheets = [_Kept.of(trial, found[trial.key]) for trial in trials]
    for place, problem in enumerate(problems):
        for number, query in enumerate(problem.queries):
            prepare(query)
            question = Question(place, problem, number, query)
            for sheet in sheets:
                sheet.score(question, sheet.answer(question))
            forget(query)
    for sheet in sheets:
        yield sheet.finished()


@dataclass(kw_only=True)
class _Kept(Sheet):
    """The sheet of a record whose answers are kept."""

    answers: Answers

    @classmethod
    def of(cls, trial: Trial, answers: Answers) -> _Kept:
        """A sheet with the notes that came of asking."""
        told = answers.record
        notes = {(note.query, note.status): note for note in told.notes}
        return cls(trial=trial, answers=answers, waives=told.waives, role=told.role, notes=notes)

    def answer(self, question: Question) -> Values | None:
        """What the model said; None where it said nothing."""
        found = self.answers.values.get((question.place, question.number))
        return None if found is None else {node: x.clone() for node, x in found.items()}

    def finished(self) -> Record:
        """The record, with the scores and the cost of when the answers were given."""
        self.scores = _exact(self.scores, self.answers.record.scores, self.trial.base.added)
        before = self.answers.record.provenance
        record = self.record(before)
        cost = {name: before[name] for name in ("query_wall_s", "query_cpu_s") if name in before}
        told = {"kept_answers": self.answers.key, "scored_from": SOURCE}
        return replace(record, provenance={**record.provenance, **cost, **told})


def _exact(
    scores: Sequence[tuple[str, Score]], before: Sequence[tuple[str, Score]], added: frozenset[str]
) -> list[tuple[str, Score]]:
    """The scores, those of the protocol itself as they were before; of one question there may be several, in order."""
    known = defaultdict[Any, deque[Score]](deque)
    for member, one in before:
        if one.metric not in added:
            known[member, replace(one, score=0.0)].append(one)
    exact = []
    for member, one in scores:
        earlier = known[member, replace(one, score=0.0)]
        exact.append((member, earlier.popleft() if earlier else one))
    return exact
