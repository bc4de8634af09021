"""``scmbench published``: which published numbers can be compared with here."""

from __future__ import annotations

import click

from ..suites import shelf
from ..suites import suite as suites
from .arguments import say


@click.group("published")
def published() -> None:
    """Published numbers: which of them can be judged here."""


@published.command("check", epilog="Exit codes: 0 all of them can be judged; 1 some cannot; 2 a wrong call.")
@click.argument("names", nargs=-1, metavar="[NAME or FILE.toml]...")
@click.option("--suite", "more", multiple=True, metavar="FILE.toml", help="A suite of your own that may judge them.")
@click.pass_context
def check(context: click.Context, names: tuple[str, ...], more: tuple[str, ...]) -> None:
    """List the numbers of NAME (by default of all files that come with scmbench) that no suite can judge, and why."""
    from ..judging import published as shelves
    from ..reporting.unjudged import judged

    known = [suites.load(name) for name in [*shelf.names(), *more]]
    complete = True
    for name in names or shelves.names():
        found = judged(shelves.load(name), known)
        by = f" by {', '.join(found.suites)}" if found.suites else ""
        say((f"{found.name}", "bold"), f": {found.can} of {found.cells} cells can be judged{by}")
        for each in found.unjudged:
            say((f"  {each.count} cannot", "yellow"), f": {each.why} (first: {each.first})")
        complete &= not found.unjudged
    context.exit(int(not complete))
