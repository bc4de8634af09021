"""One record's scores, as they are collected question by question from answers, wherever these come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from scmbench.datasets import Example, Picture, Problem, Query, Score, Values, ValuesError
from scmbench.datasets.seeds import derive

from ..judging.methods import METHOD
from ..judging.notes import Note
from ..records.pictures import MOST
from ..records.record import Record
from .blame import TROUBLE, blame
from .environment import Meter
from .trial import Trial

EXAMPLE_SEED = 0
"""Records of this seed keep a few answers for plots."""


@dataclass(frozen=True)
class Question:
    """A query of one of the problems, and the stream that it is asked on."""

    place: int
    problem: Problem
    number: int
    query: Query

    @property
    def stream(self) -> int:
        """The seed of the model's own randomness."""
        return derive(self.problem.seed, "ask", self.problem.name, self.problem.member, self.number)


def prepare(query: Query) -> None:
    """What a question needs whoever is asked is no model's cost; what fails here fails again where it is told."""
    if hasattr(query, "prepare"):
        with suppress(*TROUBLE):
            query.prepare()  # type: ignore[attr-defined]


def forget(query: Query) -> None:
    """Free what a question remembers of its truth."""
    if hasattr(query, "forget"):
        query.forget()  # type: ignore[attr-defined]


@dataclass(kw_only=True)
class Sheet:
    """What is known of one record so far: scores, notes, some answers for plots, and what they cost."""

    trial: Trial
    waives: Mapping[str, str]
    role: str = METHOD
    refused: tuple[str, str] | None = None
    scores: list[tuple[str, Score]] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    judges: set[str] = field(default_factory=set)
    wall: float = 0.0
    cpu: float = 0.0

    def score(self, question: Question, answer: Values | None) -> bool:
        """Score an answer, if there is one; one that cannot be scored becomes a note. Whether it was scored."""
        if answer is None:
            return False
        query, member = question.query, question.problem.member
        scored = False
        with Meter() as meter:
            try:
                self.scores += [(member, score) for score in _score(query, answer)]
                if panel := getattr(query, "judges", None):  # networks that give scores: which ones they are
                    self.judges.add(panel().digest)
                if question.problem.seed == EXAMPLE_SEED and hasattr(query, "examples"):
                    shown = query.examples(answer)  # type: ignore[attr-defined]
                    self.examples += [replace(example, member=member) for example in shown]
                if question.problem.seed == EXAMPLE_SEED and hasattr(query, "pictures"):
                    room = MOST - len(self.pictures)
                    drawn = query.pictures(answer)  # type: ignore[attr-defined]
                    self.pictures += [replace(picture, member=member) for picture in drawn[:room]]
                scored = True
            except TROUBLE as error:
                self.blame(question, error)
        self.count(meter)
        return scored

    def record(self, cost: Mapping[str, Any]) -> Record:
        """The record: scores, or the first reason why there are none."""
        asked = {"query_wall_s": round(self.wall, 4), "query_cpu_s": round(self.cpu, 4)}
        cost = {**cost, **asked, "code": self.trial.code}
        if self.judges:
            cost["judges"] = " ".join(sorted(self.judges))
        notes = list(self.notes.values())
        first = (notes[0].status, notes[0].message) if notes else ("failed", "the protocol asked nothing")
        status, message = ("ok", "") if self.scores else self.refused or first
        told = (status, message, self.scores, notes, self.examples, cost, self.waives, self.role)
        return Record(self.trial.identity, *told, pictures=tuple(self.pictures))

    def blame(self, question: Question, error: BaseException) -> Note:
        """Note what was raised for a question; the first of its kind stays."""
        status, message = blame(error)
        kind = question.query.kind
        return self.notes.setdefault((kind, status), Note(kind, status, message))

    def count(self, meter: Meter) -> None:
        """Add what a step took."""
        self.wall, self.cpu = self.wall + meter.wall, self.cpu + meter.cpu


def _score(query: Query, answer: Values) -> list[Score]:
    scores = list(query.score(answer))
    for score in scores:
        if not math.isfinite(score.score):
            raise ValuesError(
                f"the {score.metric} of a {query.kind} query is {score.score} (do {score.node}={score.value})"
            )
    return scores
