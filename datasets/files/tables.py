"""One's own table from a file: CSV and its relatives, or Parquet; complaints name file, line and column."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..values import ValuesError, columns_of, from_frame, to_frame
from .entries import is_number, to_column, with_points

PARQUET = {".parquet", ".pq"}


def read_table(path: Path | str, nodes: Iterable[str], *, real: bool = False, gaps: bool = False) -> pd.DataFrame:
    """The columns of `nodes` (``name``, or ``name[0], name[1], …`` for a vector) in a file, as numbers or labels.

    Parquet by its suffix (``.parquet``, ``.pq``), else text with a header line and commas, semicolons or tabs; between
    the latter two, numbers may have decimal commas (see `entries.with_points`; ``frame.attrs["notes"]`` says so). A
    column of whole numbers becomes int64, unless `real`; truth values are booleans, other words (of Parquet: text and
    pandas categories) a category. With `gaps`, a column may be missing, and entries may be empty or ``NA``, which are
    missing then. Raises `ValuesError` that names the file, and the line and column where there are some: missing or
    unreadable files, missing or doubled columns, rows of another length than the header, entries that are empty, not
    finite, or neither like numbers nor like words.
    """
    return OwnTable.read(path, nodes).values(real=real, gaps=gaps)


@dataclass
class OwnTable:
    """A file's columns, apart: those of the graph's nodes, and the others as they stand there (ids, notes)."""

    path: Path
    header: list[str]
    columns: dict[str, Sequence[str]] | pd.DataFrame
    lines: Sequence[int]
    nodes: list[str]
    delimiter: str = ","

    @classmethod
    def read(cls, path: Path | str, nodes: Iterable[str]) -> OwnTable:
        """Read a file for a graph of these nodes, which also settle what separates its columns."""
        path, nodes = Path(path), list(nodes)
        read = _read_parquet if path.suffix.lower() in PARQUET else _read_text
        try:
            header, columns, lines, delimiter = read(path, nodes)
            table = cls(path, header, columns, lines, nodes, delimiter)
        except FileNotFoundError:
            raise ValuesError(f"{path}: there is no such file") from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ValuesError(f"{path} cannot be read: {error}") from None
        if not len(table.lines):
            raise ValuesError(f"{path} has columns and no rows")
        return table

    def values(self, *, real: bool = False, gaps: bool = False) -> pd.DataFrame:
        """The nodes' columns; `real`, `gaps` and what is raised are those of `read_table`."""
        notes: list[str] = []
        chosen = [name for node in self.nodes for name in self._names(node, gaps=gaps)]
        if isinstance(self.columns, pd.DataFrame):
            frame = self._typed(self.columns[chosen], gaps=gaps)
        else:
            texts: Mapping[str, Sequence[str]] = {v: self.columns[v] for v in chosen}
            if self.delimiter != ",":
                texts, notes = with_points(self.path, texts, self.lines)
            frame = pd.DataFrame(
                {v: to_column(self.path, v, texts[v], self.lines, gaps=gaps) for v in chosen},
                index=pd.RangeIndex(len(self.lines)),
            )
        if real:
            whole = [name for name in frame if pd.api.types.is_integer_dtype(frame[name])]
            frame = frame.astype(dict.fromkeys(whole, "float64"))
        frame.attrs["notes"] = notes
        return frame

    def others(self) -> pd.DataFrame:
        """The columns that are no node's, as text (of Parquet: as they are), named ones only."""
        taken = {name for node in self.nodes for name in self._names(node, gaps=True)}
        names = [name for name in self.header if name and name not in taken and self.header.count(name) == 1]
        if isinstance(self.columns, pd.DataFrame):
            return self.columns[names].reset_index(drop=True)
        return pd.DataFrame({v: self.columns[v] for v in names}, index=pd.RangeIndex(len(self.lines)), dtype=object)

    def _names(self, node: str, *, gaps: bool) -> list[str]:
        """The columns of a node; the first complaint about one that is not there, or there twice."""
        names = [str(name) for name in columns_of(pd.DataFrame(columns=pd.Index(self.header)), node)]
        if not names and not gaps:
            raise ValuesError(f"{self.path} has no column {node!r}, which the graph has; {_shown(self.header, node)}")
        for name in names:
            if self.header.count(name) > 1:
                raise ValuesError(f"{self.path} has the column {name!r} {self.header.count(name)} times")
        return names

    def _typed(self, frame: pd.DataFrame, *, gaps: bool) -> pd.DataFrame:
        done = {}
        for name in frame:
            column = frame[name]
            if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean":
                column = column.astype("boolean")  # how truth values come back where some are missing
            missing = column.isna().to_numpy()
            if _labelled(column):
                if missing.any() and not gaps:
                    raise ValuesError(f"{self.path}, row {int(missing.argmax())}, column {name!r}: it is empty")
                text = not isinstance(column.dtype, pd.CategoricalDtype) and not pd.api.types.is_bool_dtype(column)
                if text and any(is_number(str(entry)) for entry in column.dropna()):
                    raise ValuesError(f"{self.path}, column {name!r}: it holds numbers as text: store them as numbers")
                done[name] = column.astype("category") if text else column
                continue
            if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
                missing = missing | ~np.isfinite(column.to_numpy(dtype="float64", na_value=np.nan))
                if missing.any() and not (gaps and column.isna().to_numpy()[missing].all()):
                    rest = f" ({missing.sum()} such rows)" if missing.sum() > 1 else ""
                    where = f"{self.path}, row {int(missing.argmax())}, column {name!r}"
                    raise ValuesError(f"{where}: no finite number{rest}")
            if missing.any():
                done[name] = column.to_numpy(dtype="float64", na_value=np.nan)
                continue
            try:
                done[name] = to_frame(from_frame(column.to_frame(), [str(name)]))[name]
            except ValuesError as error:
                why = str(error).replace(f"column {name!r} ", f"column {name!r}: it ", 1)
                raise ValuesError(f"{self.path}, {why}") from None
        return pd.DataFrame(done)


def _labelled(column: pd.Series) -> bool:
    """Whether a column holds truth values, text or a category."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return True
    present = [] if pd.api.types.is_numeric_dtype(column) else column.dropna().tolist()
    return bool(present) and all(isinstance(v, str) for v in present)


def table_columns(path: Path | str) -> list[str]:
    """The names of a file's columns, by whatever separates most of them. Raises `ValuesError` as `read_table`."""
    path = Path(path)
    try:
        if path.suffix.lower() in PARQUET:
            return _read_parquet(path, [])[0]
        with path.open(newline="", encoding="utf-8-sig") as file:
            start = file.readline()
            file.seek(0)
            return [name.strip() for name in next(csv.reader(file, delimiter=_delimiter(start, [])), [])]
    except FileNotFoundError:
        raise ValuesError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValuesError(f"{path} cannot be read: {error}") from None


def _read_text(path: Path, nodes: Sequence[str]) -> tuple[list[str], dict[str, Sequence[str]], list[int], str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        start = file.readline()
        file.seek(0)
        delimiter = _delimiter(start, nodes)
        reader = csv.reader(file, delimiter=delimiter)
        header = [_as_node(name.strip(), nodes) for name in next(reader, [])]
        if not any(header):
            raise ValuesError(f"{path}, line 1: no header; expected the names of the columns")
        if start.startswith("#") and not set(header) & set(nodes):
            shown = start.strip()[:40]
            raise ValuesError(f"{path}, line 1: {shown!r} looks like a comment; the first line has to name the columns")
        entries: list[list[str]] = []
        lines: list[int] = []
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise ValuesError(f"{path}, line {reader.line_num}: {len(row)} entries; the header has {len(header)}")
            entries.append([entry.strip() for entry in row])
            lines.append(reader.line_num)
    columns = zip(*entries, strict=True) if entries else [()] * len(header)
    return header, dict(zip(header, columns, strict=True)), lines, delimiter


def _as_node(name: str, nodes: Sequence[str]) -> str:
    """A column's name; without the apostrophe that keeps a spreadsheet from running it, where that is a node's name."""
    return name[1:] if name.startswith("'") and name not in nodes and name[1:] in nodes else name


def _delimiter(start: str, nodes: Sequence[str]) -> str:
    """What separates the header: the one by which most nodes are columns, then the one that makes most of them."""

    def score(delimiter: str) -> tuple[int, int]:
        names = [name.strip() for name in next(csv.reader([start], delimiter=delimiter), [])]
        return len(set(names) & set(nodes)), len(names)

    return max(",;\t", key=score)


def _shown(header: Sequence[str], node: str) -> str:
    """The columns there are, and what may separate them."""
    only = header[0] if len(header) == 1 else ""
    if node in only:
        other = "'|'" if "|" in only else "blanks"
        return f"its header is {only!r}: does it have {other} between columns? commas, semicolons and tabs are read"
    return f"its columns are {list(header)}"


def _read_parquet(path: Path, nodes: Sequence[str]) -> tuple[list[str], pd.DataFrame, range, str]:
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
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    header = [str(name) for name in frame.columns]
    return header, frame.set_axis(header, axis=1), range(len(frame)), ","
