"""What the commands for one's own table say: plain text, so that a column ``dose [mg]`` keeps its unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from .arguments import console, errors, say
from .plain import one_line, printable

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

    from ..judging.diagnosis import Diagnosis

ABDUCTION_TOLD = (
    "A small p says that a mechanism, the graph or its lack of common causes is wrong; an error far from 0 or an order "
    "far from 1 says the same of counterfactuals. Passing proves nothing right: where a cause turns the noise of its "
    "effect around (a mirror), every row looks the same and counterfactuals differ."
)
"""What the table of abduction can rule out, and what it cannot."""

SHOWN = 40
"""Nodes whose causes are listed, at most."""


def note(text: str) -> None:
    """Something to mind, on stderr."""
    say(("note: ", "yellow"), one_line(text), to=errors)


def note_reading(path: object, table: pd.DataFrame) -> None:
    """What was taken to mean something when a table was read."""
    for text in table.attrs.get("notes", ()):
        note(f"{path}: {text}")


def tabulate(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of plain cells, the first column to the left."""
    table = Table(title=Text(title), title_justify="left")
    for column in columns:
        table.add_column(Text(column), justify="left" if column == columns[0] else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)


@contextmanager
def noting() -> Iterator[None]:
    """Say as notes, once each, what a `FrameModel` warns of; other warnings stay warnings."""
    import warnings

    from scmbench.models.keeping.frames import WaiverWarning
    from scmbench.models.keeping.support import SupportWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SupportWarning)
        warnings.simplefilter("always", WaiverWarning)
        try:
            yield
        finally:
            told = {str(each.message) for each in caught if issubclass(each.category, SupportWarning | WaiverWarning)}
    for each in caught:
        text = str(each.message)
        if text in told:
            note(text)
            told.discard(text)
        elif not issubclass(each.category, SupportWarning | WaiverWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def show_graph(graph: nx.DiGraph, path: object) -> None:
    """The graph as it was read: how much of it there is, every node with its causes, and what was ignored."""
    roots = sorted(node for node, causes in graph.in_degree if not causes)
    count = f"{len(graph)} node{'s' * (len(graph) != 1)}, {graph.size()} edge{'s' * (graph.size() != 1)}"
    say(f"{path}: {count}; without causes: {', '.join(map(repr, roots))}")
    below = sorted(set(graph) - set(roots))
    for node in below[:SHOWN]:
        say(f"  {node!r} <- {', '.join(map(repr, sorted(graph.predecessors(node))))}")
    if len(below) > SHOWN:
        say(f"  and {len(below) - SHOWN} more nodes")
    for text in graph.graph.get("notes", ()):
        note(f"{path}: {text}")


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Distances, density and the noise that the model infers."""
    from ..judging.diagnosis import ABDUCTION

    say(f"fitted on {diagnosis.n_train} rows, judged on {diagnosis.n_held_out} held out")
    columns = list(next(iter(diagnosis.distances.values())))
    rows = [(name, *(f"{found[column]:.4g}" for column in columns)) for name, found in diagnosis.distances.items()]
    tabulate("Distance to held-out rows, units of standard deviations", ["", *columns], rows)
    if diagnosis.nll is not None:
        say(f"negative log-likelihood: {diagnosis.nll:.4f} nats a row")
    tabulate(
        "Abduction: the inferred noise, and what is decoded from it",
        ["node", "round trip", "own error", "HSIC", "p", "in order"],
        [
            (each.node, *map(_number, (each.round_trip, each.reconstruction, each.hsic, each.p, each.monotone_share)))
            for each in diagnosis.nodes
        ],
    )
    if diagnosis.closest:
        a, b, correlation, p = diagnosis.closest
        say(f"noises that depend most: {a!r} and {b!r}, correlation {correlation:.3g}, p = {p:.3g}")
    for what, why in diagnosis.notes.items():
        say((f"{what}: {why}", "dim"))
    if ABDUCTION not in diagnosis.notes:
        say((ABDUCTION_TOLD, "dim"))


def _number(x: float | None) -> str:
    return "-" if x is None else f"{x:.3g}"
