"""Published numbers that no suite can judge, and why: a protocol, world, method or score that there is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from scmbench import datasets, models
from scmbench.datasets.registry import UnknownDataset
from scmbench.models.contract.registry import UnknownModel

from ..judging.cells import name_of
from ..judging.methods import title
from ..judging.published import Published
from ..questions import protocols
from ..questions.registry import UnknownProtocol
from ..suites.suite import Suite


@dataclass(frozen=True)
class Unjudged:
    """Cells that cannot be judged for one reason; `first` is one of them."""

    why: str
    count: int
    first: str


@dataclass(frozen=True)
class Judged:
    """What can be judged of a file of published numbers: by which suites, how many cells, and why not the others."""

    name: str
    suites: Sequence[str]
    cells: int
    unjudged: Sequence[Unjudged]

    @property
    def can(self) -> int:
        """How many cells a suite can judge."""
        return self.cells - sum(each.count for each in self.unjudged)


def judged(numbers: Published, suites: Sequence[Suite]) -> Judged:
    """Which cells of `numbers` can be judged by those of the `suites` that name them."""
    naming = [suite for suite in suites if numbers.name in {Path(each).stem for each in suite.published}]
    reasons: dict[str, list[str]] = {}
    for cell in numbers.cells.to_dict("records"):
        if why := _why_not(cell, numbers.protocol, naming):
            reasons.setdefault(why, []).append(name_of(cell))
    unjudged = [Unjudged(why, len(cells), cells[0]) for why, cells in reasons.items()]
    return Judged(numbers.name, [suite.name for suite in naming], len(numbers.cells), unjudged)


def _why_not(cell: dict[Any, Any], protocol: str, naming: Sequence[Suite]) -> str:
    """Why no suite judges this cell; empty where one does."""
    asked = (protocol, cell["query"], cell["metric"])
    if why := _no_protocol(protocol) or _no_dataset(cell["dataset"]) or _no_score(*asked):
        return why
    method = (cell["model"], cell["variant"])
    if not naming:
        return _no_model(*method) or "no suite names these numbers"
    whys = [_left_out(suite, protocol, cell["dataset"], method) for suite in naming]
    return "" if "" in whys else whys[0]


def _left_out(suite: Suite, protocol: str, dataset: str, method: tuple[str, str]) -> str:
    if suite.base_protocol != protocol:
        return f"the protocol of suite {suite.name!r} is {suite.protocol!r}, theirs is {protocol!r}"
    if dataset not in suite.datasets:
        return f"suite {suite.name!r} does not ask about {dataset!r}"
    asked = [entry for entry in suite.models if (entry.label, entry.variant) == method]
    if not asked:
        return _no_model(*method) or f"suite {suite.name!r} does not ask {title(*method)!r}"
    return "" if asked[0].wants(dataset) else f"suite {suite.name!r} does not ask {title(*method)!r} about {dataset!r}"


@cache
def _no_protocol(name: str) -> str:
    try:
        protocols.get(name)
    except UnknownProtocol:
        return f"there is no protocol {name!r}"
    return ""


@cache
def _no_dataset(name: str) -> str:
    try:
        datasets.get(name)
    except UnknownDataset:
        return f"there is no dataset {name!r}"
    return ""


@cache
def _no_model(name: str, variant: str) -> str:
    try:
        models.build(models.load(name), {"variant": variant} if variant else {})
    except UnknownModel:
        return f"there is no model {name!r}"
    except (ValueError, TypeError):
        return f"the model {name!r} has no variant {variant!r}"
    return ""


@cache
def _no_score(protocol: str, query: str, metric: str) -> str:
    given = getattr(protocols.get(protocol), "scores", None)
    if given is None or any(fnmatchcase(metric, pattern) for pattern in given.get(query, ())):
        return ""
    return f"the protocol {protocol!r} gives no {metric!r} of {query} queries"
