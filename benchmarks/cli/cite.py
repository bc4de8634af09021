"""``scmbench cite``: the papers behind a suite's methods, worlds and published numbers, as BibTeX."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..suites import papers, shelf
from ..suites import suite as suites


@click.command()
@click.argument("suite", required=False)
def cite(suite: str | None) -> None:
    """BibTeX of the papers that SUITE rests on: those of its methods and of its worlds. Without SUITE, of all.

    SUITE is a name (scmbench list suites) or the path of a suite file. Its output is a .bib file:
    scmbench cite paper > papers.bib
    """
    found = papers.papers()
    if suite is not None:
        found = papers.cited(*_asked(suite))
    for entry in (papers.itself(), *(paper.bibtex() for paper in found)):
        click.echo(f"{entry}\n")


def _asked(suite: str) -> tuple[list[str], Sequence[str]]:
    """Models and datasets of a suite; only one of somebody's own is looked up, which takes seconds."""
    if suite in shelf.names():
        return shelf.asks(suite)
    own = suites.load(suite)
    return [entry.name for entry in own.models], own.datasets
