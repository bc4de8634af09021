"""The command line: list, run, report, compare, show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import click
from rich.console import Console
from scmbench import datasets
from scmbench.datasets import ValuesError
from scmbench.datasets.registry import UnknownDataset
from scmbench.models.registry import UnknownModel, paths

from . import engine, protocols, runner
from . import suite as suites
from .cli_check import check_model
from .cli_scaffold import new_model, new_scm
from .options import split
from .store import Store, StoreError
from .suite import Entry, Suite, SuiteError

EXIT_CODES = """\b
Exit codes: 0 all went well; 1 some records failed, or numbers moved (compare); 2 a wrong call or a broken suite file;
3 the results folder cannot be used; 130 interrupted (run again to go on).
"""

console = Console()
errors = Console(stderr=True)


class _Seeds(click.ParamType):
    """``10`` is seeds 0 to 9, ``0,4,7`` and ``3-5`` are those seeds."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        try:
            if value.isdigit():
                seeds = range(int(value))
            else:
                ranges = [part.partition("-") for part in value.split(",")]
                seeds = [s for a, dash, b in ranges for s in range(int(a), int(b if dash else a) + 1)]
        except ValueError:
            self.fail(f"{value!r}: write a count (10), a list (0,4,7) or a range (3-5)", param, ctx)
        if not seeds:
            self.fail(f"{value!r} names no seed", param, ctx)
        return tuple(seeds)


class _Names(click.ParamType):
    """Comma-separated names."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip())


def _narrowing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that choose (a part of) a suite; the command receives the `Suite` and the `Store`."""

    @click.argument("suite", default="paper")
    @click.option("--seeds", type=_Seeds(), help="How many seeds (10), or which (0,4,7 or 3-5); default: the suite's.")
    @click.option("--scms", type=_Names(), help="Only these, short forms allowed: chain,triangle/nadd.")
    @click.option("--models", "methods", type=_Names(), help="Only these models of the suite, by label: dcm,anm.")
    @click.option("--model", "outside", multiple=True, metavar="SPEC", help=_Entry.__doc__)
    @click.option("--store", "folder", default="results/runs", show_default=True, help="Where records are kept.")
    @wraps(command)
    def narrowed(suite: str, seeds: Any, scms: Any, methods: Any, outside: Any, folder: str, **rest: Any) -> Any:
        chosen = suites.load(suite).narrow(seeds=seeds, scms=scms, methods=methods)
        chosen = chosen.with_models([_Entry.parse(spec) for spec in outside])
        return command(suite=chosen, store=Store(folder), **rest)

    return narrowed


class _Entry:
    """Add a model: a registry name or package.module:Class, options after it: my.pkg:Mine,width=64,label=mine."""

    @staticmethod
    def parse(spec: str) -> Entry:
        try:
            name, options = split(spec)
        except ValueError as error:
            raise SuiteError(f"--model {spec}: {error}") from None
        label = str(options.pop("label", name.rpartition(":")[2]))
        entry = Entry(name, label, str(options.pop("variant", "")), options)
        try:
            entry.build()
        except (ValueError, TypeError) as error:
            raise SuiteError(f"--model {spec}: {error}") from None
        return entry


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="scmbench")
def cli() -> None:
    """Measure how well learned causal models answer observational, interventional and counterfactual questions."""


@cli.command("list")
@click.argument("what", type=click.Choice(["suites", "datasets", "models", "protocols"]), required=False)
def list_(what: str | None) -> None:
    """Names of suites, datasets, models and protocols."""
    listed = {
        "suites": lambda: [(name, suites.load(name).title) for name in suites.names()],
        "datasets": lambda: [(name, _first_line(datasets.get(name).__doc__)) for name in datasets.names()],
        "models": lambda: [(name, path) for name, path in sorted(paths().items())],
        "protocols": lambda: [(name, "") for name in protocols.names()],
    }
    for title in [what] if what else list(listed):
        console.print(f"[bold]{title}[/bold]")
        for name, text in listed[title]():
            console.print(f"  {name:<24} [dim]{text}[/dim]", highlight=False)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


@cli.command()
@_narrowing
@click.option("--dry-run", is_flag=True, help="Say how many records there are to compute and how long it may take.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--engine", "kind", type=click.Choice(["pool", "inline"]), default="pool", show_default=True)
@click.option("--time-limit", type=float, default=3600.0, show_default=True, help="Seconds a batch may take.")
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
        run_batches = partial(engine.pool, workers=workers, time_limit=time_limit, device=device)
    table = runner.run(plan, store, run_batches, workers=workers, console=console)
    context.exit(_present(table))


def _present(table: runner.Table) -> int:
    """Show what a table says; the exit code: 1 where records failed."""
    records = table.provenance()
    failed = [r for r in records.to_dict("records") if r["status"] == "failed" or " failed: " in r["notes"]]
    for r in failed:
        where = f"{r['dataset']} seed {r['seed']} {r['model']} {r['variant']}"
        errors.print(f"[red]failed[/red]  {where}: {r['message'] or r['notes']}", highlight=False)
    return int(bool(failed))


for command in (check_model, new_model, new_scm):
    cli.add_command(command)


def main() -> None:
    """Entry point: errors that users can mend are one line, with the exit codes of the help text."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (SuiteError, UnknownModel, UnknownDataset, ValuesError) as error:
        errors.print(f"[red]error:[/red] {error.args[0]}", highlight=False)
        sys.exit(2)
    except StoreError as error:
        errors.print(f"[red]error:[/red] {error}", highlight=False)
        sys.exit(3)
    except (KeyboardInterrupt, click.Abort):
        errors.print("interrupted; what is finished is kept, run it again to go on")
        sys.exit(130)


if __name__ == "__main__":
    main()
