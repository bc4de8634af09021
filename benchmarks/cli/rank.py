"""``scmbench rank``: who is ahead on which rung, on which worlds, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import console, errors, say
from .results import reading

if TYPE_CHECKING:
    from ..judging.blocks import Rung
    from ..judging.cells import Method
    from ..judging.contests import Friedman
    from ..records.results import Results
    from ..reporting.render import Table
    from ..suites.suite import Suite

RUNGS = ("observational", "interventional", "counterfactual")
WIDTH = 80

_WHERE = "Only worlds that meet this: \"n >= 20 and noise == 'heavy'\"; name, paper, kind, n, edges, degree, latent, …"


@click.command()
@reading
@click.option("--rung", "rungs", type=click.Choice(RUNGS), multiple=True, help="Only this rung; may be given again.")
@click.option("--where", "condition", metavar="CONDITION", help=_WHERE)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write tables and figures here, too.")
def rank(suite: Suite, results: Results, rungs: Sequence[str], condition: str | None, out: Path | None) -> None:
    """Rank the methods of SUITE by rung: mean rank and skill over worlds, wins, cost, and what it takes to say more.

    A skill is 1 at the oracle (for counterfactuals at the posterior mean), 0 at the better of the trivial floors.
    Nothing is marked as surely better with fewer than five worlds or five seeds.
    """
    from ..judging.contests import friedman
    from ..judging.methods import title
    from ..records import taken
    from ..reporting.render import to_rich

    if condition is not None:
        suite = replace(suite, datasets=_chosen(suite.datasets, condition))
        results = results.of(suite)
    found = results.rungs(rungs or RUNGS)
    if not found:
        raise click.UsageError(f"there is nothing to rank: no method of {suite.name} has scores of this")
    tests = [friedman(rung) for rung in found]
    names = _names(suite, found)
    tables = _tables(results, found, tests, names)
    say((suite.title, "bold"), f": protocol {suite.protocol}")
    if origins := taken.told(results.provenance):
        theirs = [title(*method) for method in taken.methods(results.provenance)]
        say(f"{', '.join(theirs)}: {origins}")
    for table in tables:
        console.print(to_rich(table), width=WIDTH)
    if out is not None:
        _write(out, tables, tests, names)
        say(f"tables and figures: {out}")


def _names(suite: Suite, found: Sequence[Rung]) -> dict[Method, str]:
    """What a report of the suite calls these methods."""
    from ..judging import published
    from ..reporting.layout import titles

    papers = published.fitting(suite.published, suite.base_protocol)
    methods = [method for rung in found for method in rung.methods]
    return titles(methods, published.merge(papers) if papers else None)


def _tables(
    results: Results, found: Sequence[Rung], tests: Sequence[Friedman], names: Mapping[Method, str]
) -> list[Table]:
    from ..judging.cells import registered
    from ..judging.ranking import ranks
    from ..reporting.tables import ranking as tables

    ranked = ranks(found)
    shown = []
    for rung, test in zip(found, tests, strict=True):
        part = ranked[ranked["rung"] == rung.name]
        order = list(zip(part["model"], part["variant"], strict=True))
        shown += [
            tables.rank_table(rung, ranked, test, names),
            tables.wins_table(rung, order, names),
            tables.needed_table(rung, order, names),
        ]
    shown += [
        tables.tau_table(found),
        tables.home_table(found, registered(results.provenance), names),
        tables.cost_table(found, results.provenance, names),
    ]
    return [table for table in shown if table.rows]


def _chosen(datasets: Sequence[str], condition: str) -> list[str]:
    """The datasets that meet a condition; says which have no answer to it."""
    from scmbench.datasets.attributes import attributes

    from ..judging.where import Lacking, Where

    where = Where(condition)
    kept: list[str] = []
    lacking: dict[str, list[str]] = {}
    known: set[str] = set()
    for name in datasets:
        about = attributes(name)
        known |= set(about)
        try:
            kept += [name] * where(about)
        except Lacking as error:
            lacking.setdefault(str(error.args[0]), []).append(name)
    if unknown := sorted(where.names - known):
        raise click.UsageError(f"--where {condition!r}: no world has {unknown[0]!r}; there are {sorted(known)}")
    for attribute, names in lacking.items():
        several = f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]
        say(("note:", "yellow"), f" left out, their {attribute} is not known: {several}", to=errors)
    if not kept:
        raise click.UsageError(f"--where {condition!r}: none of {len(datasets)} worlds meets it")
    return kept


def _write(out: Path, tables: Sequence[Table], tests: Sequence[Friedman], names: Mapping[Method, str]) -> None:
    from ..reporting.figures.ranking import difference_diagram
    from ..reporting.figures.style import save
    from ..reporting.render import markdown
    from .outputs import check_writable, write

    check_writable(out)
    for table in tables:
        write(out / f"{table.name}.md", markdown(table))
    for test in tests:
        if len(test.ranks) > 1 and test.worlds:
            save(difference_diagram(test, names), out, f"critical_difference_{test.rung}")
