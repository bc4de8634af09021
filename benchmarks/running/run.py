"""A run: what a suite wants and the store lacks, computed batch by batch with honest progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from ..judging.doubts import with_suspects
from ..records.record import Record
from ..records.results import Results, gather
from ..records.store import Store
from ..suites.suite import Suite
from . import planner
from .bar import Bar
from .engine import Engine
from .estimate import Rates, Work, time_left
from .planner import Plan, Trial
from .sharing import claimed, settled
from .stage import running

SHARE = 20
"""How many times longer than it took the growing table waits until it is made again."""


class Finished:
    """Finished records of a suite, grown as they arrive."""

    def __init__(self, suite: Suite, store: Store):
        self.suite, self.store, self.rates = suite, store, Rates()
        self.lacking: Sequence[Trial] = ()
        """What is asked for and not there; when a run ends, because it was deleted meanwhile."""
        self._records: list[tuple[Record, Trial]] = []

    def take(self, trials: Sequence[Trial], records: Mapping[str, Record]) -> int:
        """Take in those of the records that are there; how many these are."""
        found = [(records[one.key], one) for one in trials if one.key in records]
        for record, one in found:
            self.rates.learn(one.entry.title, record.provenance)
        self._records += found
        return len(found)

    def results(self) -> Results:
        """All of them as frames."""
        today = {one.key: one.code for _, one in self._records}
        found = gather([(r, one.entry.label) for r, one in self._records], suite=self.suite.name, today=today)
        return replace(found, provenance=with_suspects(found.rows, found.provenance))

    def keep_suspicions(self) -> None:
        """Write into records what only shows beside others: that a query is suspect, or is no more.

        Raises `StoreError` where they cannot be written.
        """
        notes = self.results().provenance.get("notes", ())
        for i, ((record, one), told) in enumerate(zip(self._records, notes, strict=True)):
            if tuple(record.notes) != told and self.store.stamp(one.key) is not None:
                self._records[i] = (replace(record, notes=told), one)
                self.store.write(self._records[i][0])


def finished_of(plan: Plan, store: Store) -> Finished:
    """What was there when the plan was made."""
    finished = Finished(plan.suite, store)
    finished.take(plan.trials, plan.finished)
    return finished


def collect(suite: Suite, store: Store) -> Finished:
    """What the store has of a suite."""
    finished, trials = Finished(suite, store), planner.trials(suite)
    records = planner.read(trials, store)
    finished.take(trials, records)
    finished.lacking = [one for one in trials if one.key not in records]
    return finished


def compute(
    plan: Plan,
    store: Store,
    engine: Engine,
    *,
    workers: int,
    console: Console,
    refresh: Callable[[Finished], None] | None = None,
    every: float = 60.0,
) -> Finished:
    """Compute what is missing. `refresh` gets the growing table at most every `every` seconds, and at the end.

    What another run on this store computes at the moment is left to it, and waited for; where that run ends without
    it, it is computed here.

    What is running is told by name, and how far it is (`stage.running`). How long the rest may take is unknown until
    something is finished.
    """
    store.prepare()
    if plan.shelf:
        plan.shelf.prepare(keeping=store.keeps_answers)
    finished = finished_of(plan, store)
    left, work = {id(batch): batch for batch in plan.batches}, Work(plan.batches)
    before = {trial.key: store.stamp(trial.key) for batch in plan.batches for trial in batch.trials}
    last = ended = time.monotonic()
    pause = every

    def say() -> tuple[str, str]:
        if not left:
            return "done", ""
        now = ", ".join(running(left.values(), store, workers))
        told = f"running: {now}" if now else "another run has the rest"
        return time_left(work, finished.rates, workers=workers, since=time.monotonic() - ended), told

    with claimed(store, before), Bar(console, plan.to_do, say) as bar:
        bar.show(0, last=not left)
        for done in settled(plan.batches, store, engine, console):
            with bar.changing:
                left.pop(id(done.batch), None)
                work.drop(done.batch)
                there = finished.take(done.batch.trials, planner.read(done.batch.trials, store))
                ended = time.monotonic()
            if done.trouble:
                console.print(Text(f"{done.batch.entry.title}: {done.trouble}", style="red"))
            bar.show(there, last=not left)
            if refresh and left and time.monotonic() - last > pause:
                start = time.monotonic()
                refresh(finished)
                last = time.monotonic()
                pause = max(every, SHARE * (last - start))
    finished.keep_suspicions()
    finished.lacking = [one for one in plan.trials if store.stamp(one.key) is None]
    if finished.lacking:
        gone = (
            f"{len(finished.lacking)} of {len(plan.trials)} records are not in {store.folder}, though they were "
            "computed: was it deleted meanwhile? Run again to go on"
        )
        console.print(Text(gone, style="red"))
    if refresh:
        refresh(finished)
    return finished
