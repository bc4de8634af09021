"""The entries of a text table as numbers; what is none is told for what it is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..values import ValuesError

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-", ".", "<na>"}
_HINTS = (
    (r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)", "thousands separators? write 1234567.8"),
    (r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)", "separators of thousands and a decimal comma? write 1234567.8"),
    (r"[+-]?\d{1,3}(?:['’   ]\d{3})+(?:[.,]\d+)?", "thousands separators? write 1234567.8"),
    (r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", "a decimal comma, or thousands? write it with a point and no separators"),
    (r"[+-]?[\d.,]+\s*%", "a percentage? write 0.5 for 50%"),
    (r"[$€£¥]\s*[\d.,]+|[\d.,]+\s*[$€£¥]", "an amount? write the number alone"),
    (r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*", "a date? write days since the first"),
    (r"\d{1,2}:\d{2}(?::\d{2}.*)?", "a time? write it as seconds or hours"),
    (r"(?i)true|false|yes|no|t|f|y|n", "a truth value? write 1 and 0"),
    (r"[+-]?\d+(?:_\d+)+", "underscores? write the digits alone"),
    (r"[+-]?[\d.]+\s*[^\W\d_]+.*", "a number with its unit? write the number alone"),
)


def to_numbers(path: Path, name: str, entries: Sequence[str], lines: Sequence[int], *, gaps: bool) -> np.ndarray:
    """A column as int64 where every entry is a whole number, else float64; with `gaps`, missing entries are NaN.

    Raises `ValuesError` that names file, line and column of the first entry that is no finite number, and says what it
    may be: a decimal comma, a date, a percentage, …
    """
    if all(_WHOLE.fullmatch(entry) for entry in entries):
        return np.array([int(entry) for entry in entries], dtype=np.int64)
    numbers = [_number(entry) for entry in entries]
    wrong = [i for i, x in enumerate(numbers) if not math.isfinite(x) and not (gaps and _missing(entries[i]))]
    if not wrong:
        return np.array(numbers, dtype=np.float64)
    first = next((i for i in wrong if not _missing(entries[i])), wrong[0])
    entry, where = entries[first], f"{path}, line {lines[first]}, column {name!r}"
    rest = f" ({len(wrong)} such rows)" if len(wrong) > 1 else ""
    if not entry:
        raise ValuesError(f"{where}: it is empty{rest}")
    hint = next((text for pattern, text in _HINTS if re.fullmatch(pattern, entry)), "")
    if hint:
        raise ValuesError(f"{where}: {entry!r} is no number{rest}: {hint}")
    if len(wrong) == len(numbers) and not _missing(entry):
        raise ValuesError(f"{where}: {entry!r} is no number, nor is any other: encode categories as numbers")
    raise ValuesError(f"{where}: {entry!r} is no finite number{rest}")


def _number(entry: str) -> float:
    try:
        return float(entry) if "_" not in entry else math.nan  # Python reads 1_000 as a number, nobody else does
    except ValueError:
        return math.nan


def _missing(entry: str) -> bool:
    return entry.lower() in _MISSING
