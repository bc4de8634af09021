"""The command line: every command under one name, and how its errors are told."""

from __future__ import annotations

import sys

import click
from scmbench import datasets
from scmbench.datasets import ValuesError
from scmbench.datasets.registry import UnknownDataset
from scmbench.models.contract.registry import UnknownModel, paths

from ..judging.published import PublishedError
from ..questions import protocols
from ..records.committed import CommittedError
from ..suites import suite as suites
from ..suites.suite import SuiteError
from .arguments import console, errors
from .check import check_model
from .committed import committed_runs
from .data import data
from .own_data import ask, fit
from .regress import regress
from .results import compare, report, show
from .run import run
from .scaffold import new_model, new_scm

EXIT_CODES = """\b
Exit codes: 0 all went well; 1 some records failed; 2 a wrong call or a broken suite file;
3 the results folder cannot be used; 130 interrupted (run again to go on).
"""


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


for command in (run, report, compare, show, regress, committed_runs, fit, ask, data, check_model, new_model, new_scm):
    cli.add_command(command)


def main() -> None:
    """Entry point: errors that users can mend are one line, with the exit codes of the help text."""
    try:
        sys.exit(cli.main(standalone_mode=False))  # the code of Context.exit comes back as a value, not an exception
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (SuiteError, UnknownModel, UnknownDataset, ValuesError, CommittedError, PublishedError) as error:
        errors.print(f"[red]error:[/red] {error.args[0]}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except OSError as error:  # a StoreError, or a report that cannot be written
        errors.print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(3)
    except (KeyboardInterrupt, click.Abort):
        errors.print("interrupted; what is finished is kept, run it again to go on")
        sys.exit(130)
