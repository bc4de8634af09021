"""The entries of a text table as numbers or labels; what is neither is told for what it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..values import ValuesError

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-", ".", "<na>"}
_TRUTHS = {"true": True, "false": False}
_HINTS = (
    (r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)", "thousands separators? write 1234567.8"),
    (r"[+-]?\d{1,3}(?:,\d{3}){2,}", "thousands separators? write 1234567"),
    (r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)", "separators of thousands and a decimal comma? write 1234567.8"),
    (r"[+-]?\d{1,3}(?:['’   ]\d{3})+(?:[.,]\d+)?", "thousands separators? write 1234567.8"),
    (r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", "a decimal comma, or thousands? write it with a point and no separators"),
    (r"[+-]?[\d.,]+\s*%", "a percentage? write 0.5 for 50%"),
    (r"[$€£¥]\s*[\d.,]+|[\d.,]+\s*[$€£¥]", "an amount? write the number alone"),
    (r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*", "a date? write days since the first"),
    (r"\d{1,2}:\d{2}(?::\d{2}.*)?", "a time? write it as seconds or hours"),
    (r"[+-]?\d+(?:_\d+)+", "underscores? write the digits alone"),
    (r"[+-]?[\d.]+\s*[^\W\d_]+.*", "a number with its unit? write the number alone"),
)


def to_column(
    path: Path, name: str, entries: Sequence[str], lines: Sequence[int], *, gaps: bool
) -> np.ndarray | pd.Categorical:
    """A column as int64 where every entry is a whole number, as float64 where every one is a number.

    Entries ``true`` and ``false`` are booleans; words none of which looks like a number, a date or their kin are a
    category without order, its labels sorted. With `gaps`, missing entries are missing. Raises `ValuesError` that names
    file, line and column of the first entry that does not fit, and says what it may be: a decimal comma, a date, a
    percentage, …
    """
    if all(_WHOLE.fullmatch(entry) for entry in entries):
        return np.array([int(entry) for entry in entries], dtype=np.int64)
    numbers = [_number(entry) for entry in entries]
    wrong = [i for i, x in enumerate(numbers) if not math.isfinite(x) and not (gaps and _missing(entries[i]))]
    if not wrong:
        return np.array(numbers, dtype=np.float64)
    present = [i for i in range(len(entries)) if not _missing(entries[i])]
    words = bool(present) and all(math.isnan(numbers[i]) and not _hint(entries[i]) for i in present)
    if words and len(wrong) == len(present):
        return _words(entries)
    # Where there is no number at all, what looks like something else than a word is the odd one out.
    hinted = next((i for i in wrong if _hint(entries[i])), None) if all(map(math.isnan, numbers)) else None
    first = next((i for i in wrong if _missing(entries[i]) is words), wrong[0]) if hinted is None else hinted
    entry, where = entries[first], f"{path}, line {lines[first]}, column {name!r}"
    rest = f" ({len(wrong)} such rows)" if len(wrong) > 1 and not words else ""
    if not entry:
        raise ValuesError(f"{where}: it is empty{rest}")
    if words:
        raise ValuesError(f"{where}: {entry!r} stands for a missing entry; if it is a category, call it something else")
    if hint := _hint(entry):
        raise ValuesError(f"{where}: {entry!r} is no number{rest}: {hint}")
    raise ValuesError(f"{where}: {entry!r} is no finite number{rest}")


def is_number(text: str) -> bool:
    """Whether Python reads a text as a number, finite or not."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words(entries: Sequence[str]) -> np.ndarray | pd.Categorical:
    known = [None if _missing(entry) else entry for entry in entries]
    truths = [None if entry is None else _TRUTHS.get(entry.lower()) for entry in known]
    if all((truth is None) == (entry is None) for truth, entry in zip(truths, known, strict=True)):
        return np.array(truths, dtype=object if None in truths else bool)
    return pd.Categorical(known, categories=sorted({entry for entry in known if entry is not None}))


def _hint(entry: str) -> str:
    return next((text for pattern, text in _HINTS if re.fullmatch(pattern, entry)), "")


_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")


def with_points(
    path: Path, columns: Mapping[str, Sequence[str]], lines: Sequence[int]
) -> tuple[Mapping[str, Sequence[str]], list[str]]:
    """Columns of a file that separates them by something else than commas, with points for decimal commas; and a note.

    A comma is a decimal comma where no number has a decimal point, and one of those with a comma can be nothing else:
    ``0,5`` is no count of thousands, ``1,234`` may be. Words with commas stay as they are. Raises `ValuesError` that
    names the entry which contradicts.
    """
    found = [(name, i, entry) for name, column in columns.items() for i, entry in enumerate(column) if _is_comma(entry)]
    if not found:
        return columns, []
    first, row, shown = found[0]
    where = f"{path}, line {lines[row]}, column {first!r}"
    for name, column in columns.items():
        i = next((i for i, entry in enumerate(column) if _POINT.fullmatch(entry)), None)
        if i is not None:
            what = f"{column[i]!r} in line {lines[i]}, column {name!r}, has a decimal point"
            raise ValuesError(f"{where}: {shown!r} has a decimal comma, and {what}: write all numbers with a point")
    if all(_THOUSANDS.fullmatch(entry) for _, _, entry in found):
        raise ValuesError(f"{where}: {shown!r} has a decimal comma, or separates thousands? write numbers with a point")
    note = f"{len(found)} numbers have a decimal comma, such as {shown!r} in line {lines[row]}, column {first!r}"
    pointed = {v: [x.replace(",", ".") if _is_comma(x) else x for x in column] for v, column in columns.items()}
    return pointed, [note]


def _is_comma(entry: str) -> bool:
    return _COMMA.fullmatch(entry) is not None


def _number(entry: str) -> float:
    try:
        return float(entry) if "_" not in entry else math.nan  # Python reads 1_000 as a number, nobody else does
    except ValueError:
        return math.nan


def _missing(entry: str) -> bool:
    return entry.lower() in _MISSING
