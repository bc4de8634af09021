"""``scmbench merge``: records of other stores taken into one's own."""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import complain, errors, say, slowly, tell_refused

LISTED = 10
"""Conflicts that are listed."""


@click.command(
    "merge", epilog="Exit codes: 0 all is there; 1 some records were not taken in; 2 a wrong call; 3 no place."
)
@click.argument("sources", nargs=-1, required=True, metavar="FROM...")
@click.option("--store", "folder", default="results/runs", show_default=True, help="Where the records go.")
@click.pass_context
def merge(context: click.Context, sources: tuple[str, ...], folder: str) -> None:
    """Take the records of other stores into this one: results of other machines, or of other people.

    What is there stays. A record of which the two stores tell different outcomes is named and not taken in, and so are
    files that are damaged or come from a later scmbench. Answers that were kept (run --keep-answers) come along.
    """
    from ..records import committed, merging
    from ..records.store import Store

    into, stores = Store(folder), [Store(source) for source in sources]
    for source, store in zip(sources, stores, strict=True):
        if (Path(source) / committed.ABOUT).exists():
            what = "a committed run, which holds scores and no records: report --from and export read it"
            raise click.UsageError(f"{source!r} is {what}")
        if not store.records.is_dir():
            raise click.UsageError(f"{source!r} is no store: it has no folder 'records'")
        if into.records.exists() and store.records.samefile(into.records):
            raise click.UsageError(f"{source!r} is the store that records go to")
    with slowly(f"reading {', '.join(sources)}"):
        merged = merging.merge(stores, into)
    refused = sum(len(store.refused) for store in stores)
    kept = f"; with them {merged.answers} files of kept answers" if merged.answers else ""
    say(f"{folder}: {merged.taken} records taken in, {merged.same} were there with the same outcome{kept}")
    for conflict in merged.conflicts[:LISTED]:
        say(("conflict", "yellow"), f"  {conflict}", to=errors)
    if len(merged.conflicts) > LISTED:
        say(f"  and {len(merged.conflicts) - LISTED} more", to=errors)
    if merged.conflicts:
        complain(f"{len(merged.conflicts)} record(s) not taken in: the store has others of the same key, which stay")
    for store in stores:
        tell_refused(store)
    for line in merged.damaged[:LISTED]:
        say(("refused", "yellow"), f"  kept answers not taken in: {line}", to=errors)
    for line in merged.newer[:LISTED]:
        say(("refused", "yellow"), f"  {line}: what another store has of it was not taken in", to=errors)
    context.exit(int(bool(merged.conflicts or merged.newer or refused)))
