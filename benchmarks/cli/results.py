"""``scmbench report``, ``compare`` and ``show``: read results without computing any."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from .arguments import computing, console, counted, errors, named, narrowing, placed, say, slowly, tell_refused
from .plain import printable

if TYPE_CHECKING:
    from ..records.results import Results
    from ..records.store import Store
    from ..reporting.report import Report
    from ..suites.suite import Suite

COMMITTED = "committed"


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that choose results: a suite, and where they are; the command gets `suite` and `results`."""

    @narrowing
    @click.option("--from", "source", metavar="FOLDER", help=_FROM)
    @wraps(command)
    def read(suite: Suite, store: Store, source: str | None, **rest: Any) -> Any:
        with slowly(f"reading {counted(suite)}"):
            results = _from(suite, source, store) if source else _own(suite, store)
        results = results.of(suite)
        if results.provenance.empty:
            raise click.UsageError(f"there are no results of this; {computing(suite)} computes them")
        return command(suite=suite, results=results, **rest)

    return read


def _own(suite: Suite, store: Store) -> Results:
    """The records of one's own store; says which named models it has nothing of, and what an edit left behind."""
    from ..running import edited
    from ..running.run import collect

    collected = collect(suite, store)
    results = collected.results()
    there = set(zip(results.provenance["model"], results.provenance["variant"], strict=True))
    absent = [entry for entry in named(suite) if (entry.label, entry.variant) not in there]
    if absent and there:
        titles = ", ".join(entry.title for entry in absent)
        say(
            ("note:", "yellow"),
            f" {store.folder} has no records of {titles}; {computing(suite, absent)} computes them",
            to=errors,
        )
    if line := edited.told(collected.lacking, store):
        say(("note:", "yellow"), f" {line}", to=errors)
    return results


def _from(suite: Suite, source: str, own: Store) -> Results:
    """A committed run, or the records of another store; what it has nothing of comes from one's `own` store."""
    from ..records.store import Store
    from ..running.beside import beside
    from ..running.run import collect

    store = Store(source)
    if source == COMMITTED or not store.records.is_dir():
        other, origin = _committed(suite, source), "the committed run" if source == COMMITTED else source
    else:
        try:
            other, origin = collect(suite, store).results(), source
        finally:
            tell_refused(store)
        if store.folder == own.folder:
            return other
    found = beside(suite, other, own, origin=origin)
    lacking = [gap.entry for gap in found.gaps if gap.found < gap.wanted]
    for line in found.told():
        say(("note:", "yellow"), f" {line}", to=errors)
    if lacking:
        say(("note:", "yellow"), f" {computing(suite, lacking)} computes them", to=errors)
    return found.results


def _committed(suite: Suite, source: str) -> Results:
    from ..records import committed

    return committed.read(committed.home_of(suite) if source == COMMITTED else Path(source))


_FROM = (
    "Read from this folder, a committed run or a store of records, or the committed run of SUITE: committed. What it "
    "has nothing of, such as a model of your own, is taken from --store and stands beside it."
)
_OUT = "Default: results/runs/reports/SUITE; below it in part/, where a part of SUITE is chosen."
_AGAINST = "Pair by seed with the run in this folder, or with the committed one."


@click.command()
@reading
@click.option("--against", metavar="FOLDER", help=_AGAINST)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help=_OUT,
)
def report(suite: Suite, results: Results, against: str | None, out: Path | None) -> None:
    """Write tables (Markdown, LaTeX, CSV), figures (PNG, PDF) and one HTML page from the results of SUITE."""
    from ..reporting.report import Report

    made = Report.of(suite, results, other=_committed(suite, against).of(suite) if against else None)
    show_report(made)
    write_report(made, out)


@click.command()
@reading
@click.option("--against", metavar="FOLDER", default=COMMITTED, show_default=True, help=_AGAINST)
@click.option("--json", "as_json", is_flag=True, help="Verdicts and differences as JSON on standard output.")
def compare(suite: Suite, results: Results, against: str, as_json: bool) -> None:
    """Compare the results of SUITE with the published numbers, and seed by seed with another run."""
    from ..records.committed import CommittedError
    from ..reporting.report import Report

    try:
        other = _committed(suite, against).of(suite)
    except CommittedError:
        if against != COMMITTED:
            raise
        other = None  # a suite without a committed run is compared with the published numbers alone
    made = Report.of(suite, results, other=other)
    if as_json:
        paired = json.loads(made.against.to_json(orient="records")) if made.against is not None else None
        click.echo(json.dumps({**made.verdict_json(), "paired": paired}, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        show_report(made)


@click.command()
@narrowing
def show(suite: Suite, store: Store) -> None:
    """Everything the store has on the records of (a part of) SUITE: status, scores, cost, tracebacks."""
    from ..records import staleness
    from ..running import planner

    found = older = 0
    with slowly(f"planning {counted(suite)}"):
        asked = planner.trials(suite)
    for one in asked:
        record = store.read(one.identity.key)
        if record is None:
            continue
        found, older = found + 1, older + (not record.code)
        console.rule(Text(f"{one.identity.dataset}  seed {one.identity.seed}  {one.entry.title}"))
        say(f"{record.status}  {store.path(one.identity.key)}")
        if differs := planner.made_otherwise(one, record):
            say(("made by other code than there is now", "yellow"), f" ({differs})")
        if record.message:
            say(record.message)
        for note in record.notes:
            say(f"{note.query} {note.status}: {note.message}")
        sums: dict[tuple[str, str, str], list[float]] = {}
        for _, score in record.scores:
            sums.setdefault((score.query, score.node, score.metric), []).append(score.score)
        for (query, node, metric), scores in sums.items():
            asked = f"{query} do({node})" if node else query
            say(f"  {asked:<32} {metric:<12} {sum(scores) / len(scores):.6g}")
        say("  " + json.dumps(dict(record.provenance)))
    if older:
        say(staleness.older(older))
    if not found:
        say(f"the store {store.folder} has none of these records; {computing(suite)} computes them")


def show_report(made: Report) -> None:
    """Print what a terminal shows of a report."""
    for part in made.terminal():
        console.print(Text(printable(part)) if isinstance(part, str) else part)


def report_folder(suite: Suite, store: Path) -> Path:
    """Where a suite's report goes; that of a part of it goes below, so that it takes the place of no whole one."""
    folder = store / "reports" / suite.name
    return folder / "part" if suite.part else folder


def write_report(made: Report, out: Path | None = None) -> None:
    """Write a report's files, name them in the reports beside it; say where, and what to do next."""
    from ..reporting import siblings

    page = made.write(out or report_folder(made.suite, Path("results/runs")))
    with suppress(OSError):  # the report is there; that others do not name it is no failure
        siblings.link(page.parents[1])
    say(f"tables, figures and everything on one page: {page}")
    say(("next", "bold"), f": open {page} in a browser, or")
    for line in made.next_steps(placed()):
        say(f"  {line}")
