"""``scmbench committed``: write committed runs, always with a reason, and measure the tolerances of the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .arguments import complain, computing, counted, narrowing, say, slowly

if TYPE_CHECKING:
    from ..gate.revision import Revision
    from ..gate.variation import Variation
    from ..records.results import Results
    from ..records.store import Store
    from ..running import planner
    from ..suites.suite import Suite

_WHERE = "Where the committed run lives; default: with scmbench, or committed/NAME beside a suite file of your own."


def at_home(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that says where a committed run lives."""
    return click.option("--committed", "home", type=click.Path(file_okay=False, path_type=Path), help=_WHERE)(command)


@click.group("committed", epilog="Exit codes: 0 all went well; 1 records are missing or failed; 2 a wrong call.")
def committed_runs() -> None:
    """Committed runs: what reports compare with, and what the gate (scmbench regress) guards."""


@committed_runs.command("update")
@narrowing
@at_home
@click.option("--reason", required=True, help="Why the numbers may change: kept beside them, with the old ones.")
@click.option("--allow-failures", is_flag=True, help="Commit a run in which records failed; they count as failed.")
@click.option("--allow-dirty", is_flag=True, help="Commit records of a changed checkout; the report says so in red.")
@click.option("--new-only", is_flag=True, help="Take in new records; those that are committed stay as they are.")
@click.option("--no-examples", is_flag=True, help="Leave out the answers that scatter plots show: half of the size.")
@click.pass_context
def update_(
    context: click.Context,
    suite: Suite,
    store: Store,
    home: Path | None,
    reason: str,
    allow_failures: bool,
    allow_dirty: bool,
    new_only: bool,
    no_examples: bool,
) -> None:
    """Make the store's records of SUITE the committed run: compute them first (scmbench run SUITE).

    Of a part of SUITE (--scms, --only, --seed) the records are replaced, and all others stay as they are.
    """
    from ..gate.revision import joined, update
    from ..judging.cells import text_columns
    from ..records import staleness
    from ..records.committed import ABOUT, home_of, read
    from ..running.planner import plan
    from ..running.run import finished_of

    with slowly(f"planning {counted(suite)}"):
        todo = plan(suite, store)
    target = home or home_of(suite)
    old = read(target) if new_only or (suite.part and (target / ABOUT).exists()) else None
    trials = _new(todo.trials, old) if old is not None and new_only else todo.trials
    lacking = sum(one.key not in todo.finished for one in trials)
    for missing in todo.missing:
        say(("left out: data missing", "yellow"), f"  {missing.dataset}: {missing.message}")
    if lacking:
        complain(
            f"{lacking} of {len(trials)} records are not in {store.folder}: {computing(suite)} computes them",
        )
        context.exit(1)
    if not trials:
        complain(f"there is nothing to commit: no records of {suite.name} are wanted" + " anew" * new_only)
        context.exit(1)
    results = finished_of(replace(todo, trials=trials), store).results()
    failed = results.provenance[results.provenance["status"] == "failed"]
    if len(failed) and not allow_failures:
        first = failed.iloc[0]
        complain(
            f"{len(failed)} record(s) failed, first {first['dataset']} seed {first['seed']} "
            f"{first['model']} {first['variant']}: {first['message']}; --allow-failures commits them as they are",
        )
        context.exit(1)
    dirty = results.provenance[text_columns(results.provenance, ["dirty"])["dirty"] != "False"]
    if len(dirty) and not allow_dirty:
        first = dirty.iloc[0]
        complain(
            f"{len(dirty)} of {len(results.provenance)} record(s) come from a changed checkout that "
            f"no commit holds: first {first['dataset']} seed {first['seed']} {first['model']} {first['variant']}; "
            f"commit and run {suite.address} again with another --store, or say --allow-dirty",
        )
        context.exit(1)
    stale = staleness.of(results.provenance)
    if len(stale):
        made = staleness.told(zip(stale["model"], stale["stale"], strict=True))
        say(
            ("made by other code than there is now", "yellow"),
            f"  {len(stale)} of {len(results.provenance)} records ({made}); about.json says by which commit",
        )
    if no_examples:
        results = replace(results, examples=results.examples.iloc[:0])
    if old is not None:
        rest = old.of(suite.whole)
        results = joined(rest, results) if new_only else joined(results, rest)
    try:
        change = update(target, suite.whole if old is not None else suite, results, reason=reason)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _tell(change, target)


def _new(trials: Sequence[planner.Trial], old: Results) -> list[planner.Trial]:
    """Those that the committed run lacks. Raises `click.UsageError` for one that it has under other options."""
    from ..judging.cells import text_columns

    there = text_columns(old.provenance, ["model", "variant"])
    names = there[["dataset", "model", "variant", "seed"]].itertuples(index=False, name=None)
    keys = dict(zip(names, there["key"], strict=True))
    lacking = []
    for one in trials:
        name = (one.identity.dataset, one.entry.label, one.entry.variant, one.identity.seed)
        if keys.get(name, one.identity.key) != one.identity.key:
            raise click.UsageError(
                f"{one.entry.title} on {one.identity.dataset} is committed with other options or versions; without "
                "--new-only it is written anew"
            )
        if name not in keys:
            lacking.append(one)
    return lacking


def _tell(change: Revision, target: Path) -> None:
    from ..gate import tolerance

    say(
        f"{target}: {len(change.moved)} medians moved, {len(change.new)} cells new, {len(change.gone)} gone; the old "
        "numbers are kept in about.json",
    )
    largest = sorted(change.moved.items(), key=lambda item: -abs(item[1][1] - item[1][0]) / (abs(item[1][0]) or 1))
    for cell, (old, new) in largest[:10]:
        say(f"  {cell}: {old:.4g} to {new:.4g}")
    for cell, (old, new) in change.verdicts.items():
        say("  ", (f"{old}, now {new}", "yellow"), f"  {cell}")
    if (target / tolerance.TABLE).exists() and change.new:
        say("new cells have no tolerance yet: scmbench committed tolerances measures them")


@committed_runs.command("tolerances")
@narrowing
@at_home
@click.option(
    "--also",
    multiple=True,
    metavar="NAME=FOLDER",
    help="A store with this suite's records from elsewhere (another PyTorch, another machine), measured with the rest.",
)
@click.option("--anew", is_flag=True, help="Measure every cell again, not only those without a tolerance.")
@click.pass_context
def tolerances(
    context: click.Context, suite: Suite, store: Store, home: Path | None, also: tuple[str, ...], anew: bool
) -> None:
    """Measure what harmless variation does to SUITE, and write the gate's tolerances beside its committed run.

    Methods with a cell that has no tolerance yet, or whose cells' drift together was never measured, are run again and
    again: on two threads, every fit alone, with data and first weights jittered by 1e-7. Then the gate is tried on
    further such runs. Stop it at any moment and run it again: finished records are kept under variations/ in the store.
    """
    from ..gate import judgement, pooled, tolerance, variation
    from ..gate.moves import percent
    from ..records import committed
    from ..records.results import scores_of

    target = home or committed.home_of(suite)
    run = committed.read(target)
    before = scores_of(suite.whole, run)
    old = tolerance.known(target)
    asked = {(entry.label, entry.variant) for entry in suite.models}
    if anew:
        old = old.without(asked)
    bounded = tolerance.drifting(old.cells, before, old.pooled, {})
    asked &= {*tolerance.lacking(before, old.cells), *pooled.loose(bounded)}
    if not asked:
        tolerance.write_tables(target, replace(old, pooled=bounded))
        say(f"everything has been measured: {target / tolerance.TABLE}; --anew measures again")
        return
    suite = replace(suite, models=[entry for entry in suite.models if (entry.label, entry.variant) in asked])
    part = scores_of(suite, run.of(suite))

    measured = _vary(suite, variation.MEASURED, store) | {
        name: _elsewhere(suite, path) for name, path in map(_named, also)
    }
    scores = {name: scores_of(suite, run) for name, run in measured.items()}
    try:
        table = tolerance.measure(part, scores)
    except ValueError as error:
        complain(str(error))
        context.exit(1)
    table = tolerance.extended(old.cells, table, before)
    found = tolerance.Tolerances(table, tolerance.drifting(table, before, old.pooled, scores))
    runs = {name: scores_of(suite, run) for name, run in _vary(suite, variation.CLEAN, store).items()}
    clean = judgement.clean_runs(runs, part, found)
    tolerance.write(target, found, clean, measured, anew=old.cells.empty)
    red = clean[(clean["red"] > 0) | (clean["drifts red"] > 0)]
    say(
        f"{len(table)} tolerances from {percent(table['tolerance'].min())} to "
        f"{percent(table['tolerance'].max())}, median {percent(table['tolerance'].median())}; "
        f"{len(clean) - len(red)} of {len(clean)} clean runs green: {target / tolerance.TABLE}",
    )
    context.exit(int(bool(len(red))))


def _vary(suite: Suite, variations: Sequence[Variation], store: Store) -> dict[str, Results]:
    """The suite under each variation, in a store of its own."""
    from rich.console import Console

    from ..gate import variation
    from ..records.store import Store

    runs = {}
    for one in variations:
        say((one.name, "bold"))
        place = Store(store.folder / "variations" / suite.name / one.name.replace(" ", "_"))
        runs[one.name] = variation.run(suite, one, place, console=Console(quiet=True))
    return runs


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals:
        raise click.UsageError(f"--also {text}: write NAME=FOLDER")
    return name, Path(path)


def _elsewhere(suite: Suite, path: Path) -> Results:
    from ..records.store import Store
    from ..running.run import collect

    results = collect(suite, Store(path)).results()
    if results.provenance.empty:
        raise click.UsageError(f"--also: {path} has no records of {suite.name}")
    return results
