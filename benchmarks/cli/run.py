"""``scmbench run``: compute what a suite wants and the store lacks, then show it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .arguments import console, counted, narrowing, placed, say, slowly
from .parameters import Shard
from .results import report_folder, show_report, write_report

if TYPE_CHECKING:
    from ..records.results import Results
    from ..records.store import Store
    from ..running.run import Finished
    from ..suites.suite import Suite


@click.command()
@narrowing
@click.option("--dry-run", is_flag=True, help="Say how many records there are to compute and how long it may take.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option(
    "--engine",
    "name",
    type=click.Choice(["pool", "inline", "dask"]),
    default="pool",
    show_default=True,
    help="pool: many processes; inline: this one, for a debugger; dask: a cluster.",
)
@click.option("--scheduler", help="Address of a Dask scheduler, for --engine dask; without: --workers of this machine.")
@click.option("--time-limit", type=float, help="Seconds a batch may take; default: the suite's, else 3600.")
@click.option("--memory-limit", type=float, help="GB a process may take beside what it starts with; default: no limit.")
@click.option("--shard", type=Shard(), help="The second of four parts of the work: 2/4, for an array of jobs.")
@click.option("--device", help="Where models that can choose compute: cpu, cuda, auto.")
@click.option("--retry", is_flag=True, help="Compute failed records again.")
@click.option("--stale", is_flag=True, help="Compute records again that other code made than there is now.")
@click.option(
    "--keep-answers", is_flag=True, help="Keep all answers, so that a metric added by --protocol needs no training."
)
@click.pass_context
def run(
    context: click.Context,
    suite: Suite,
    store: Store,
    dry_run: bool,
    workers: int,
    name: str,
    scheduler: str | None,
    time_limit: float | None,
    memory_limit: float | None,
    shard: tuple[int, int] | None,
    device: str | None,
    retry: bool,
    stale: bool,
    keep_answers: bool,
) -> None:
    """Compute what SUITE asks for and the store lacks, then show its tables and verdicts.

    Finished records are never computed twice: stop it at any moment and run it again. Where answers are kept, a metric
    that is added (--protocol standard+my_metrics:gap) is scored from them.
    """
    from scmbench.datasets.files.whole import replace_with

    from ..records import staleness
    from ..reporting.render import markdown
    from ..reporting.report import Report
    from ..reporting.tables.scores import overview
    from ..running import edited, engines, keeping
    from ..running.estimate import duration, estimate
    from ..running.planner import plan
    from ..running.run import compute

    seconds = next(t for t in (time_limit, suite.time_limit, engines.TIME_LIMIT) if t is not None)
    limits = {"time_limit": seconds, "memory_limit": memory_limit}
    device = engines.found(device, scheduler=scheduler)
    run_batches, processes = engines.named(name, workers=workers, device=device, scheduler=scheduler, **limits)
    with slowly(f"planning {counted(suite)}"):
        todo = plan(suite, store, retry=retry, stale=stale, shard=shard, device=device)
    for gone in todo.missing:
        say(("not run: data missing", "yellow"), f"  {gone.dataset}: {gone.message}")
    seconds = estimate(todo) / processes
    say(
        (suite.title, "bold"),
        f": {len(todo.trials)} records wanted, {todo.to_do} to compute in {len(todo.batches)} batches, "
        f"{duration(seconds)} on {processes} process(es) by a rough estimate",
    )
    if here := engines.elsewhere(suite.models, device):
        say((f"on the CPU, not on {device!r}, for want of an option 'device': ", "yellow"), ", ".join(here))
    if todo.failed:
        say(f"{todo.failed} finished record(s) failed, in whole or in part; --retry computes them again")
    if todo.stale:
        say(
            (f"{len(todo.stale)} finished record(s) were made by other code", "yellow"),
            f" ({staleness.told(todo.stale)}): --stale computes them again",
        )
    if line := edited.told(todo.lacking, store):
        say((line, "yellow"))
    store.keeps_answers = keep_answers
    for line in keeping.from_kept(todo):
        say(line)
    for line in keeping.lacking(todo, store):
        say((line, "yellow"))
    if dry_run:
        return
    if shard:
        finished = compute(todo, store, run_batches, workers=processes, console=console)
        for line in keeping.after(todo, store):
            say(line)
        say(f"part {shard[0]} of {shard[1]} is over; when all are: scmbench report {suite.address}{placed()}")
        context.exit(int(bool(failures(finished.results()) or finished.lacking)))
    reports = report_folder(suite, store.folder)

    def refresh(finished: Finished) -> None:
        made = Report.of(suite, finished.results())
        text = f"{made.headline()}\n\n{markdown(overview(made.judged, made.found, made.layout, made.scores))}"
        replace_with(reports / "so_far.md", text)

    reports.mkdir(parents=True, exist_ok=True)
    say(f"a table of what is finished, refreshed as records arrive: {reports / 'so_far.md'}")
    finished = compute(todo, store, run_batches, workers=processes, console=console, refresh=refresh)
    results = finished.results()
    made = Report.of(suite, results)
    show_report(made)
    write_report(made, reports)
    for line in keeping.after(todo, store):
        say(line)
    context.exit(int(bool(failures(results) or finished.lacking)))


def failures(results: Results) -> list[str]:
    """Records that failed, or had a query that did: dataset, seed and model."""
    from ..judging.cells import FAILED
    from ..judging.notes import notes_of

    return [
        f"{r['dataset']} seed {r['seed']} {r['model']} {r['variant']}".strip()
        for r in results.provenance.to_dict("records")
        if FAILED in (r["status"], *(note.status for note in notes_of(r)))
    ]
