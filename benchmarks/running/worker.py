"""What happens to one batch: build the problems, fit, ask (`asking.py`), write records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from scmbench import datasets, models
from scmbench.datasets import Problem
from scmbench.datasets.seeds import derive
from scmbench.models import CausalModel

from ..judging.methods import METHOD
from ..questions import protocols
from ..records.checking import Checker, clean
from ..records.record import Record
from ..records.store import Store
from .asking import TROUBLE, ask, blame, waived
from .environment import Meter, environment, peak_mb
from .isolation import isolated, kept_apart
from .planner import Batch, Fit, Trial

Prepare = Callable[[Problem], Problem]
"""What is done to a problem before a model is fitted to it."""


def run_batch(
    batch: Batch, store: Store, *, device: str | None = None, threads: int = 1, prepare: Prepare | None = None
) -> list[str]:
    """Fit the batch, write every record as soon as it is finished, and return their keys.

    On one thread unless told otherwise: processes fill the cores. `prepare` changes the problems, for experiments that
    ask what a change does to the numbers; a store of such records is no store of results.

    A fit that raises does not harm its mates: the batch is then fitted one by one, and only the culprit's records are
    failures, with their traceback. A model that draws from global random generators, which it ought not to, is fitted
    and asked with those on streams of its seed, alone, so that its numbers depend on nothing else either; the
    provenance then says so (``random_state``). Raises `StoreError` where records cannot be written.
    """
    keys = []
    with kept_apart():
        torch.set_num_threads(threads)
        for outcome in _outcomes(batch, device, prepare):
            for record in outcome.records():
                store.write(record)
                keys.append(record.identity.key)
    return keys


def without_scores(trial: Trial, status: str, message: str) -> Record:
    """The record of a trial that came to nothing, and why."""
    try:
        waives, role = waived(trial.entry.build()), models.load(trial.identity.model).role
    except TROUBLE:  # what cannot even be built tells nothing about itself
        waives, role = {}, METHOD
    made = {**environment(), "code": trial.code}
    return Record(trial.identity, status, message, provenance=made, waives=waives, role=role)


class NotAlone(RuntimeError):
    """A batch whose fits have to be done one by one."""


@dataclass(frozen=True)
class Refused:
    """A fit that did not happen: the method does not support the problem, or it failed."""

    fit: Fit
    status: str
    message: str

    def records(self) -> Iterator[Record]:
        """The reason, or the traceback, for every record of the fit."""
        for trial in self.fit.trials:
            yield without_scores(trial, self.status, self.message)


@dataclass(frozen=True)
class Fitted:
    """A fit that did happen: fitted models and their problems, one a member, and what it cost."""

    fit: Fit
    models: Sequence[CausalModel]
    problems: Sequence[Problem]
    cost: Mapping[str, Any]

    def records(self) -> Iterator[Record]:
        """Ask all records of this fit, those of one protocol together, with the problems that it makes."""
        for protocol, trials in groupby(self.fit.trials, key=lambda trial: trial.identity.protocol):
            problems = self.problems if protocol == self.fit.protocol else _problems(self.fit, protocol)
            yield from ask(list(trials), self.models, problems, self.cost)


def _problems(fit: Fit, protocol: str) -> list[Problem]:
    return datasets.get(fit.dataset).problems(protocols.get(protocol), seed=fit.seed)


def _outcomes(batch: Batch, device: str | None, prepare: Prepare | None) -> Iterator[Fitted | Refused]:
    built: list[tuple[Fit, list[Problem]]] = []
    for fit in batch.fits:
        try:
            problems = [prepare(p) if prepare else p for p in _problems(fit, fit.protocol)]
            built.append((replace(fit, size=datasets.get(fit.dataset).size(fit.seed)), problems))
        except Exception as error:
            yield Refused(fit, *blame(error))
    try:
        model = batch.entry.build()
    except TROUBLE as error:
        yield from (Refused(fit, *blame(error)) for fit, _ in built)
        return
    if device is not None and "device" in model.execution_options & set(model.options()):
        model.device = device  # type: ignore[attr-defined]
    try:
        together = _fit_together(model, built)
    except TROUBLE as error:
        if len(built) == 1:
            yield Refused(built[0][0], *blame(error))
        else:
            yield from _fit_one_by_one(model, built)
    else:
        yield from together


def _fit_one_by_one(model: CausalModel, built: Sequence[tuple[Fit, list[Problem]]]) -> Iterator[Fitted | Refused]:
    for fit, problems in built:
        try:
            yield from _fit_together(model, [(fit, problems)])
        except TROUBLE as error:
            yield Refused(fit, *blame(error))


def _fit_together(model: CausalModel, built: Sequence[tuple[Fit, list[Problem]]]) -> list[Fitted]:
    problems = [problem for _, members in built for problem in members]
    seeds = [derive(problem.seed, "fit", problem.name, problem.member) for problem in problems]
    with Meter() as meter, isolated(seeds[0]) as watch:
        fitted = iter(model.fit_many(problems, seeds))
    if watch.touched and len(built) > 1:
        raise NotAlone("its fit draws from global random generators: among mates it would depend on them")
    total = sum(fit.size for fit, _ in built)
    outcomes = []
    for fit, members in built:
        mine = [next(fitted) for _ in members]
        share = fit.size / total  # a batch is timed as one; its cost is shared out by the number of mechanisms
        cost = {
            **environment(),
            "fit_wall_s": round(meter.wall * share, 4),
            "fit_cpu_s": round(meter.cpu * share, 4),
            "batch_fits": len(built),
            "mechanisms": fit.size,
            "peak_mb": round(peak_mb(), 1),
            **({"random_state": "touched by fit"} if watch.touched else {}),
        }
        outcomes.append(Fitted(fit, mine, members, _own_cost(mine[0], cost) | cost))
    return outcomes


def _own_cost(model: CausalModel, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a model says its fit took: numbers alone, and nothing that the harness measured. A bad one costs nothing."""
    try:
        told = {clean(str(name)): value for name, value in model.cost().items()}
        return {name: value for name, value in Checker(told).numbers_only().items() if name not in known}
    except TROUBLE:
        return {}
