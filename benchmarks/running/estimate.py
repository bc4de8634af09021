"""How long a plan will take, learned from the cost of finished records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ..judging.methods import title
from ..records import committed as runs
from .planner import Batch, Plan


class Rates:
    """CPU seconds a mechanism, learned from finished records: the basis of time estimates.

    Fitting and asking are kept apart, because records that differ in query options alone share one fit.
    """

    FALLBACK = (2.0, 0.5)
    """Fit and queries, before anything is known of a model: about what one small network takes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float, int]] = {}
        """By method: the sums of what fitting and asking took a mechanism, and over how many records."""

    @property
    def learned(self) -> bool:
        """Whether anything is known of any method."""
        return bool(self._known)

    def learn(self, method: str, provenance: Mapping[str, Any]) -> None:
        """Take in one record's cost."""
        names = ("fit_cpu_s", "query_cpu_s", "mechanisms")
        fit, query, mechanisms = (math.nan if provenance.get(n) is None else float(provenance[n]) for n in names)
        if math.isfinite(fit + query) and mechanisms >= 1:  # a problem that the model does not support has no cost
            fits, queries, n = self._known.get(method, (0.0, 0.0, 0))
            self._known[method] = fits + fit / mechanisms, queries + query / mechanisms, n + 1

    def of(self, method: str) -> tuple[float, float]:
        """Mean CPU seconds a mechanism: of a fit, and of asking."""
        fits, queries, n = self._known.get(method, (*self.FALLBACK, 1))
        return fits / n, queries / n


class Work:
    """What is left of some batches: mechanisms to fit and to ask, by method. Its size is that of the methods alone."""

    def __init__(self, batches: Iterable[Batch]):
        self._left: dict[str, list[int]] = {}
        for batch in batches:
            self._count(batch, 1)

    def drop(self, batch: Batch) -> None:
        """Take a batch away that is over."""
        self._count(batch, -1)

    def seconds(self, rates: Rates) -> float:
        """CPU seconds that the rest will take."""
        each = ((rates.of(method), work) for method, work in self._left.items())
        return sum(fit * work[0] + query * work[1] for (fit, query), work in each)

    def _count(self, batch: Batch, sign: int) -> None:
        self._of(batch.entry.title)[0] += 0 if batch.kept else sign * batch.size
        for fit in batch.fits:
            for trial in fit.trials:
                self._of(trial.entry.title)[1] += sign * fit.size

    def _of(self, method: str) -> list[int]:
        return self._left.setdefault(method, [0, 0])


def estimate(plan: Plan) -> float:
    """CPU seconds that a plan will take, from finished records and else from the suite's committed run."""
    rates = Rates()
    try:
        committed = runs.read(runs.home_of(plan.suite)).provenance
    except runs.CommittedError:
        committed = pd.DataFrame()
    for row in committed.to_dict("records"):
        rates.learn(title(str(row["model"]), str(row["variant"])), {str(name): value for name, value in row.items()})
    for one in plan.trials:
        if (record := plan.finished.get(one.key)) is not None:
            rates.learn(one.entry.title, record.provenance)
    return Work(plan.batches).seconds(rates)


def time_left(work: Work, rates: Rates, *, workers: int, since: float) -> str:
    """How long the rest may take, less the seconds since a batch ended: it counts down while a long one runs."""
    if not rates.learned:
        return "unknown time left"
    seconds = work.seconds(rates) / workers - since
    return f"about {duration(seconds)} left" if seconds > 0 else "longer than estimated"


def duration(seconds: float) -> str:
    """Seconds in words: ``40 s``, ``12 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
