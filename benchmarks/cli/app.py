"""The command line: every command under one name, and how its errors are told.

Help, lists and a typo answer at once: a command's file is imported when the command is named, and imports what it works
with (PyTorch, pandas, a plotting library) when it is called, not at its top.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

import click
from scmbench.datasets.errors import UserError

from .plain import one_line, unusable, write_anything

COMMANDS = {
    "ask": ("own_data:ask", "Ask a fitted model: samples, interventions, counterfactuals."),
    "check-model": ("check:check_model", "Check that a model keeps what every model must keep."),
    "cite": ("cite:cite", "The papers behind a suite, as BibTeX."),
    "committed": ("committed:committed_runs", "Committed runs: what reports compare with and the gate guards."),
    "community": ("community:community", "Other people's rows: check one, and the table of all."),
    "compare": ("results:compare", "Compare results with published numbers and with another run."),
    "data": ("data:data", "Data files that some problems need: list them, fetch them."),
    "export": ("export:export", "Everything in a store or committed run, as CSV or Parquet."),
    "fit": ("own_data:fit", "Fit a model to a table of your own, and say how well it does."),
    "list": ("lists:list_", "Names of suites, datasets, models, protocols and metrics."),
    "merge": ("merge:merge", "Take the records of other stores into one's own."),
    "new-model": ("scaffold:new_model", "Write the skeleton of a model: code, package and test."),
    "new-scm": ("scaffold:new_scm", "Write the skeleton of a set of structural causal models."),
    "published": ("published:published", "Published numbers: which of them can be judged here."),
    "rank": ("rank:rank", "Rank the methods of a suite by rung, with skills and intervals."),
    "regress": ("regress:regress", "The gate: train anew, and compare with a committed run."),
    "report": ("results:report", "Write tables, figures and one HTML page from results."),
    "run": ("run:run", "Compute what a suite asks for, then show tables and verdicts."),
    "show": ("results:show", "Everything the store has on some records."),
}
"""Name to ``file:function`` in this room, and what the list of commands says of it."""

TASKS = {
    "Run a benchmark": {
        "run": "scmbench run paper --scms chain --seeds 3 --only dcm,anm",
        "report": "scmbench report paper --from committed",
        "compare": "scmbench compare paper --json",
        "rank": "scmbench rank paper --from committed",
        "show": "scmbench show paper --scms chain --only dcm",
        "export": "scmbench export paper --out tables --format parquet",
        "merge": "scmbench merge their/results/runs",
    },
    "Find out what there is": {
        "list": "scmbench list models",
        "data": "scmbench data fetch sachs",
        "cite": "scmbench cite paper > papers.bib",
        "published": "scmbench published check",
    },
    "Add your own": {
        "new-model": "scmbench new-model my_method",
        "check-model": "scmbench check-model my_method:MyMethod",
        "new-scm": "scmbench new-scm my_worlds",
        "community": "scmbench community check results/community/mine",
    },
    "Use a model on your own table": {
        "fit": "scmbench fit table.csv --graph graph.txt --model dcm",
        "ask": "scmbench ask fitted --do x1=0.5 --out answers",
    },
    "Keep numbers from drifting": {
        "regress": "scmbench regress",
        "committed": "scmbench committed update regress --reason 'why they moved'",
    },
}
"""What somebody wants to do, with the commands for it and an example of each."""

EXIT_CODES = """\b
Exit codes: 0 all went well; 1 some records failed; 2 a wrong call or a broken
suite file; 3 the results folder cannot be used; 130 interrupted (run again to
go on).
"""


class LazyGroup(click.Group):
    """The commands of `COMMANDS`, each imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those that are shown."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None where there is none."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        file, _, function = COMMANDS[cmd_name][0].partition(":")
        return getattr(import_module(f".{file}", __package__), function)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with near names where there is no such command."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {' or '.join(near)}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by task, each with an example; none of them is imported."""
        with formatter.section("Commands"):
            for i, (task, examples) in enumerate(TASKS.items()):
                formatter.write("\n" * (i > 0) + f"  {task}:\n")
                for name, example in examples.items():
                    formatter.write(f"    {name:<12} {COMMANDS[name][1]}\n    {'':<12} $ {example}\n")


class Moved(click.ClickException):
    """A command that has another name now."""

    exit_code = 2


@click.group(
    cls=LazyGroup,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="scmbench")
def cli() -> None:
    """Measure how well learned causal models answer observational, interventional and counterfactual questions.

    Start here: scmbench run smoke (minutes), then scmbench run paper --seeds 3.
    """


@cli.command("baseline", hidden=True, add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def former_baseline(words: tuple[str, ...]) -> NoReturn:
    """The former name of `committed`: a baseline is a method to compare with."""
    raise Moved(f"this command has another name now: {shlex.join(['scmbench', 'committed', *words])}")


def main() -> None:
    """Entry point: errors that users can mend are one line, with the exit codes of the help text."""
    write_anything()
    try:
        if complaint := unusable(sys.argv[1:]):
            raise click.ClickException(complaint)
        code = cli.main(standalone_mode=False)  # the code of Context.exit comes back as a value, not an exception
        sys.stdout.flush()
        sys.exit(code)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"Try '{error.ctx.command_path} --help' for help.\n"
            click.echo(f"{error.ctx.get_usage()}\n{hint}", err=True)
        _fail("Error:", error.format_message())
        sys.exit(2)
    except UserError as error:
        _fail("error:", str(error))
        sys.exit(2)
    except BrokenPipeError:  # whoever reads the output, such as `head`, has closed it
        with suppress(OSError):  # a stream without a file, in a test or a notebook
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing fails again when Python ends
        _fail("error:", "the output was closed before all of it was written")
        sys.exit(3)
    except OSError as error:  # a StoreError, or a report that cannot be written
        _fail("error:", str(error))
        sys.exit(3)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; what is finished is kept, run it again to go on", err=True)
        sys.exit(130)


def _fail(word: str, message: str) -> None:
    click.echo(f"{click.style(word, fg='red')} {one_line(message)}", err=True)
