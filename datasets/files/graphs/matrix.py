"""Adjacency matrices as text: a header row and a header column of names; a row's node causes a column's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .draft import Draft

Row = tuple[int, list[str]]
"""A line's number and its entries."""


def is_matrix(rows: Sequence[Row]) -> bool:
    """Whether rows are a matrix with names at its top and its left, or mean to be one.

    That is a first row that starts with an empty corner, or one whose other entries name the rows below. R leaves the
    corner away, so that the first row is shorter than the rest.
    """
    if len(rows) < 2:
        return False
    header, named = rows[0][1], [row[0] for _, row in rows[1:]]
    if all(len(row) == len(header) + 1 for _, row in rows[1:]):
        return named == header
    return len(header) > 1 and (not header[0].strip() or (len(header) > 2 and set(named) == set(header[1:])))


def is_headerless(rows: Sequence[Row]) -> bool:
    """Whether rows are a square of numbers, which has no names."""
    return len(rows) > 1 and all(len(row) == len(rows) and all(map(_is_number, row)) for _, row in rows)


def read_matrix(rows: Sequence[Row], draft: Draft) -> None:
    """Read names and edges; refuses other names in the rows than in the header, and entries that are no number."""
    top, header = rows[0]
    names = header if len(rows[1][1]) == len(header) + 1 else header[1:]
    for name in names:
        if name in draft.ids:
            draft.fail(top, f"the name {name!r} stands twice in the header")
        draft.node(name, top)
    found = [row[0] for _, row in rows[1:]]
    if sorted(found) != sorted(names):
        draft.fail(top, f"the rows are called {found}, the columns {names}; a matrix has the same names in both")
    entries = {
        (row[0], name): (value, line) for line, row in rows[1:] for name, value in _cells(row, names, line, draft)
    }
    weights = 0
    for (cause, effect), (value, line) in entries.items():
        if value:
            if cause != effect and entries[effect, cause][0]:
                both = f"{cause!r} and {effect!r} are joined in both directions"
                draft.fail(line, f"{both}: undirected, or another coding than 1 where the row causes the column")
            draft.edge(cause, effect, line)
            weights += value != 1
    draft.note(
        "adjacency matrix: a row's node is the cause, a column's the effect; transpose it if it says otherwise", 0
    )
    if weights:
        verb = "is" if weights == 1 else "are"
        draft.note(f"{weights} of the entries {verb} neither 0 nor 1: weights, which are ignored", 0)


def _cells(row: Sequence[str], names: Sequence[str], line: int, draft: Draft) -> list[tuple[str, float]]:
    if len(row) != len(names) + 1:
        count = f"{len(row) - 1} number{'' if len(row) == 2 else 's'}"
        draft.fail(line, f"{count} for the columns {list(names)}")
    for name, entry in zip(names, row[1:], strict=True):
        if not _is_number(entry):
            draft.fail(line, f"{entry!r} in the column {name!r} is no number; write 1 for an edge, 0 for none")
    return [(name, float(entry)) for name, entry in zip(names, row[1:], strict=True)]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
