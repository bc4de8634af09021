"""``scmbench regress``: the gate. Compute a suite anew and stop where a number that was reproduced has moved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..suites import suite as suites
from ..suites.suite import Suite
from .arguments import choosing, console, tell_refused
from .committed import at_home

if TYPE_CHECKING:
    import pandas as pd

    from ..records.results import Results
    from ..records.store import Store

SHOWN = 5
"""Cells that a green gate shows: those that used most of their tolerance."""

_STORE = "Take finished records from here and keep new ones; default: everything is computed, nothing is kept."
_VERDICTS = "Suites whose committed verdicts must stand; default: this one, for `regress` the suite `paper`."


@click.command(epilog="Exit codes: 0 green; 1 red; 2 a wrong call, or no committed run; 3 no place to write.")
@choosing("regress")
@at_home
@click.option("--store", "place", type=click.Path(file_okay=False, path_type=Path), help=_STORE)
@click.option("--verdicts", multiple=True, metavar="SUITE", help=_VERDICTS)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--engine", "name", type=click.Choice(["pool", "inline"]), default="pool", show_default=True)
@click.option("--time-limit", type=float, default=3600.0, show_default=True, help="Seconds a batch may take.")
@click.pass_context
def regress(
    context: click.Context,
    suite: Suite,
    home: Path | None,
    place: Path | None,
    verdicts: tuple[str, ...],
    workers: int,
    name: str,
    time_limit: float,
) -> None:
    """Train the models of SUITE anew and compare with its committed run, seed by seed.

    Red where a score moved by more than its tolerance, or where a cell that was reproduced no longer is.
    """
    from ..gate import github, moves, tolerance
    from ..records import committed
    from ..records.results import scores_of
    from ..running import engine
    from ..running.estimate import duration, estimate
    from ..running.planner import plan
    from ..running.run import compute

    source = home or committed.home_of(suite)
    before, tolerances = committed.read(source).of(suite), tolerance.read(source)
    with _store(place) as store:
        todo = plan(suite, store)
        run_batches, processes = engine.named(name, workers=workers, time_limit=time_limit)
        seconds = estimate(todo) / processes
        console.print(f"[bold]{suite.title}[/bold]: {todo.to_do} records, {duration(seconds)} by a rough estimate")
        results = compute(todo, store, run_batches, workers=processes, console=console).results()
    judged = moves.judge(moves.moves(scores_of(suite, results), scores_of(suite, before)), tolerances)
    if not verdicts and suite.name == "regress" and suite.folder is None:
        verdicts = ("paper",)
    lost = _check_verdicts([suites.load(name) for name in verdicts] or [suite])
    _show(judged, results, before)
    github.write(judged, lost)
    context.exit(int(moves.is_red(judged) or bool(len(lost))))


@contextmanager
def _store(place: Path | None) -> Iterator[Store]:
    """A store of one's own unless told otherwise: a change that forgot its version number must not find old records."""
    from ..records.store import Store

    with tempfile.TemporaryDirectory(prefix="scmbench-") as folder:
        store = Store(place or folder)
        yield store
        tell_refused(store)


def _show(judged: pd.DataFrame, results: Results, before: Results) -> None:
    from ..gate import moves
    from ..gate.table import table_of
    from ..reporting.render import to_rich

    red = judged[judged["state"].isin(moves.RED)]
    if not moves.is_red(judged):
        closest = judged.sort_values("used", ascending=False).head(SHOWN)
        console.print(to_rich(table_of(closest, f"green: all {len(judged)} cells held; nearest to their tolerance")))
        return
    console.print(to_rich(table_of(red, f"red: {len(red)} of {len(judged)} cells")))
    for why in sorted(set(red["state"])):
        console.print(f"  [bold]{why}[/bold]  {moves.WHY[why]}", highlight=False)
    for line in results.provenance.to_dict("records"):
        if line["status"] == "failed" or line["notes"]:
            said = line["message"] or "; ".join(map(str, line["notes"]))
            console.print(
                f"  {line['dataset']} seed {line['seed']} {line['model']}: {said}", highlight=False, soft_wrap=True
            )
    for name in ("packages", "python", "hardware"):
        ours, theirs = (sorted(set(run.provenance[name].dropna())) for run in (results, before))
        if ours != theirs:
            console.print(f"  {name} here: {'; '.join(ours)}\n  {name} of the committed run: {'; '.join(theirs)}")


def _check_verdicts(chosen: Sequence[Suite]) -> pd.DataFrame:
    """Recompute the verdicts of committed runs: cells that were reproduced and no longer are."""
    import pandas as pd

    from ..gate import moves
    from ..gate.revision import read_verdicts, verdicts_of
    from ..records import committed

    parts = []
    for suite in chosen:
        source = committed.home_of(suite)
        if not suite.published:
            continue
        if not (source / committed.ABOUT).exists():
            console.print(f"[yellow]not checked[/yellow]  {suite.name} has no committed run: no verdicts to keep")
            continue
        was = read_verdicts(source)
        parts.append(moves.lost_verdicts(verdicts_of(suite, committed.read(source)), was))
        stood = int((was["verdict"] == moves.REPRODUCED).sum())
        console.print(f"{suite.name}: {stood - len(parts[-1])} of {stood} reproduced cells still are", highlight=False)
        for line in parts[-1].to_dict("records"):
            cell = " ".join(filter(None, (line[c] for c in moves.CELL)))
            told = f"{cell}, was reproduced ({line['published']})"
            console.print(f"  [red]{line['verdict']}[/red]  {told}", highlight=False, soft_wrap=True)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["published", *moves.CELL, "verdict"])
