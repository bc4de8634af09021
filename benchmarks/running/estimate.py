"""How long a plan will take, learned from the cost of finished records."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
        self._known: dict[str, list[tuple[float, float]]] = {}

    def learn(self, method: str, provenance: Mapping[str, Any]) -> None:
        """Take in one record's cost."""
        names = ("fit_cpu_s", "query_cpu_s", "mechanisms")
        fit, query, mechanisms = (math.nan if provenance.get(n) is None else float(provenance[n]) for n in names)
        if math.isfinite(fit + query) and mechanisms >= 1:  # a problem that the model does not support has no cost
            self._known.setdefault(method, []).append((fit / mechanisms, query / mechanisms))

    def estimate(self, batch: Batch) -> float:
        """CPU seconds the batch will take."""
        seconds = batch.size * self._rate(batch.entry.title)[0]
        for fit in batch.fits:
            seconds += fit.size * sum(self._rate(trial.entry.title)[1] for trial in fit.trials)
        return seconds

    def _rate(self, method: str) -> tuple[float, float]:
        known = self._known.get(method)
        if not known:
            return self.FALLBACK
        return sum(fit for fit, _ in known) / len(known), sum(query for _, query in known) / len(known)


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
    return sum(map(rates.estimate, plan.batches))


def duration(seconds: float) -> str:
    """Seconds in words: ``40 s``, ``12 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
