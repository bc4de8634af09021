"""``scmbench export``: everything in a store, or in a committed run, as tables for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..suites import shelf
from .arguments import say, slowly, tell_refused
from .outputs import check_writable, writing

if TYPE_CHECKING:
    import pandas as pd

    from ..records.export import Format


@click.command("export")
@click.argument("source", default="results/runs")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the tables.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
def export(source: str, out: Path, form: Format) -> None:
    """Write all records of SOURCE as tables: records, scores, notes, examples.

    SOURCE is the folder of a store or of a committed run, or the name of a suite whose committed run comes with
    scmbench. The code that made the records is not imported, and need not be there.
    """
    from ..records import export as tables

    check_writable(out)
    with slowly(f"reading {source}"):
        found = _tables(source)
    with writing(out):
        tables.write(found, out, form)
    counts = ", ".join(f"{len(table):,} {name}" for name, table in found.items())
    say(f"{out}: {counts} ({form})")


def _tables(source: str) -> dict[str, pd.DataFrame]:
    from ..records import committed
    from ..records.export import of_run, of_store
    from ..records.store import Store

    store, home = Store(source), Path(source)
    if store.records.is_dir():
        try:
            found = of_store(store)
        finally:
            tell_refused(store)
        if found["records"].empty:
            raise click.UsageError(f"the store {source!r} has no record that can be read")
        return found
    if not (home / committed.ABOUT).exists() and source in shelf.names():
        home = committed.folder(source)
    if not (home / committed.ABOUT).exists():
        raise click.UsageError(f"{source!r} is no store of records, no committed run and no suite that comes with one")
    return of_run(committed.read(home))
