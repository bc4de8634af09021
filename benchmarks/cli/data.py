"""The command line for data files: what there is, what is here, and how to get the rest."""

from __future__ import annotations

import click
from scmbench.datasets.errors import Damaged, DataMissing
from scmbench.datasets.files import download
from scmbench.datasets.files.sources import SOURCES, Source

from .arguments import console, say


@click.group(epilog="Exit codes: 0 all is there; 1 something could not be downloaded; 2 a wrong call.")
def data() -> None:
    """Data files that some problems need: list them, fetch them.

    They live in the folder that SCMBENCH_DATA names, else in your cache; one put there by hand is used as it is.
    """


@data.command("list")
def list_() -> None:
    """What there is and what is here, with size, licence, origin and citation."""
    from rich.table import Table

    say(f"in {download.folder()}")
    for source in SOURCES.values():
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        for field in ("description", "needed_by", "origin", "licence", "citation"):
            table.add_row(field.replace("_", " "), getattr(source, field))
        say("\n", (source.name, "bold"), f"  {_size(source)}  ", *_state(source))
        console.print(table)


@data.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice(sorted(SOURCES)))
@click.pass_context
def fetch(context: click.Context, names: tuple[str, ...]) -> None:
    """Download NAMES, such as `fmri sachs`; what is there already is checked and kept."""
    failed = False
    for name in names:
        try:
            download.fetch([name])
        except DataMissing as error:
            failed = True
            click.echo(f"not fetched: {error}", err=True)
        else:
            click.echo(f"{name}: all {len(SOURCES[name].files)} file(s) in {download.folder() / name}")
    context.exit(int(failed))


def _size(source: Source) -> str:
    files = f"{len(source.files)} file{'s' * (len(source.files) > 1)}"
    return f"{source.size / 1e6:.1f} MB in {files}"


def _state(source: Source) -> list[str | tuple[str, str]]:
    message = download.missing(source.name)
    if message is None:
        return [("here", "green")]
    if isinstance(message, Damaged):
        return [("wrong", "red"), f": {message}"]
    absent = sum(not (download.folder() / source.name / file.name).exists() for file in source.files)
    return [(f"{absent} file(s) missing", "yellow")]
