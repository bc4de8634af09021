"""Where a model is fitted and asked: here, where it is part of scmbench, and else in a process that knows no truth."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from scmbench import models
from scmbench.datasets import Problem
from scmbench.models import CausalModel
from scmbench.models.contract.registry import is_outside, role_of

from ..judging.methods import METHOD
from ..suites.suite import Entry
from .blame import own_cost, waived
from .environment import peak_mb
from .isolation import isolated
from .outside import NURSERY, Outside


class Here:
    """This process. Only floors and ceilings of scmbench are shown worlds and questions."""

    def __init__(self, entry: Entry, device: str | None):
        self.entry, self.device = entry, device

    def start(self) -> None:
        """Build the model."""
        self.model = self.entry.build()
        if self.device is not None and "device" in self.model.execution_options & set(self.model.options()):
            self.model.device = self.device  # type: ignore[attr-defined]

    @property
    def where(self) -> str:
        """The device that the model computes on; empty for the CPU."""
        device = self.model.options().get("device")
        return "" if device is None or torch.device(device).type == "cpu" else str(device)

    def fit(self, problems: Sequence[Problem], seeds: Sequence[int]) -> tuple[list[Any], bool]:
        """Fit to all problems together: fitted models, and whether global generators were used."""
        shown = [p.shown() for p in problems] if role_of(type(self.model)) == METHOD else problems
        with isolated(seeds[0]) as watch:
            fitted = list(self.model.fit_many(shown, seeds))
        return fitted, watch.touched

    def configured(self, model: Any, entry: Entry) -> CausalModel:
        """A fitted model as this entry, which shares its fit, asks it."""
        options = {k: v for k, v in entry.build().options().items() if k in model.query_options}
        return model.with_query_options(**options)

    def cost(self, model: Any) -> dict[str, int | float]:
        """What the model says its fit took."""
        return own_cost(model)

    def about(self, entry: Entry) -> tuple[dict[str, str], str]:
        """What an unfitted model of this entry waives, and its role."""
        return waived(entry.build()), role_of(models.load(entry.name))

    def cpu(self) -> float:
        """CPU seconds of this process."""
        return time.process_time()

    def peak(self) -> float:
        """Peak memory, MB."""
        return peak_mb()

    def close(self) -> None:
        """Nothing is left."""


Host = Here | Outside


def is_secluded(entry: Entry) -> bool:
    """Whether the model is kept in a process of its own: every one from outside that another process can import.

    A class of a notebook or of an interactive session exists in this process alone.
    """
    if entry.name.startswith("__main__:"):
        return hasattr(sys.modules["__main__"], "__file__")
    return is_outside(entry.name)


def get_ready(entry: Entry) -> None:
    """Start what outlives a batch."""
    if is_secluded(entry):
        NURSERY.ready()


@contextmanager
def host(entry: Entry, device: str | None) -> Iterator[Host]:
    """Where the models of one batch live; not started yet, and nothing of it left afterwards."""
    made = Outside(entry, device) if is_secluded(entry) else Here(entry, device)
    try:
        yield made
    finally:
        made.close()
