"""What happens to one batch: build the problems, fit, ask (`asking.py`), write records."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from scmbench import datasets
from scmbench.datasets import Problem, addresses
from scmbench.datasets.seeds import derive

from ..judging.methods import METHOD
from ..questions import protocols
from ..records.answers import Answers, Shelf
from ..records.record import Record
from ..records.store import Store
from . import kept
from .asking import ask
from .blame import TROUBLE, blame
from .environment import Meter, environment
from .hosts import Here, Host, get_ready, host
from .isolation import kept_apart
from .planner import Batch, Fit, Trial
from .stage import telling

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
    provenance then says so (``random_state``). A model from outside does all this in a process of its own, which knows
    no world and no truth (`hosts.py`). Fits whose records another run computes are left to it. Of a batch whose answers
    are kept, only those are fitted whose file is no longer there. Raises `StoreError` where records cannot be written.
    """
    keys, whole = [], batch
    batch = replace(batch, fits=[fit for fit in batch.fits if store.take([trial.key for trial in fit.trials])])
    shelf, keep = Shelf(store), store.keeps_answers and prepare is None
    with kept_apart():
        torch.set_num_threads(threads)
        if batch.kept and prepare is None:
            for record in _from_kept(batch, shelf):
                store.write(record)
                keys.append(record.identity.key)
            batch = _without(batch, keys)
        if not batch.fits:
            return keys
        get_ready(batch.entry)
        with telling(whole, store), closing(_outcomes(batch, device, prepare)) as outcomes:
            for outcome in outcomes:
                for record, answers in outcome.records(keep=keep):
                    if answers:
                        shelf.write(answers)
                    store.write(record)
                    keys.append(record.identity.key)
    return keys


def _from_kept(batch: Batch, shelf: Shelf) -> Iterator[Record]:
    """The records of a batch whose answers are there; its problems are built anew, and no model."""
    for fit in batch.fits:
        for protocol, trials in groupby(fit.trials, key=lambda trial: trial.identity.protocol):
            found = {one.key: answers for one in trials if (answers := shelf.read(one.answers))}
            try:
                problems = _problems(fit, protocol)
            except Exception:  # the fit, which needs them too, says why
                continue
            yield from kept.score([one for one in fit.trials if one.key in found], found, problems)


def _without(batch: Batch, keys: Sequence[str]) -> Batch:
    """What is left of a batch when the records of these keys are there."""
    fits = [replace(fit, trials=[one for one in fit.trials if one.key not in keys]) for fit in batch.fits]
    return Batch([fit for fit in fits if fit.trials])


def without_scores(trial: Trial, status: str, message: str, made: Host | None = None) -> Record:
    """The record of a trial that came to nothing, and why; its host knows what can be said of the model."""
    try:
        waives, role = (made or Here(trial.entry, None)).about(trial.entry)
    except TROUBLE:  # what cannot even be built tells nothing about itself
        waives, role = {}, METHOD
    provenance = {**environment(), "code": trial.code}
    return Record(trial.identity, status, message, provenance=provenance, waives=waives, role=role)


class NotAlone(RuntimeError):
    """A batch whose fits have to be done one by one."""


@dataclass(frozen=True)
class Refused:
    """A fit that did not happen: the method does not support the problem, or it failed."""

    fit: Fit
    status: str
    message: str
    made: Host

    def records(self, *, keep: bool = False) -> Iterator[tuple[Record, Answers | None]]:
        """The reason, or the traceback, for every record of the fit; there are no answers to `keep`."""
        for trial in self.fit.trials:
            yield without_scores(trial, self.status, self.message, self.made), None


@dataclass(frozen=True)
class Fitted:
    """A fit that did happen: fitted models and their problems, one a member, and what it cost."""

    fit: Fit
    made: Host
    models: Sequence[Any]
    problems: Sequence[Problem]
    cost: Mapping[str, Any]

    def records(self, *, keep: bool = False) -> Iterator[tuple[Record, Answers | None]]:
        """Ask all records of this fit, those of one protocol together; with the answers where these are to `keep`."""
        for protocol, trials in groupby(self.fit.trials, key=lambda trial: trial.identity.protocol):
            problems = self.problems if protocol == self.fit.protocol else _problems(self.fit, protocol)
            yield from ask(list(trials), self.made, self.models, problems, self.cost, keep=keep)


def _problems(fit: Fit, protocol: str) -> list[Problem]:
    return addresses.get(fit.dataset, fit.home).problems(protocols.get(protocol), seed=fit.seed)


def _outcomes(batch: Batch, device: str | None, prepare: Prepare | None) -> Generator[Fitted | Refused, None, None]:
    with host(batch.entry, device) as made:
        built: list[tuple[Fit, list[Problem]]] = []
        for fit in batch.fits:
            try:
                problems = [prepare(p) if prepare else p for p in _problems(fit, fit.protocol)]
                built.append((replace(fit, size=datasets.get(fit.dataset).size(fit.seed)), problems))
            except Exception as error:
                yield Refused(fit, *blame(error), made)
        try:
            made.start()
        except TROUBLE as error:
            status, message = blame(error)
            yield from (Refused(fit, status, message, made) for fit, _ in built)
            return
        try:
            together = _fit_together(made, built)
        except TROUBLE as error:
            if len(built) == 1:
                yield Refused(built[0][0], *blame(error), made)
            else:
                yield from _fit_one_by_one(made, built)
        else:
            yield from together


def _fit_one_by_one(made: Host, built: Sequence[tuple[Fit, list[Problem]]]) -> Iterator[Fitted | Refused]:
    for fit, problems in built:
        try:
            yield from _fit_together(made, [(fit, problems)])
        except TROUBLE as error:
            yield Refused(fit, *blame(error), made)


def _fit_together(made: Host, built: Sequence[tuple[Fit, list[Problem]]]) -> list[Fitted]:
    problems = [problem for _, members in built for problem in members]
    seeds = [derive(problem.seed, "fit", problem.name, problem.member) for problem in problems]
    with Meter(made.cpu) as meter:
        models, drawn = made.fit(problems, seeds)
    fitted = iter(models)
    if drawn and len(built) > 1:
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
            "peak_mb": round(made.peak(), 1),
            **({"random_state": "touched by fit"} if drawn else {}),
            **({"device": made.where} if made.where else {}),
        }
        outcomes.append(Fitted(fit, made, mine, members, made.cost(mine[0]) | cost))
    return outcomes
