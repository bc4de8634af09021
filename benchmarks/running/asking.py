"""Asking fitted models: every question of a problem, to all records that share the fit, scored at once."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scmbench.datasets import Example, Problem, Query, Score, Values, ValuesError
from scmbench.datasets.seeds import derive
from scmbench.models import CausalModel, Unsupported

from ..judging.notes import Note
from ..records.checking import clean
from ..records.record import Record
from .environment import Meter
from .isolation import isolated
from .planner import Trial

EXAMPLE_SEED = 0
"""Records of this seed keep a few answers for plots."""

TROUBLE = (Exception, SystemExit)
"""What an adapter may raise at the cost of its own records only."""


def blame(error: BaseException) -> tuple[str, str]:
    """Status and message of what an adapter raised; where it is caught, since this frees what its frames hold.

    The message is what can be written anywhere, and of bounded length, whatever the adapter put into it.
    """
    if isinstance(error, Unsupported):
        try:
            return "unsupported", clean(str(error))
        except Exception:  # its own __str__ fails
            return "unsupported", type(error).__name__
    traceback.clear_frames(error.__traceback__)  # whatever filled the memory hangs on them
    return "failed", clean("".join(traceback.format_exception(error)))


def waived(model: CausalModel) -> dict[str, str]:
    """What a model waives, as texts that can be written."""
    return {clean(str(name)): clean(str(why)) for name, why in model.waives.items()}


def ask(
    trials: Sequence[Trial], models: Sequence[CausalModel], problems: Sequence[Problem], cost: Mapping[str, Any]
) -> Iterator[Record]:
    """The records of trials that share these fitted `models`, one a problem (a member), under one protocol.

    Question by question, not record by record, so that each truth is computed once and freed before the next.
    """
    sheets = [_Sheet.of(trial, models) for trial in trials]
    for place, problem in enumerate(problems):
        for number, query in enumerate(problem.queries):
            for sheet in sheets:
                sheet.ask(place, problem, number, query)
            if hasattr(query, "forget"):
                query.forget()  # type: ignore[attr-defined]
    for sheet in sheets:
        yield sheet.record(cost)


@dataclass
class _Sheet:
    """One record's answers, as they are collected."""

    trial: Trial
    models: Sequence[CausalModel]
    waives: Mapping[str, str]
    refused: tuple[str, str] | None = None
    scores: list[tuple[str, Score]] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    drawn: bool = False
    wall: float = 0.0
    cpu: float = 0.0

    @classmethod
    def of(cls, trial: Trial, models: Sequence[CausalModel]) -> _Sheet:
        """An empty sheet: the fitted models with the query options of this record."""
        try:
            options = {k: v for k, v in trial.entry.build().options().items() if k in models[0].query_options}
            asked = [model.with_query_options(**options) for model in models]
            return cls(trial, asked, waived(asked[0]))
        except TROUBLE as error:
            return cls(trial, models, {}, blame(error))

    def ask(self, place: int, problem: Problem, number: int, query: Query) -> None:
        """Ask one question and score the answer; what an adapter raises becomes a note."""
        if self.refused:
            return
        stream = derive(problem.seed, "ask", problem.name, problem.member, number)
        with Meter() as meter:
            try:
                with isolated(stream) as watch:
                    answer = _answer(self.models[place], query, stream)
                self.drawn |= watch.touched
                self.scores += [(problem.member, score) for score in _score(query, answer)]
                if problem.seed == EXAMPLE_SEED and hasattr(query, "examples"):
                    shown = query.examples(answer)  # type: ignore[attr-defined]
                    self.examples += [replace(example, member=problem.member) for example in shown]
            except TROUBLE as error:
                status, message = blame(error)
                self.notes.setdefault((query.kind, status), Note(query.kind, status, message))
        self.wall, self.cpu = self.wall + meter.wall, self.cpu + meter.cpu

    def record(self, cost: Mapping[str, Any]) -> Record:
        """The record: scores, or the first reason why there are none."""
        asked = {"query_wall_s": round(self.wall, 4), "query_cpu_s": round(self.cpu, 4)}
        cost = {**cost, **asked, "code": self.trial.code}
        if self.drawn:
            cost["random_state"] = "; ".join(filter(None, [cost.get("random_state"), "touched by queries"]))
        notes = list(self.notes.values())
        first = (notes[0].status, notes[0].message) if notes else ("failed", "the protocol asked nothing")
        status, message = ("ok", "") if self.scores else self.refused or first
        identity, role = self.trial.identity, self.models[0].role
        return Record(identity, status, message, self.scores, notes, self.examples, cost, self.waives, role)


def _answer(model: CausalModel, query: Query, stream: int) -> Values:
    if query.rung not in model.answers:
        raise Unsupported(f"{type(model).__name__} does not answer {query.rung} queries")
    return query.ask(model, seed=stream)


def _score(query: Query, answer: Values) -> list[Score]:
    scores = list(query.score(answer))
    for score in scores:
        if not math.isfinite(score.score):
            raise ValuesError(
                f"the {score.metric} of a {query.kind} query is {score.score} (do {score.node}={score.value})"
            )
    return scores
