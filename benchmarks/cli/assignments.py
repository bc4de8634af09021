"""Interventions as a command line writes them: ``X=1``, ``X*=1.1``, ``X+=1``, or a file with a value a row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from .options import literal
from .telling import note_reading

OPERATORS: dict[str, Callable[[Any, float], Any] | None] = {
    "*=": operator.mul,
    "/=": operator.truediv,
    "+=": operator.add,
    "-=": operator.sub,
    "=": None,
}
"""What ``NODE<operator>NUMBER`` does to the node's natural value; ``=`` sets it."""


@dataclass(frozen=True)
class Asked:
    """An intervention: `do` as `FrameModel` takes it, `text` as a message shows it, `n` rows where a file has some."""

    do: dict[Any, Any]
    text: str
    n: int | None = None


def asked(
    assignments: Sequence[str],
    file: Path | None,
    nodes: Iterable[Any],
    *,
    option: str = "--do",
    labels: Mapping[Any, Sequence[Any]] | None = None,
) -> Asked:
    """The intervention of some assignments and a file; `labels` are what a node of labels can be set to.

    Raises `ClickException`, `ValuesError`.
    """
    names = {str(node): node for node in nodes}
    do: dict[Any, Any] = {}
    said: list[str] = []
    for assignment in assignments:
        node, symbol, number = _parse(assignment, names, option, labels or {})
        if names[node] in do:
            raise click.ClickException(f"{option} {assignment}: the node {node!r} is given twice")
        apply = OPERATORS[symbol]
        do[names[node]] = number if apply is None else _applied(apply, number)
        said.append(f"{node} {symbol} {number}")
    n = None
    if file is not None:
        columns, n = _columns(file, names)
        if both := sorted(set(columns) & set(do), key=repr):
            raise click.ClickException(f"{option} and {file} both set {both}")
        do |= columns
        said.append(f"{', '.join(map(str, columns))} of {file}")
    return Asked(do, ", ".join(said), n)


def _applied(apply: Callable[[Any, float], Any], number: float) -> Callable[[Any], Any]:
    return lambda x: apply(x, number)


def _parse(
    assignment: str, names: Mapping[str, Any], option: str, labels: Mapping[Any, Sequence[Any]]
) -> tuple[str, str, Any]:
    """Node, operator and number or label; a node's name may itself hold ``=``."""
    found: list[tuple[str, str, Any]] = []
    values = []
    known: Sequence[Any] = ()
    for node, named in names.items():
        rest = assignment.strip().removeprefix(node).lstrip() if assignment.strip().startswith(node) else ""
        symbol = next((s for s in OPERATORS if rest.startswith(s)), None)
        if symbol:
            text = rest[len(symbol) :].strip()
            value = literal(text)
            values.append(value)
            if named in labels:
                known = labels[named]
                found += [(node, symbol, label) for label in known if symbol == "=" and _spells(text, value, label)]
            elif isinstance(value, int | float) and not isinstance(value, bool):
                found.append((node, symbol, value))
    if len(found) == 1:
        return found[0]
    if found:
        raise click.ClickException(f"{option} {assignment}: is it {' or '.join(repr(node) for node, *_ in found)}?")
    if known:
        raise click.ClickException(f"{option} {assignment}: write NODE=LABEL, one of {list(known)}")
    if values:
        raise click.ClickException(f"{option} {assignment}: expected a number; write NODE=1, NODE*=1.1 or NODE+=1")
    if "=" not in assignment:
        raise click.ClickException(f"{option}: {assignment!r} is not NODE=VALUE; write {option} NODE=VALUE")
    node = assignment.partition("=")[0].rstrip("*/+-").strip()
    raise click.ClickException(f"{option} {assignment}: the graph has no node {node!r}; it has {sorted(names)}")


def _spells(text: str, value: Any, label: Any) -> bool:
    """Whether a text, read as `value`, is a label; 1 and 0 are True and False."""
    return text == label if isinstance(label, str) else value == label


def _columns(file: Path, names: dict[str, Any]) -> tuple[dict[Any, Any], int]:
    from scmbench.datasets.files.tables import OwnTable
    from scmbench.datasets.values import columns_of

    table = OwnTable.read(file, names)
    frame = table.values(gaps=True)
    note_reading(file, frame)
    if frame.isna().to_numpy().any():
        gap = next(column for column in frame if frame[column].isna().any())
        raise click.ClickException(f"{file}: the column {gap!r} has empty entries; every row sets a value")
    do = {}
    for name, node in names.items():
        if columns := columns_of(frame, name):
            do[node] = frame[columns[0]].to_numpy() if columns == [name] else frame[columns].to_numpy()
    if not do:
        raise click.ClickException(f"{file} has none of the graph's nodes as a column; it has {table.header}")
    return do, len(frame)
