"""The command that puts a model through the conformance kit: check-model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .arguments import console
from .options import parse

if TYPE_CHECKING:
    from rich.console import Group
    from scmbench.models.conformance import Result

MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "waived": ("~", "yellow"), "not applicable": ("-", "dim")}


@click.command("check-model", epilog="Exit code: 0 when no property is broken, 1 when one is, 2 for a wrong call.")
@click.argument("model", required=False)
@click.option(
    "--option", "assignments", multiple=True, metavar="NAME=VALUE", help="An option of the model; repeatable."
)
@click.option("--properties", "explain", is_flag=True, help="List the properties and why each matters; check nothing.")
@click.pass_context
def check_model(context: click.Context, model: str | None, assignments: tuple[str, ...], explain: bool) -> None:
    """Check that MODEL keeps what every model must keep, in seconds: shapes, do, abduction, seeds, refusals.

    MODEL is a registry name, the name of an entry point, or package.module:Class. Training is cut short by the class's
    `conformance_options`, which --option overrides.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text
    from scmbench.models import build, load
    from scmbench.models.conformance import PROPERTIES, check

    if explain:
        for name, each in PROPERTIES.items():
            console.print(Group(Text(name, style="bold"), Padding(each.reason, (0, 0, 0, 2))))
        return
    if model is None:
        raise click.UsageError("name a MODEL: a registry name or package.module:Class")
    try:
        options = parse(assignments)
        cls = load(model)
        build(cls, {**cls.conformance_options, **options})
    except (ValueError, TypeError) as error:
        raise click.ClickException(f"{model}: {error}") from None
    with Progress(
        SpinnerColumn(), TextColumn("checking {task.description}", markup=False), TimeElapsedColumn(), transient=True
    ) as bar:
        bar.add_task(model)
        results = check(cls, options)
    console.print(summary(results))
    context.exit(int(any(result.status == "failed" for result in results)))


def summary(results: list[Result]) -> Group:
    """A line a property, what was seen below those that did not simply pass, why it matters below failures; counts."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = []
    for result in results:
        mark, style = MARKS[result.status]
        line = Text.assemble((f"{mark} ", style), (result.property, "bold" if result.status == "failed" else ""))
        if result.status in ("waived", "not applicable"):
            line.append(f"  {result.status}", style=style)
        parts.append(line)
        if result.message:
            parts.append(Padding(Text(result.message, style="" if result.status == "failed" else "dim"), (0, 0, 0, 4)))
        if result.status == "failed":
            parts.append(Padding(Text(f"Why it matters: {result.reason}", style="italic"), (0, 0, 0, 4)))
    counted = {status: sum(result.status == status for result in results) for status in MARKS}
    counts = ", ".join(f"{n} {status}" for status, n in counted.items() if n)
    return Group(*parts, Text(f"\n{len(results)} properties: {counts}"))
