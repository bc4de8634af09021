"""``scmbench list``: what there is, by name and in a sentence, read without importing any of it."""

from __future__ import annotations

import click
from scmbench.datasets import registry as datasets
from scmbench.models.contract import registry as models

from .. import questions
from ..suites import suite as suites
from .arguments import say

LISTS = {
    "suites": suites.titles,
    "datasets": lambda: _datasets(),
    "models": models.summaries,
    "protocols": lambda: questions.PROTOCOLS,
}


@click.command("list")
@click.argument("what", type=click.Choice(list(LISTS)), required=False)
def list_(what: str | None) -> None:
    """Names of suites, datasets, models and protocols."""
    for title in [what] if what else LISTS:
        say((title, "bold"))
        for name, text in LISTS[title]().items():
            say(f"  {name:<24} ", (text, "dim"))


def _datasets() -> dict[str, str]:
    """The built-in datasets with what they are, then the modules of other packages: to import them takes seconds."""
    known = {name: text for part in datasets.catalogue().values() for name, text in part.items()}
    outside = {point.name: f"datasets of {datasets.owner(point)}: {point.value}" for point in datasets.plugins()}
    return dict(sorted(known.items())) | outside
