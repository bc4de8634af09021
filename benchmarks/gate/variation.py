"""Harmless variations: changes of how a suite is computed that must not move its numbers, but do by a little."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from rich.console import Console
from scmbench.datasets import Problem
from scmbench.datasets.seeds import derive, generator
from torch.overrides import TorchFunctionMode

from ..records.results import Results
from ..records.store import Store
from ..running import engine
from ..running.planner import Batch, plan
from ..running.run import compute
from ..suites.suite import Suite

JITTER = 1e-7
"""Relative size of the noise on data and first weights: about the rounding of a float32."""


@dataclass(frozen=True)
class Variation:
    """How a run differs from a plain one: `threads`, every fit `alone` in its batch, jittered data or first weights.

    `data` and `weights` are seeds of the jitter, None for no jitter.
    """

    threads: int = 1
    alone: bool = False
    data: int | None = None
    weights: int | None = None

    @property
    def name(self) -> str:
        """What it does, in words."""
        parts = [
            f"{self.threads} threads" if self.threads > 1 else "",
            "every fit alone" if self.alone else "",
            f"data jittered ({self.data})" if self.data is not None else "",
            f"weights jittered ({self.weights})" if self.weights is not None else "",
        ]
        return ", ".join(filter(None, parts)) or "plain"


MEASURED = (
    Variation(),
    Variation(threads=2),
    Variation(alone=True),
    *(Variation(data=i) for i in (0, 1, 2, 10, 11, 12)),
    *(Variation(weights=i) for i in (0, 1, 2, 10, 11, 12)),
    *(Variation(alone=True, data=i, weights=i) for i in (13, 14)),
)
"""What tolerances are measured from."""

CLEAN = (
    Variation(),
    *(Variation(data=i) for i in (20, 21)),
    *(Variation(weights=i) for i in (20, 21)),
    *(Variation(alone=True, data=i, weights=i) for i in (22, 23)),
)
"""What the gate is tried on afterwards: other draws, and several changes at once. All of it has to be green."""


def run(suite: Suite, variation: Variation, store: Store, *, console: Console) -> Results:
    """Compute the suite under a variation. Its numbers are not the suite's own: give it a store of its own.

    What other code has left there is computed again.
    """
    todo = plan(suite, store, stale=True)
    if variation.alone:
        todo = replace(todo, batches=[Batch([fit]) for batch in todo.batches for fit in batch.fits])
    prepare = _jittered(variation.data) if variation.data is not None else None
    inline = partial(engine.inline, threads=variation.threads, prepare=prepare)
    with _JitteredDraws(variation.weights) if variation.weights is not None else nullcontext():
        return compute(todo, store, inline, workers=1, console=console).results()


def _jittered(seed: int) -> Callable[[Problem], Problem]:
    """Training rows times ``1 + 1e-7 ε``, ε standard normal; integer nodes stay as they are."""

    def prepare(problem: Problem) -> Problem:
        train = dict(problem.train)
        for node, x in train.items():
            if x.is_floating_point():
                stream = generator(derive(problem.seed, problem.name, problem.member), "jitter", seed, node)
                train[node] = x * (1 + JITTER * torch.randn(x.shape, generator=stream, dtype=x.dtype))
        return replace(problem, train=train)

    return prepare


class _JitteredDraws(TorchFunctionMode):
    """What is drawn in place (`uniform_`, `normal_`: how first weights are made) times ``1 + 1e-7 ε``."""

    def __init__(self, seed: int):
        super().__init__()
        self.stream = generator(seed, "weights")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = func(*args, **(kwargs or {}))
        if func in (torch.Tensor.uniform_, torch.Tensor.normal_):
            with torch.no_grad():
                drawn.mul_(1 + JITTER * torch.randn(drawn.shape, generator=self.stream).to(drawn))
        return drawn
