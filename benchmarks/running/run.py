"""A run: what a suite wants and the store lacks, computed batch by batch with honest progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..records.record import Record
from ..records.results import Results, gather
from ..records.store import Store
from ..suites.suite import Suite
from . import planner
from .engine import Engine
from .estimate import Rates, duration
from .planner import Batch, Plan, Trial


class Finished:
    """Finished records of a suite, grown as they arrive."""

    def __init__(self, suite: Suite, store: Store):
        self.suite, self.store, self.rates = suite, store, Rates()
        self.lacking: Sequence[Trial] = ()
        """What was computed, or was there, and is no longer on disk when a run ends."""
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
        return gather([(record, one.entry.label) for record, one in self._records], suite=self.suite.name)


def finished_of(plan: Plan, store: Store) -> Finished:
    """What was there when the plan was made."""
    finished = Finished(plan.suite, store)
    finished.take(plan.trials, plan.finished)
    return finished


def collect(suite: Suite, store: Store) -> Finished:
    """What the store has of a suite."""
    finished, trials = Finished(suite, store), planner.trials(suite)
    finished.take(trials, planner.read(trials, store))
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
    """Compute what is missing. `refresh` gets the growing table at most every `every` seconds, and at the end."""
    store.prepare()
    finished = finished_of(plan, store)
    left, last = {id(batch): batch for batch in plan.batches}, time.monotonic()
    with _Progress(console, plan.to_do) as progress:
        progress.show(0, _eta(left.values(), finished.rates, workers))
        for done in engine(plan.batches, store):
            del left[id(done.batch)]
            there = finished.take(done.batch.trials, planner.read(done.batch.trials, store))
            if done.trouble:
                console.print(f"[red]{done.batch.entry.title}: {done.trouble}[/red]")
            progress.show(there, _eta(left.values(), finished.rates, workers))
            if refresh and left and time.monotonic() - last > every:
                refresh(finished)
                last = time.monotonic()
    finished.lacking = [one for one in plan.trials if store.stamp(one.key) is None]
    if finished.lacking:
        console.print(
            f"[red]{len(finished.lacking)} of {len(plan.trials)} records are not in {store.folder}, though they were "
            "computed: was it deleted meanwhile? Run again to go on[/red]",
            highlight=False,
        )
    if refresh:
        refresh(finished)
    return finished


class _Progress:
    """A bar on a terminal; in a log, a line at most every half minute."""

    def __init__(self, console: Console, total: int):
        self.console, self.total, self.done, self.last = console, total, 0, 0.0
        columns = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Progress(
            *columns, TextColumn("{task.fields[eta]}"), console=console, disable=not console.is_terminal
        )
        self.task = self.bar.add_task("records", total=total, eta="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def show(self, advance: int, eta: str) -> None:
        """Count finished records and say how long the rest may take."""
        self.done += advance
        self.bar.update(self.task, advance=advance, eta=eta)
        if not self.console.is_terminal and (
            self.done == self.total or eta == "done" or time.monotonic() - self.last > 30
        ):
            self.console.print(f"{self.done}/{self.total} records, {eta}", highlight=False)
            self.last = time.monotonic()


def _eta(left: Collection[Batch], rates: Rates, workers: int) -> str:
    return f"about {duration(sum(map(rates.estimate, left)) / workers)} left" if left else "done"
