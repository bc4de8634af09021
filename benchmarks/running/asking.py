"""Asking fitted models: every question of a problem, to all records that share the fit, scored at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from scmbench.datasets import Problem, Values
from scmbench.models import CausalModel, Unsupported
from scmbench.models.contract.registry import role_of
from scmbench.models.training.progress import counted

from ..judging.methods import METHOD
from ..judging.notes import UNSTEADY, Note
from ..records.answers import Answers, Place, compact
from ..records.record import Record
from .blame import TROUBLE, blame, waived
from .environment import Meter
from .hosts import Host
from .isolation import isolated
from .outside import OutsideModel
from .sheet import Question, Sheet, forget, prepare
from .trial import Trial

ROUNDING = 1e-6
"""What two calls with one seed may differ by, in standard deviations of the answer: sums in another order."""

CHANGES = "answers change between two calls with the same seed"


def ask(
    trials: Sequence[Trial],
    made: Host,
    models: Sequence[Any],
    problems: Sequence[Problem],
    cost: Mapping[str, Any],
    *,
    keep: bool = False,
) -> Iterator[tuple[Record, Answers | None]]:
    """The records of trials that share these fitted `models` of a host, one a problem (a member), under one protocol.

    Question by question, not record by record, so that each truth is computed once and freed before the next: after all
    records have answered, never before. At the end every method gets its first question again. With `keep`, the answers
    come along, if every question was answered as far as the method can.
    """
    sheets = [_Asked.of(trial, made, models, keep=keep) for trial in trials]
    every = [(place, problem, *one) for place, problem in enumerate(problems) for one in enumerate(problem.queries)]
    for place, problem, number, query in counted(every, "questions"):
        prepare(query)
        asked = [Question(place, problem, number, query) for _ in sheets]
        answers = [sheet.ask(question) for sheet, question in zip(sheets, asked, strict=True)]
        for sheet, question, answer in zip(sheets, asked, answers, strict=True):
            sheet.score(question, answer)
        forget(query)
    for sheet in sheets:
        sheet.repeat()
        yield sheet.finished(cost)


@dataclass(kw_only=True)
class _Asked(Sheet):
    """The sheet of a record whose models are fitted and asked here."""

    made: Host
    models: Sequence[CausalModel | OutsideModel]
    first: tuple[Question, Values] | None = None
    drawn: bool = False
    kept: dict[Place, Values] | None = None
    """Answers by place; None where they are not kept."""
    said: list[Note] = field(default_factory=list)
    """The notes that came of asking, not of scoring."""

    @classmethod
    def of(cls, trial: Trial, made: Host, models: Sequence[Any], *, keep: bool) -> _Asked:
        """An empty sheet: the fitted models with the query options of this record."""
        kept = {} if keep else None
        try:
            asked = [made.configured(model, trial.entry) for model in models]
            waives = asked[0].waives if isinstance(asked[0], OutsideModel) else waived(asked[0])
            role = role_of(type(asked[0]))
            return cls(trial=trial, made=made, models=asked, waives=waives, role=role, kept=kept)
        except TROUBLE as error:
            return cls(trial=trial, made=made, models=[], waives={}, refused=blame(error))

    def ask(self, question: Question) -> Values | None:
        """The answer to one question; None where there is none: what an adapter raises becomes a note."""
        if self.refused:
            return None
        answer = None
        with Meter(self.made.cpu) as meter:
            try:
                answer = self._answer(question)
            except TROUBLE as error:
                self._says(self.blame(question, error))
        self.count(meter)
        self._keep(question, answer)
        return answer

    def _keep(self, question: Question, answer: Values | None) -> None:
        """Keep an answer beside the others; all or none of a record are kept."""
        if answer is None or self.kept is None:
            return
        try:
            small = compact(answer)
        except TROUBLE:  # memory is bounded
            small = None
        if small is None:
            self.kept = None
        else:
            self.kept[question.place, question.number] = small

    def score(self, question: Question, answer: Values | None) -> bool:
        """As `Sheet.score`; the first answer that was scored is remembered, to be asked for again."""
        scored = super().score(question, answer)
        if scored and answer is not None and self.first is None and self.role == METHOD:
            try:
                self.first = question, {node: x.clone() for node, x in answer.items()}
            except TROUBLE as error:
                self.blame(question, error)
        return scored

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
            self._says(self.notes[kind, UNSTEADY])
        forget(question.query)

    def finished(self, cost: Mapping[str, Any]) -> tuple[Record, Answers | None]:
        """The record, and the answers behind it where they are kept."""
        if self.drawn or any(isinstance(model, OutsideModel) and model.drawn for model in self.models):
            cost = {**cost, "random_state": "; ".join(filter(None, [cost.get("random_state"), "touched by queries"]))}
        record = self.record(cost)
        if not self.kept or any(note.status == "failed" for note in self.said):
            return record, None
        base = self.trial.base
        scores = [(member, score) for member, score in record.scores if score.metric not in base.added]
        provenance = {**record.provenance, "code": base.code}
        told = {"scores": scores, "notes": self.said, "provenance": provenance, "examples": (), "pictures": ()}
        bare = replace(record, identity=self.trial.bare, status="ok", message="", **told)
        answers = Answers(bare, self.kept)
        return replace(record, provenance={**record.provenance, "kept_answers": answers.key}), answers

    def _answer(self, question: Question) -> Values:
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

    def _says(self, note: Note) -> None:
        if note not in self.said:
            self.said.append(note)


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
