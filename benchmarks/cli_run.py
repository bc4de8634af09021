"""``scmbench run``: compute what a suite wants and the store lacks, then show it."""

from __future__ import annotations

import os
from functools import partial

import click

from . import engine, runner
from .cli_common import console, errors, narrowing
from .store import Store
from .suite import Suite


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
    plan = runner.plan(suite, store, retry=retry)
    for gone in plan.missing:
        console.print(f"[yellow]not run: data missing[/yellow]  {gone.dataset}: {gone.message}")
    if kind == "inline":
        workers = 1
    seconds = runner.estimate(plan, store) / workers
    console.print(
        f"[bold]{suite.title}[/bold]: {len(plan.wanted)} records wanted, {plan.to_do} to compute in "
        f"{len(plan.batches)} batches, {runner.duration(seconds)} on {workers} process(es) by a rough estimate",
        highlight=False,
    )
    if dry_run:
        return
    if kind == "inline":
        run_batches = partial(engine.inline, device=device)
    else:
        limits = {"time_limit": time_limit, "memory_limit": memory_limit}
        run_batches = partial(engine.pool, workers=workers, device=device, **limits)
    table = runner.run(plan, store, run_batches, workers=workers, console=console)
    context.exit(_present(table))


def _present(table: runner.Table) -> int:
    """Show what a table says; the exit code: 1 where records failed."""
    records = table.results().provenance
    failed = [r for r in records.to_dict("records") if r["status"] == "failed" or " failed: " in r["notes"]]
    for r in failed:
        where = f"{r['dataset']} seed {r['seed']} {r['model']} {r['variant']}"
        errors.print(f"[red]failed[/red]  {where}: {r['message'] or r['notes']}", highlight=False)
    return int(bool(failed))
