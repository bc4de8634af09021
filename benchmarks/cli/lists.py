"""``scmbench list``: what there is, by name and in a sentence, read without importing any of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

import click
from scmbench.datasets import plugins
from scmbench.datasets import registry as datasets
from scmbench.models.contract import registry as models

from .. import questions
from ..suites import papers, shelf
from .arguments import console, say

Line = tuple[str, str, str]
"""Name, sentence, and what a second line says: size, needs, papers."""

NAME = 24
"""Columns of the names; the rest of a line is for sentences."""


def _suites() -> Iterator[Line]:
    for name, title in shelf.titles().items():
        yield name, title, shelf.size(name)


def _datasets() -> Iterator[Line]:
    """The built-in datasets with what they are, then the modules of other packages: to import them takes seconds."""
    known = {name: text for part in datasets.catalogue().values() for name, text in part.items()}
    for name, text in sorted(known.items()):
        yield name, text, ", ".join(paper.short for paper in papers.of_dataset(name))
    for pattern, text in datasets.FAMILIES.values():
        yield pattern, text, ""
    for point in datasets.plugins():
        yield point.name, f"datasets of {datasets.owner(point)}: {point.value}", ""


def _models() -> Iterator[Line]:
    for name, text in models.summaries().items():
        needs = papers.needs(name)
        told = [f"needs {needs}"] if needs else []
        for paper in papers.of_model(name):
            told.append(f"{paper.short} ({paper.url.removeprefix('https://')})" if paper.url else paper.short)
        yield name, text, "; ".join(told)


def _protocols() -> Iterator[Line]:
    yield from _further(questions.PROTOCOLS, "scmbench.protocols")


def _metrics() -> Iterator[Line]:
    yield from _further({name: text for name, (_, text) in questions.METRICS.items()}, "scmbench.metrics")


def _further(ours: Mapping[str, str], group: str) -> Iterator[Line]:
    """Ours with what they are, then those of other packages with their address; nothing is imported."""
    for name, text in ours.items():
        yield name, text, ""
    for name, address, owner in plugins.points(group):
        yield name, f"of {owner}: {address}", ""


LISTS = {
    "suites": _suites,
    "datasets": _datasets,
    "models": _models,
    "protocols": _protocols,
    "metrics": _metrics,
}


@click.command("list")
@click.argument("what", type=click.Choice(list(LISTS)), required=False)
def list_(what: str | None) -> None:
    """Names of suites, datasets, models, protocols and metrics, each with a sentence, what it needs and its paper."""
    width = min(console.width, 120)
    for title in [what] if what else LISTS:
        say((title, "bold"))
        for name, text, more in LISTS[title]():
            _tell(name, text, more, width)
    if what is None:
        say("BibTeX of the papers: scmbench cite SUITE. Data files: scmbench data list.")


def _tell(name: str, text: str, more: str, width: int) -> None:
    """The name, beside it the sentence and below this the rest, in lines that fit; a long name has its own line."""
    room = max(width - NAME - 3, 30)
    lines = [(line, "") for line in textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)]
    lines += [(line, "dim") for line in textwrap.wrap(more, room, break_long_words=False, break_on_hyphens=False)]
    if len(name) > NAME:
        say(f"  {name}")
        name = ""
    for i, line in enumerate(lines or [("", "")]):
        say(f"  {name if i == 0 else '':<{NAME}} ", line)
