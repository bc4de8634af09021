"""Edge lists: ``a -> b``, ``a,b`` (or ``;``, or a tab), ``a b``; weights in a third column, titles in a first line."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from .draft import Draft
from .lines import MASK, Line, read_lines
from .matrix import is_headerless, is_matrix, read_matrix

_TITLES = (
    ("source", "target"),
    ("from", "to"),
    ("cause", "effect"),
    ("parent", "child"),
    ("src", "dst"),
    ("tail", "head"),
)
"""What a first line may call cause and effect; their order is that of the columns."""

_WEIGHTS = {"weight", "w", "strength", "coefficient", "coef", "score", "value", "probability", "beta"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_SEPARATORS = ("\t", ",", ";")


def read_edge_list(text: str, draft: Draft, columns: Collection[str] | None = None) -> None:
    """Read an edge list or, with names at its top and left, an adjacency matrix.

    One file has one separator: arrows, else commas, semicolons or tabs, else blanks. A name alone is a node without
    edges. Refuses by line what could mean two things: ``a b`` is an edge where both are among `columns`, in a file that
    is called ``.edges`` or ``.edgelist``, or where both are in quotes.
    """
    lines = read_lines(text, draft)
    if any("->" in line.text for line in lines):
        _arrows(lines, draft)
        return
    separator = _separator(lines, draft)
    rows = [(line.number, [part.plain() for part in line.split(separator)]) for line in lines]
    if is_matrix(rows) and not _titled(rows[0][1]):
        read_matrix(rows, draft)
    elif is_headerless(rows) and (len(rows) > 2 or all(entry in "01" for _, row in rows for entry in row)):
        draft.fail(rows[0][0], "a square of numbers: an adjacency matrix has the names in a header row and column")
    else:
        if separator is None:
            _check_blanks(lines, draft, columns)
        elif commented := next((line for line in lines if line.comment), None):
            draft.fail(commented.number, f"'#' after {commented.shown}: quote the name, or put the comment elsewhere")
        _table(lines, separator, draft)


def _arrows(lines: Sequence[Line], draft: Draft) -> None:
    for i, line in enumerate(lines):
        parts = line.split("->")
        if i == 0 and _title(parts[0].text, parts[-1].text) == (0, 1) and len(parts) == 2:
            continue
        if len(parts) > 2 or not all(part.text for part in parts):
            draft.fail(line.number, f"{line.shown} is no edge; write cause -> effect")
        raw = line.text.split("->")
        if len(parts) == 2 and (re.search(r"\s[ox*?+@~.]$", raw[0]) or re.match(r"[ox*?+@~.]\s", raw[1])):
            draft.fail(line.number, f"{line.shown} has a mark at its arrow; only cause -> effect is read")
        names = [part.name(line, draft) for part in parts]
        for part in parts:
            if "," in part.text or "\t" in part.text:
                draft.fail(line.number, f"{line.shown} holds a comma or a tab: quote the name, write one edge a line")
        if len(names) == 2:
            draft.edge(names[0], names[1], line.number)
        elif re.search(r"\s", parts[0].text):
            draft.fail(line.number, f"{line.shown} may be a name or an edge: quote the name, or write cause -> effect")
        else:
            draft.node(names[0], line.number)


def _separator(lines: Sequence[Line], draft: Draft) -> str | None:
    """The separator of a file without arrows: the one that makes a table of it; None for blanks."""
    present = [s for s in _SEPARATORS if any(s in line.text.strip() for line in lines)]
    if len(present) < 2:
        return present[0] if present else None
    fitting = [s for s in present if _fits(lines, s, present)]
    if len(fitting) == 1:
        return fitting[0]
    line = next(line for line in lines if sum(s in line.text for s in present) > 1 or line is lines[-1])
    draft.fail(line.number, f"{line.shown}: which of {present} separates? quote the names that hold another")


def _fits(lines: Sequence[Line], separator: str, present: Sequence[str]) -> bool:
    if any(separator not in line.text and any(other in line.text for other in present) for line in lines):
        return False
    rows = [[part.plain() for part in line.split(separator)] for line in lines]
    widths = {len(row) for row in rows} - {1}
    return widths == {2} or (len(widths) == 1 and (is_matrix(list(enumerate(rows))) or _weighted(rows)))


def _weighted(rows: Sequence[Sequence[str]]) -> bool:
    return all(len(row) != 3 or _NUMBER.fullmatch(row[2]) for row in rows[1:]) and {len(row) for row in rows} <= {1, 3}


def _check_blanks(lines: Sequence[Line], draft: Draft, columns: Collection[str] | None) -> None:
    """Refuse a line whose blank may belong to a name: without quotes, only the table's columns or the suffix tell."""
    titled = bool(lines) and _titled([part.plain() for part in lines[0].split(None)])
    for line in lines[1:] if titled else lines:
        parts = line.split(None)
        if len(parts) < 2 or all(part.text == MASK for part in parts[:2]):
            continue
        names = [part.name(line, draft) for part in parts[:2]]
        if columns is None:
            told = draft.path.suffix.lower() in (".edges", ".edgelist")
        else:
            told = set(names) <= set(columns) and " ".join(part.plain() for part in parts) not in columns
        if not told:
            draft.fail(line.number, f"{line.shown} may be a name or an edge: quote the name, or write cause -> effect")
        draft.note("blanks separate: `a b` is the edge a -> b", line.number)


def _table(lines: Sequence[Line], separator: str | None, draft: Draft) -> None:
    first = [part.plain() for part in lines[0].split(separator)] if lines else []
    titled = _titled(first)
    if titled:
        lines = lines[1:]
    elif len(lines) > 1 and all(re.fullmatch(r"(?i)(node|variable|vertex)[ _]?[12ab]", name) for name in first[:2]):
        others = {part.plain() for line in lines[1:] for part in line.split(separator)}
        if len(first) > 1 and not others & set(first):
            draft.fail(1, f"the titles {first} do not say which is the cause; write cause and effect")
    cause, effect = titled or (0, 1)
    width = len(first) if titled else 0
    extra = _extra(first, (cause, effect), draft) if titled else []
    for line in lines:
        parts = line.split(separator)
        if len(parts) == 1:
            draft.node(parts[0].name(line, draft), line.number)
            continue
        width = width or len(parts)
        if len(parts) != width:
            draft.fail(line.number, f"{line.shown} has {len(parts)} entries, others have {width}")
        if width > 3 and not titled:
            draft.fail(line.number, f"{line.shown} is no edge; write cause -> effect, or titles in the first line")
        draft.edge(parts[cause].name(line, draft), parts[effect].name(line, draft), line.number)
        for weight in extra if titled else range(2, width):
            _weight(parts[weight].plain(), line, draft)


def _weight(text: str, line: Line, draft: Draft) -> None:
    if not _NUMBER.fullmatch(text):
        draft.fail(line.number, f"{line.shown} is no edge: {text!r} is no weight; write cause -> effect")
    if not float(text.replace(",", ".")):
        draft.fail(line.number, f"{line.shown} has the weight 0: is it an edge? Leave it out or give it no weight")
    draft.note("edges have weights, which are ignored", line.number)


def _titled(first: Sequence[str]) -> tuple[int, int] | None:
    """Where a line of titles has causes and effects; None where it is none."""
    for i, a in enumerate(first):
        for j, b in enumerate(first):
            if i != j and (order := _title(a, b)) is not None:
                return (i, j) if order == (0, 1) else (j, i)
    return None


def _title(a: str, b: str) -> tuple[int, int] | None:
    """``(0, 1)`` for the titles of cause and effect, ``(1, 0)`` for those of effect and cause, else None."""
    pair = tuple(re.sub(r"(node|variable|var|name|id)$", "", re.sub(r"[^a-z]", "", text.lower())) for text in (a, b))
    for causes, effects in _TITLES:
        if pair in ((causes, effects), (effects, causes)):
            return (0, 1) if pair == (causes, effects) else (1, 0)
    return None


def _extra(titles: Sequence[str], ends: tuple[int, int], draft: Draft) -> list[int]:
    """The columns of weights; a column of row numbers, without a title, says nothing; any other is refused."""
    weights = []
    for j, title in enumerate(titles):
        if j in ends or not title.strip():
            continue
        if title.strip().lower() not in _WEIGHTS:
            draft.fail(1, f"the column {title!r} is not understood; expected cause, effect and perhaps a weight")
        weights.append(j)
    return weights
