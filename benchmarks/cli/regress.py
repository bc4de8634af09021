"""``scmbench regress``: the gate. Compute a suite anew and stop where a number that was reproduced has moved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..suites import suite as suites
from ..suites.suite import Suite
from .arguments import choosing, complain, console, counted, say, slowly, tell_refused
from .committed import at_home

if TYPE_CHECKING:
    import pandas as pd

    from ..gate.judgement import Judgement
    from ..records.results import Results
    from ..records.store import Store

SHOWN = 5
"""Cells that a green gate shows: those that used most of their tolerance."""

LISTED = 20
"""Differences that a red gate lists."""

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

    Red where a score moved by more than its tolerance, where the scores of a method drifted together, where options,
    gradient steps, parameters, rows or waivers differ, and where a verdict changed, for better or worse.
    """
    from ..gate import exact, github, tolerance
    from ..gate.judgement import examine
    from ..records import committed
    from ..running import engines
    from ..running.estimate import duration, estimate
    from ..running.planner import available, plan
    from ..running.run import compute

    source = home or committed.home_of(suite)
    before = committed.read(source).of(suite)
    for table in (tolerance, exact):  # refused now rather than after the training
        table.read(source)
    there, gone = available(suite)
    for missing in gone:
        say(("not run: data missing", "yellow"), f"  {missing.dataset}: {missing.message}")
    if not there:
        complain("the data of all its worlds are missing: there is nothing to compare")
        context.exit(1)
    suite = replace(suite, datasets=there)
    with _store(place) as store:
        with slowly(f"planning {counted(suite)}"):
            todo = plan(suite, store, stale=True)  # the gate is about the code that there is now
        run_batches, processes = engines.named(name, workers=workers, time_limit=time_limit)
        seconds = estimate(todo) / processes
        say((suite.title, "bold"), f": {todo.to_do} records, {duration(seconds)} by a rough estimate")
        results = compute(todo, store, run_batches, workers=processes, console=console).results()
    if not verdicts and suite.name == "regress" and suite.folder is None:
        verdicts = ("paper",)
    judgement = examine(suite, results, source)
    judgement = replace(judgement, verdicts=_check_verdicts([suites.load(name) for name in verdicts] or [suite]))
    _show(judgement, results, before)
    github.write(judgement)
    context.exit(int(judgement.red))


@contextmanager
def _store(place: Path | None) -> Iterator[Store]:
    """A store of one's own unless told otherwise: a change that forgot its version number must not find old records."""
    from ..records.store import Store

    with tempfile.TemporaryDirectory(prefix="scmbench-") as folder:
        store = Store(place or folder)
        yield store
        tell_refused(store)


def _show(judgement: Judgement, results: Results, before: Results) -> None:
    from ..gate import exact, moves, pooled
    from ..gate.table import drifts_of, table_of
    from ..reporting.render import to_rich

    judged, drifts = judgement.cells, judgement.drifts
    red, drifted = judged[judged["state"].isin(moves.RED)], drifts[drifts["state"].isin(pooled.RED)]
    for line in drifts[drifts["state"] == pooled.PART].to_dict("records"):
        say(f"  {pooled.describe(line)}")
    if not judgement.red:
        closest = judged.sort_values("used", ascending=False).head(SHOWN)
        console.print(to_rich(table_of(closest, f"green: all {len(judged)} cells held; nearest to their tolerance")))
        return
    for line in judgement.exact.head(LISTED).to_dict("records"):
        say("  ", ("differs", "red"), f"  {exact.describe(line)}")
    if len(judgement.exact) > LISTED:
        say(f"  and {len(judgement.exact) - LISTED} more differences")
    if moves.is_red(judged):
        console.print(to_rich(table_of(red, f"red: {len(red)} of {len(judged)} cells")))
    if len(drifted):
        title = f"red: {len(drifted)} of {len(drifts)} drifts, in tolerances of a cell"
        console.print(to_rich(drifts_of(drifted, title)))
        say("  ", (pooled.DRIFTED, "bold"), f"  {pooled.WHY[pooled.DRIFTED]}")
    for why in sorted(set(red["state"])):
        say("  ", (why, "bold"), f"  {moves.WHY[why]}")
    for line in results.provenance.to_dict("records"):
        if line["status"] == "failed" or line["notes"]:
            said = line["message"] or "; ".join(map(str, line["notes"]))
            say(f"  {line['dataset']} seed {line['seed']} {line['model']}: {said}")
    for name in ("packages", "python", "hardware"):
        ours, theirs = (sorted(set(run.provenance[name].dropna())) for run in (results, before))
        if ours != theirs:
            say(f"  {name} here: {'; '.join(ours)}\n  {name} of the committed run: {'; '.join(theirs)}")


def _check_verdicts(chosen: Sequence[Suite]) -> pd.DataFrame:
    """Recompute the verdicts of committed runs: those that changed, columns `judgement.CHANGED`."""
    import pandas as pd

    from ..gate import moves
    from ..gate.judgement import CHANGED
    from ..gate.revision import read_verdicts, verdicts_of
    from ..judging.cells import name_of
    from ..records import committed

    parts = []
    for suite in chosen:
        source = committed.home_of(suite)
        if not suite.published:
            continue
        if not (source / committed.ABOUT).exists():
            say(("not checked", "yellow"), f"  {suite.name} has no committed run: no verdicts to keep")
            continue
        before = read_verdicts(source)
        parts.append(moves.changed_verdicts(verdicts_of(suite, committed.read(source)), before))
        stood = len(before) - int((parts[-1]["before"] != moves.NOT_JUDGED).sum())
        say(f"{suite.name}: {stood} of {len(before)} verdicts stand")
        for line in parts[-1].to_dict("records"):
            was = f"{name_of(line)}, was {line['before']} ({line['published']})"
            say("  ", (line["verdict"], "red"), f"  {was}")
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=CHANGED)
