"""A run: what a suite wants and the store lacks, computed batch by batch with honest progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import baseline, planner
from .engine import Done
from .planner import Batch, Missing, Wanted
from .records import Record
from .results import Results, gather
from .store import Store
from .suite import Suite

RunBatches = Callable[[Sequence[Batch], Store], Iterator[Done]]


@dataclass(frozen=True)
class Plan:
    """What a run will do: all records wanted, the batches of those missing, datasets that cannot be built here."""

    suite: Suite
    wanted: Sequence[Wanted]
    batches: Sequence[Batch]
    missing: Sequence[Missing]

    @property
    def to_do(self) -> int:
        """Number of records to compute."""
        return sum(len(batch.wanted) for batch in self.batches)


def plan(suite: Suite, store: Store, *, retry: bool = False) -> Plan:
    """Compare what the suite wants with what the store has."""
    there, missing = planner.available(suite)
    wanted = [one for one in planner.wanted(suite) if one.identity.dataset in set(there)]
    return Plan(suite, wanted, planner.pack(planner.absent(wanted, store, retry=retry)), missing)


class Rates:
    """CPU seconds a mechanism, learned from finished records: the basis of time estimates.

    Fitting and asking are kept apart, because records that differ in query options alone share one fit.
    """

    FALLBACK = (2.0, 0.5)
    """Fit and queries, before anything is known of a model: about what one small network takes."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[float, float]]] = {}

    def learn(self, title: str, provenance: Mapping[str, Any]) -> None:
        """Take in one record's cost."""
        names = ("fit_cpu_s", "query_cpu_s", "mechanisms")
        fit, query, mechanisms = (math.nan if provenance.get(n) is None else float(provenance[n]) for n in names)
        if math.isfinite(fit + query) and mechanisms >= 1:  # a problem that the model does not support has no cost
            self._known.setdefault(title, []).append((fit / mechanisms, query / mechanisms))

    def estimate(self, batch: Batch) -> float:
        """CPU seconds the batch will take."""
        seconds = batch.size * self._rate(batch.entry.title)[0]
        for fit in batch.fits:
            seconds += fit.size * sum(self._rate(wanted.entry.title)[1] for wanted in fit.wanted)
        return seconds

    def _rate(self, title: str) -> tuple[float, float]:
        known = self._known.get(title)
        if not known:
            return self.FALLBACK
        return sum(fit for fit, _ in known) / len(known), sum(query for _, query in known) / len(known)


class Table:
    """Finished records of a suite, grown as they arrive."""

    def __init__(self, suite: Suite, store: Store):
        self.suite, self.store, self.rates = suite, store, Rates()
        self._records: list[tuple[Record, str]] = []

    def take(self, wanted: Sequence[Wanted]) -> None:
        """Read those of the records that are there."""
        for one in wanted:
            if (record := self.store.read(one.identity.key)) is not None:
                self._records.append((record, one.entry.label))
                self.rates.learn(one.entry.title, record.provenance)

    def results(self) -> Results:
        """All of them as frames."""
        return gather(self._records, suite=self.suite.name)


def estimate(plan: Plan, store: Store) -> float:
    """CPU seconds that a plan will take, from the store's finished records and else the committed run's."""
    rates = Rates()
    try:
        committed = baseline.read(baseline.folder(plan.suite.name)).provenance
    except baseline.BaselineError:
        committed = pd.DataFrame()
    for row in committed.to_dict("records"):
        title = f"{row['model']} ({row['variant']})" if row["variant"] else str(row["model"])
        rates.learn(title, {str(name): value for name, value in row.items()})
    for one in plan.wanted:
        if (record := store.read(one.identity.key)) is not None:
            rates.learn(one.entry.title, record.provenance)
    return sum(map(rates.estimate, plan.batches))


def collect(suite: Suite, store: Store) -> Table:
    """The table of what the store has of a suite."""
    table = Table(suite, store)
    table.take(planner.wanted(suite))
    return table


def run(
    plan: Plan,
    store: Store,
    engine: RunBatches,
    *,
    workers: int,
    console: Console,
    refresh: Callable[[Table], None] | None = None,
    every: float = 60.0,
) -> Table:
    """Compute what is missing. `refresh` gets the growing table at most every `every` seconds, and at the end."""
    store.prepare()
    table = Table(plan.suite, store)
    missing = {one.identity.key for batch in plan.batches for one in batch.wanted}
    table.take([one for one in plan.wanted if one.identity.key not in missing])
    left, last = list(plan.batches), time.monotonic()
    with _Progress(console, plan.to_do) as progress:
        progress.show(0, _eta(left, table.rates, workers))
        for done in engine(plan.batches, store):
            left.remove(done.batch)
            table.take(done.batch.wanted)
            if done.trouble:
                console.print(f"[red]{done.batch.entry.title}: {done.trouble}[/red]")
            progress.show(len(done.batch.wanted), _eta(left, table.rates, workers))
            if refresh and left and time.monotonic() - last > every:
                refresh(table)
                last = time.monotonic()
    if refresh:
        refresh(table)
    return table


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
        if not self.console.is_terminal and (self.done == self.total or time.monotonic() - self.last > 30):
            self.console.print(f"{self.done}/{self.total} records, {eta}", highlight=False)
            self.last = time.monotonic()


def _eta(left: Sequence[Batch], rates: Rates, workers: int) -> str:
    return f"about {duration(sum(map(rates.estimate, left)) / workers)} left" if left else "done"


def duration(seconds: float) -> str:
    """Seconds in words: ``40 s``, ``12 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
