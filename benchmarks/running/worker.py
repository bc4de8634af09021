"""What happens to one batch: build the problems, fit, ask, score, write records."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from scmbench import datasets
from scmbench.datasets import Example, Problem, Query, Score, Values, ValuesError
from scmbench.datasets.seeds import derive
from scmbench.models import CausalModel, Unsupported

from ..questions import protocols
from ..records.record import Note, Record
from ..records.store import Store
from .environment import Meter, environment, peak_mb
from .isolation import isolated
from .planner import Batch, Fit, Trial

EXAMPLE_SEED = 0
"""Records of this seed keep a few answers for plots."""

Prepare = Callable[[Problem], Problem]
"""What is done to a problem before a model is fitted to it."""

TROUBLE = (Exception, SystemExit)
"""What an adapter may raise at the cost of its own records only."""


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
    torch.set_num_threads(threads)
    keys = []
    for outcome in _outcomes(batch, device, prepare):
        for trial in outcome.fit.trials:
            store.write(outcome.record(trial))
            keys.append(trial.identity.key)
    return keys


class NotAlone(RuntimeError):
    """A batch whose fits have to be done one by one."""


@dataclass(frozen=True)
class Refused:
    """A fit that did not happen: the method does not support the problem, or it failed."""

    fit: Fit
    status: str
    message: str

    def record(self, trial: Trial) -> Record:
        """The reason, or the traceback."""
        waives = trial.entry.build().waives
        return Record(trial.identity, self.status, self.message, provenance=environment(), waives=waives)


@dataclass(frozen=True)
class Fitted:
    """A fit that did happen: fitted models and their problems, one a member, and what it cost."""

    fit: Fit
    models: Sequence[CausalModel]
    problems: Sequence[Problem]
    cost: Mapping[str, Any]

    def record(self, trial: Trial) -> Record:
        """Ask every query of every member under the record's protocol and query options, and score the answers."""
        problems = self.problems
        if trial.identity.protocol != self.fit.protocol:
            problems = _problems(self.fit, trial.identity.protocol)
        options = {k: v for k, v in trial.entry.build().options().items() if k in self.models[0].query_options}
        asked = [model.with_query_options(**options) for model in self.models]
        scores: list[tuple[str, Score]] = []
        examples: list[Example] = []
        notes: dict[tuple[str, str], Note] = {}
        drawn = False
        with Meter() as meter:
            for model, problem in zip(asked, problems, strict=True):
                for i, query in enumerate(problem.queries):
                    stream = derive(problem.seed, "ask", problem.name, problem.member, i)
                    try:
                        with isolated(stream) as watch:
                            answer = _ask(model, query, stream)
                        drawn |= watch.touched
                        scores += [(problem.member, score) for score in _score(query, answer)]
                        if problem.seed == EXAMPLE_SEED and hasattr(query, "examples"):
                            shown = query.examples(answer)  # type: ignore[attr-defined]
                            examples += [replace(example, member=problem.member) for example in shown]
                    except TROUBLE as error:
                        status, message = _blame(error)
                        notes.setdefault((query.kind, status), Note(query.kind, status, message))
        cost = {**self.cost, "query_wall_s": round(meter.wall, 4), "query_cpu_s": round(meter.cpu, 4)}
        if drawn:
            cost["random_state"] = "; ".join(filter(None, [cost.get("random_state"), "touched by queries"]))
        first = next(iter(notes.values()), Note("", "failed", "the protocol asked nothing"))
        status, message = ("ok", "") if scores else (first.status, first.message)
        return Record(trial.identity, status, message, scores, list(notes.values()), examples, cost, asked[0].waives)


def _blame(error: BaseException) -> tuple[str, str]:
    """Status and message of what an adapter raised; where it is caught, since this frees what its frames hold."""
    if isinstance(error, Unsupported):
        return "unsupported", str(error)
    traceback.clear_frames(error.__traceback__)  # whatever filled the memory hangs on them
    return "failed", "".join(traceback.format_exception(error))


def _ask(model: CausalModel, query: Query, stream: int) -> Values:
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


def _problems(fit: Fit, protocol: str) -> list[Problem]:
    return datasets.get(fit.dataset).problems(protocols.get(protocol), seed=fit.seed)


def _outcomes(batch: Batch, device: str | None, prepare: Prepare | None) -> Iterator[Fitted | Refused]:
    built: list[tuple[Fit, list[Problem]]] = []
    for fit in batch.fits:
        try:
            built.append((fit, [prepare(p) if prepare else p for p in _problems(fit, fit.protocol)]))
        except Exception as error:
            yield Refused(fit, *_blame(error))
    model = batch.entry.build()
    if device is not None and "device" in model.execution_options & set(model.options()):
        model.device = device  # type: ignore[attr-defined]
    try:
        together = _fit_together(model, built)
    except TROUBLE as error:
        if len(built) == 1:
            yield Refused(built[0][0], *_blame(error))
        else:
            yield from _fit_one_by_one(model, built)
    else:
        yield from together


def _fit_one_by_one(model: CausalModel, built: Sequence[tuple[Fit, list[Problem]]]) -> Iterator[Fitted | Refused]:
    for fit, problems in built:
        try:
            yield from _fit_together(model, [(fit, problems)])
        except TROUBLE as error:
            yield Refused(fit, *_blame(error))


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
            **mine[0].cost(),
            **({"random_state": "touched by fit"} if watch.touched else {}),
        }
        outcomes.append(Fitted(fit, mine, members, cost))
    return outcomes
