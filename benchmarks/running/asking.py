"""Asking fitted models: every question of a problem, to all records that share the fit, scored at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from scmbench.datasets import Example, Picture, Problem, Query, Score, Values, ValuesError
from scmbench.datasets.seeds import derive
from scmbench.models import CausalModel, Unsupported
from scmbench.models.contract.registry import role_of

from ..judging.methods import METHOD
from ..judging.notes import UNSTEADY, Note
from ..records.pictures import MOST
from ..records.record import Record
from .blame import TROUBLE, blame, waived
from .environment import Meter
from .hosts import Host
from .isolation import isolated
from .outside import OutsideModel
from .planner import Trial

EXAMPLE_SEED = 0
"""Records of this seed keep a few answers for plots."""

ROUNDING = 1e-6
"""What two calls with one seed may differ by, in standard deviations of the answer: sums in another order."""

CHANGES = "answers change between two calls with the same seed"


def ask(
    trials: Sequence[Trial], made: Host, models: Sequence[Any], problems: Sequence[Problem], cost: Mapping[str, Any]
) -> Iterator[Record]:
    """The records of trials that share these fitted `models` of a host, one a problem (a member), under one protocol.

    Question by question, not record by record, so that each truth is computed once and freed before the next: after all
    records have answered, never before. At the end every method gets its first question again.
    """
    sheets = [_Sheet.of(trial, made, models) for trial in trials]
    for place, problem in enumerate(problems):
        for number, query in enumerate(problem.queries):
            _prepare(query)
            asked = [_Question(place, problem, number, query) for _ in sheets]
            answers = [sheet.ask(question) for sheet, question in zip(sheets, asked, strict=True)]
            for sheet, question, answer in zip(sheets, asked, answers, strict=True):
                sheet.score(question, answer)
            _forget(query)
    for sheet in sheets:
        sheet.repeat()
        yield sheet.record(cost)


def _forget(query: Query) -> None:
    if hasattr(query, "forget"):
        query.forget()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Question:
    """A query of one of the problems, and the stream that it is asked on."""

    place: int
    problem: Problem
    number: int
    query: Query

    @property
    def stream(self) -> int:
        return derive(self.problem.seed, "ask", self.problem.name, self.problem.member, self.number)


def _prepare(query: Query) -> None:
    """What a question needs whoever is asked is no model's cost; what fails here fails again where it is told."""
    if hasattr(query, "prepare"):
        with suppress(*TROUBLE):
            query.prepare()  # type: ignore[attr-defined]


@dataclass
class _Sheet:
    """One record's answers, as they are collected."""

    trial: Trial
    made: Host
    models: Sequence[CausalModel | OutsideModel]
    waives: Mapping[str, str]
    role: str = METHOD
    refused: tuple[str, str] | None = None
    scores: list[tuple[str, Score]] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    first: tuple[_Question, Values] | None = None
    judges: set[str] = field(default_factory=set)
    drawn: bool = False
    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def of(cls, trial: Trial, made: Host, models: Sequence[Any]) -> _Sheet:
        """An empty sheet: the fitted models with the query options of this record."""
        try:
            asked = [made.configured(model, trial.entry) for model in models]
            waives = asked[0].waives if isinstance(asked[0], OutsideModel) else waived(asked[0])
            return cls(trial, made, asked, waives, role_of(type(asked[0])))
        except TROUBLE as error:
            return cls(trial, made, [], {}, refused=blame(error))

    def ask(self, question: _Question) -> Values | None:
        """The answer to one question; None where there is none: what an adapter raises becomes a note."""
        if self.refused:
            return None
        answer = None
        with Meter(self.made.cpu) as meter:
            try:
                answer = self._answer(question)
            except TROUBLE as error:
                self._blame(question, error)
        self._count(meter)
        return answer

    def score(self, question: _Question, answer: Values | None) -> None:
        """Score an answer; one that cannot be scored becomes a note."""
        if answer is None:
            return
        query, member = question.query, question.problem.member
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
                if self.first is None and self.role == METHOD:
                    self.first = question, {node: x.clone() for node, x in answer.items()}
            except TROUBLE as error:
                self._blame(question, error)
        self._count(meter)

    def repeat(self) -> None:
        """Ask the first question that was answered again: a model that answers differently is not what was scored."""
        if self.first is None:
            return
        question, before = self.first
        try:
            same = _same(self._answer(question), before)
        except TROUBLE:
            same = False
        if not same:
            kind = question.query.kind
            self.notes[kind, UNSTEADY] = Note(kind, UNSTEADY, CHANGES)
        _forget(question.query)

    def record(self, cost: Mapping[str, Any]) -> Record:
        """The record: scores, or the first reason why there are none."""
        asked = {"query_wall_s": round(self.wall, 4), "query_cpu_s": round(self.cpu, 4)}
        cost = {**cost, **asked, "code": self.trial.code}
        if self.drawn or any(isinstance(model, OutsideModel) and model.drawn for model in self.models):
            cost["random_state"] = "; ".join(filter(None, [cost.get("random_state"), "touched by queries"]))
        if self.judges:
            cost["judges"] = " ".join(sorted(self.judges))
        notes = list(self.notes.values())
        first = (notes[0].status, notes[0].message) if notes else ("failed", "the protocol asked nothing")
        status, message = ("ok", "") if self.scores else self.refused or first
        told = (status, message, self.scores, notes, self.examples, cost, self.waives, self.role)
        return Record(self.trial.identity, *told, pictures=tuple(self.pictures))

    def _answer(self, question: _Question) -> Values:
        model, query, stream = self.models[question.place], question.query, question.stream
        if query.rung not in model.answers:
            raise Unsupported(f"{_name(model)} does not answer {query.rung} queries")
        if isinstance(model, OutsideModel):
            model.stream = stream
            return query.ask(model, seed=stream)
        with isolated(stream) as watch:
            answer = query.ask(model, seed=stream)
        self.drawn |= watch.touched
        return answer

    def _blame(self, question: _Question, error: BaseException) -> None:
        status, message = blame(error)
        kind = question.query.kind
        self.notes.setdefault((kind, status), Note(kind, status, message))

    def _count(self, meter: Meter) -> None:
        self.wall, self.cpu = self.wall + meter.wall, self.cpu + meter.cpu


def _name(model: CausalModel | OutsideModel) -> str:
    return model.chamber.entry.name.rpartition(":")[2] if isinstance(model, OutsideModel) else type(model).__name__


def _same(answer: Values, before: Values) -> bool:
    if set(answer) != set(before):
        return False
    for node, x in before.items():
        y, x = answer[node].double(), x.double()
        spread = float(x.std()) if x.numel() > 1 else 0.0
        if y.shape != x.shape or not torch.allclose(y, x, rtol=ROUNDING, atol=ROUNDING * spread):
            return False
    return True


def _score(query: Query, answer: Values) -> list[Score]:
    scores = list(query.score(answer))
    for score in scores:
        if not math.isfinite(score.score):
            raise ValuesError(
                f"the {score.metric} of a {query.kind} query is {score.score} (do {score.node}={score.value})"
            )
    return scores
