"""One's own table from a file: CSV and its relatives, or Parquet; complaints name file, line and column."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..values import ValuesError

PARQUET = {".parquet", ".pq"}
_WHOLE = re.compile(r"[+-]?\d{1,18}")


def read_table(path: Path | str, nodes: Iterable[str], *, real: bool = False) -> pd.DataFrame:
    """The columns of `nodes` (``name``, or ``name[0], name[1], …`` for a vector) in a file, as numbers.

    Parquet by its suffix (``.parquet``, ``.pq``), else text with a header line and commas, semicolons or tabs. A column
    of whole numbers becomes int64, unless `real`. Raises `ValuesError` that names the file, and the line and column
    where there are some: missing or unreadable files, missing or doubled columns, rows of another length than the
    header, entries that are empty, not finite or no number.
    """
    path, nodes = Path(path), list(nodes)
    read = _read_parquet if path.suffix.lower() in PARQUET else _read_text
    try:
        frame = read(path, nodes)
    except FileNotFoundError:
        raise ValuesError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValuesError(f"{path} cannot be read: {error}") from None
    if not len(frame):
        raise ValuesError(f"{path} has columns and no rows")
    return frame.astype("float64") if real else frame


def _read_text(path: Path, nodes: Sequence[str]) -> pd.DataFrame:
    with path.open(newline="", encoding="utf-8-sig") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=first.count)
        rows = csv.reader(file, delimiter=delimiter)
        header = [name.strip() for name in next(rows, [])]
        chosen = _columns(path, header, nodes)
        entries: list[list[str]] = []
        lines: list[int] = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise ValuesError(f"{path}, line {rows.line_num}: {len(row)} entries; the header has {len(header)}")
            entries.append([row[j].strip() for j in chosen.values()])
            lines.append(rows.line_num)
    columns = zip(*entries, strict=True) if entries else [()] * len(chosen)
    return pd.DataFrame({name: _numbers(path, name, c, lines) for name, c in zip(chosen, columns, strict=True)})


def _columns(path: Path, header: Sequence[str], nodes: Sequence[str]) -> dict[str, int]:
    """Where the needed columns stand; the first complaint about those that are not there, or there twice."""
    if not any(header):
        raise ValuesError(f"{path}, line 1: no header; expected the names of the columns")
    chosen: dict[str, int] = {}
    for node in nodes:
        vector = [name for name in header if name.startswith(f"{node}[") and name.endswith("]")]
        names = [node] if node in header else vector
        if not names:
            raise ValuesError(f"{path} has no column {node!r}, which the graph has; its columns are {list(header)}")
        for name in names:
            if header.count(name) > 1:
                raise ValuesError(f"{path} has the column {name!r} {header.count(name)} times")
            chosen[name] = header.index(name)
    return chosen


def _numbers(path: Path, name: str, entries: Sequence[str], lines: Sequence[int]) -> np.ndarray:
    """A column as int64 where every entry is a whole number, else float64."""
    if all(_WHOLE.fullmatch(entry) for entry in entries):
        return np.array([int(entry) for entry in entries], dtype=np.int64)
    numbers = [_number(entry) for entry in entries]
    wrong = [i for i, number in enumerate(numbers) if not math.isfinite(number)]
    if wrong:
        where = f"{path}, line {lines[wrong[0]]}, column {name!r}"
        entry = entries[wrong[0]]
        if len(wrong) == len(numbers) and entry:
            raise ValuesError(f"{where}: {entry!r} is no number, nor is any other: encode categories as numbers")
        rest = f" ({len(wrong)} such rows)" if len(wrong) > 1 else ""
        raise ValuesError(f"{where}: " + (f"{entry!r} is no finite number{rest}" if entry else f"it is empty{rest}"))
    return np.array(numbers, dtype=np.float64)


def _number(entry: str) -> float:
    try:
        return float(entry) if "_" not in entry else math.nan  # Python reads 1_000 as a number, nobody else does
    except ValueError:
        return math.nan


def _read_parquet(path: Path, nodes: Sequence[str]) -> pd.DataFrame:
    try:
        import pyarrow
    except ImportError:
        raise ValuesError(
            f"{path}: reading Parquet needs the package pyarrow: pip install 'scmbench[parquet]'"
        ) from None
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except pyarrow.ArrowException as error:
        raise ValuesError(f"{path} is not Parquet: {str(error).splitlines()[0]}") from None
    names = [str(name) for name in frame.columns]
    frame = frame.set_axis(names, axis=1)[list(_columns(path, names, nodes))]
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            raise ValuesError(f"{path}, column {name!r}: it is {column.dtype}, not numeric: encode it as numbers")
        bad = ~np.isfinite(column.to_numpy(dtype="float64", na_value=np.nan))
        if bad.any():
            rest = f" ({bad.sum()} such rows)" if bad.sum() > 1 else ""
            raise ValuesError(f"{path}, row {int(bad.argmax())}, column {name!r}: no finite number{rest}")
        frame[name] = column.astype("int64" if pd.api.types.is_integer_dtype(column) else "float64")
    return frame
