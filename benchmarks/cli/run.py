"""``scmbench run``: compute what a suite wants and the store lacks, then show it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .arguments import console, narrowing
from .results import show_report, write_report

if TYPE_CHECKING:
    from ..records.results import Results
    from ..records.store import Store
    from ..running.run import Table
    from ..suites.suite import Suite


@click.command()
@narrowing
@click.option("--dry-run", is_flag=True, help="Say how many records there are to compute and how long it may take.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--engine", "kind", type=click.Choice(["pool", "inline"]), default="pool", show_default=True)
@click.option("--time-limit", type=float, default=3600.0, show_default=True, help="Seconds a batch may take.")
@click.option("--memory-limit", type=float, help="GB a process may take beside what it starts with; default: no limit.")
@click.option("--device", help="Where models that can choose compute: cpu, cuda.")
@click.option("--retry", is_flag=True, help="Compute failed records again.")
@click.pass_context
def run(
    context: click.Context,
    suite: Suite,
    store: Store,
    dry_run: bool,
    workers: int,
    kind: str,
    time_limit: float,
    memory_limit: float | None,
    device: str | None,
    retry: bool,
) -> None:
    """Compute what SUITE asks for and the store lacks, then show its tables and verdicts.

    Finished records are never computed twice: stop it at any moment and run it again.
    """
    from ..records.store import replace_with
    from ..reporting.render import markdown
    from ..reporting.report import Report
    from ..reporting.tables.scores import overview
    from ..running.api import batches_by
    from ..running.estimate import duration, estimate
    from ..running.planner import plan
    from ..running.run import compute

    todo = plan(suite, store, retry=retry)
    for gone in todo.missing:
        console.print(f"[yellow]not run: data missing[/yellow]  {gone.dataset}: {gone.message}")
    if kind == "inline":
        workers = 1
    seconds = estimate(todo, store) / workers
    console.print(
        f"[bold]{suite.title}[/bold]: {len(todo.trials)} records wanted, {todo.to_do} to compute in "
        f"{len(todo.batches)} batches, {duration(seconds)} on {workers} process(es) by a rough estimate",
        highlight=False,
    )
    if dry_run:
        return
    run_batches = batches_by(kind, workers=workers, time_limit=time_limit, memory_limit=memory_limit, device=device)
    reports = store.folder / "reports" / suite.name

    def refresh(table: Table) -> None:
        made = Report.of(suite, table.results())
        text = f"{made.headline()}\n\n{markdown(overview(made.judged, made.found, made.layout, made.scores))}"
        replace_with(reports / "so_far.md", text)

    reports.mkdir(parents=True, exist_ok=True)
    console.print(f"a table of what is finished, refreshed as records arrive: {reports / 'so_far.md'}", soft_wrap=True)
    table = compute(todo, store, run_batches, workers=workers, console=console, refresh=refresh)
    made = Report.of(suite, table.results())
    show_report(made)
    write_report(made, reports)
    context.exit(int(bool(failures(table.results()))))


def failures(results: Results) -> list[str]:
    """Records that failed, or had a query that did: dataset, seed and model."""
    return [
        f"{r['dataset']} seed {r['seed']} {r['model']} {r['variant']}".strip()
        for r in results.provenance.to_dict("records")
        if r["status"] == "failed" or " failed: " in r["notes"]
    ]
