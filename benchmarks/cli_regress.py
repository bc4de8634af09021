"""``scmbench regress``: the gate. Compute a suite anew and stop where a number that was reproduced has moved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import pandas as pd

from . import annotations, engine, gate, runner, tolerance
from . import baseline as committed
from . import suite as suites
from .cli_baseline import at_home
from .cli_common import choosing, console, tell_refused
from .render import Table, Text, number, to_rich
from .results import Results
from .revision import home_of, read_words, scores_of, words_of
from .store import Store
from .suite import Suite

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
@click.option("--engine", "kind", type=click.Choice(["pool", "inline"]), default="pool", show_default=True)
@click.option("--time-limit", type=float, default=3600.0, show_default=True, help="Seconds a batch may take.")
@click.pass_context
def regress(
    context: click.Context,
    suite: Suite,
    home: Path | None,
    place: Path | None,
    verdicts: tuple[str, ...],
    workers: int,
    kind: str,
    time_limit: float,
) -> None:
    """Train the models of SUITE anew and compare with its committed run, seed by seed.

    Red where a score moved by more than its tolerance, or where a cell that was reproduced no longer is.
    """
    source = home or home_of(suite)
    reference, tolerances = committed.read(source).of(suite), tolerance.read(source)
    with _store(place) as store:
        plan = runner.plan(suite, store)
        run_batches = engine.inline
        if kind == "pool":
            run_batches = partial(engine.pool, workers=workers, time_limit=time_limit)
        seconds = runner.estimate(plan, store) / (workers if kind == "pool" else 1)
        console.print(
            f"[bold]{suite.title}[/bold]: {plan.to_do} records, {runner.duration(seconds)} by a rough estimate"
        )
        results = runner.run(plan, store, run_batches, workers=workers, console=console).results()
    judged = gate.judge(gate.moves(scores_of(suite, results), scores_of(suite, reference)), tolerances)
    if not verdicts and suite.name == "regress" and suite.folder is None:
        verdicts = ("paper",)
    fallen = _check_verdicts([suites.load(name) for name in verdicts] or [suite])
    _show(judged, results, reference)
    annotations.write(judged, fallen)
    context.exit(int(gate.is_red(judged) or bool(len(fallen))))


@contextmanager
def _store(place: Path | None) -> Iterator[Store]:
    """A store of one's own unless told otherwise: a change that forgot its version number must not find old records."""
    with tempfile.TemporaryDirectory(prefix="scmbench-") as folder:
        store = Store(place or folder)
        yield store
        tell_refused(store)


def _show(judged: pd.DataFrame, results: Results, reference: Results) -> None:
    red = judged[judged["state"].isin(gate.RED)]
    if not gate.is_red(judged):
        closest = judged.sort_values("used", ascending=False).head(SHOWN)
        console.print(to_rich(table_of(closest, f"green: all {len(judged)} cells held; nearest to their tolerance")))
        return
    console.print(to_rich(table_of(red, f"red: {len(red)} of {len(judged)} cells")))
    for why in sorted(set(red["state"])):
        console.print(f"  [bold]{why}[/bold]  {gate.WHY[why]}", highlight=False)
    for line in results.provenance.to_dict("records"):
        if line["status"] == "failed" or line["notes"]:
            said = line["message"] or line["notes"]
            console.print(
                f"  {line['dataset']} seed {line['seed']} {line['model']}: {said}", highlight=False, soft_wrap=True
            )
    for name in ("packages", "python", "hardware"):
        ours, theirs = (sorted(set(run.provenance[name].dropna())) for run in (results, reference))
        if ours != theirs:
            console.print(f"  {name} here: {'; '.join(ours)}\n  {name} of the committed run: {'; '.join(theirs)}")


def table_of(judged: pd.DataFrame, title: str) -> Table:
    """Cells with what they were, what they are, by how much they moved and may move."""
    rows = []
    for line in judged.sort_values("used", ascending=False, na_position="first").to_dict("records"):
        model = f"{line['model']} ({line['variant']})" if line["variant"] else line["model"]
        rows.append(
            [
                Text(line["state"], bold=line["state"] in gate.RED, word="worse" if line["state"] in gate.RED else ""),
                line["dataset"],
                f"{line['query']} {line['metric']}",
                model,
                str(line["seed"]),
                number(line["committed"]),
                number(line["score"]),
                gate.percent(line["move"], sign=True),
                gate.percent(line["tolerance"]),
                gate.percent(line["used"]),
            ]
        )
    columns = ["", "dataset", "score", "model", "seed", "committed", "now", "moved", "tolerance", "used"]
    return Table("gate", title, columns, rows, left=4)


def _check_verdicts(chosen: Sequence[Suite]) -> pd.DataFrame:
    """Recompute the verdicts of committed runs: cells that were reproduced and no longer are."""
    parts = []
    for suite in chosen:
        source = home_of(suite)
        if not suite.published:
            continue
        if not (source / committed.ABOUT).exists():
            console.print(f"[yellow]not checked[/yellow]  {suite.name} has no committed run: no verdicts to keep")
            continue
        before = read_words(source)
        parts.append(gate.fallen(words_of(suite, committed.read(source)), before))
        stood = int((before["verdict"] == gate.REPRODUCED).sum())
        console.print(f"{suite.name}: {stood - len(parts[-1])} of {stood} reproduced cells still are", highlight=False)
        for line in parts[-1].to_dict("records"):
            cell = " ".join(filter(None, (line[c] for c in gate.CELL)))
            was = f"{cell}, was reproduced ({line['published']})"
            console.print(f"  [red]{line['verdict']}[/red]  {was}", highlight=False, soft_wrap=True)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["published", *gate.CELL, "verdict"])
