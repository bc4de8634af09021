"""Everything in a store or a committed run as plain tables: read off files, with no code that made it imported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from scmbench.datasets.errors import UserError
from scmbench.datasets.files.whole import replace_with, staged

from ..judging.cells import text_columns
from ..judging.notes import notes_of
from .record import Record
from .results import EXAMPLES, PICTURES, ROWS, Results, gather
from .spreadsheet import to_csv
from .store import Store

Format = Literal["csv", "parquet"]

WHOSE = ["dataset", "model", "variant", "seed"]
"""What names a record within a suite; with `key`, the first columns of every table."""

NOTES = ["query", "status", "message"]

_HERE_ALONE = ["suite", "stale", "taken", "notes"]
"""Columns of a provenance about today's code or another table."""


class ExportError(UserError, RuntimeError):
    """Tables that cannot be written as they were asked for; the message says what to do."""


def of_store(store: Store) -> dict[str, pd.DataFrame]:
    """The tables of all records in a store (see `of_run`).

    A record has no label, which is a suite's affair: ``model`` is its name in the registry or its
    ``package.module:Class``. ``records`` also has the rest of its identity: ``options`` and ``metric_versions`` as
    JSON, the versions, the protocol, and ``source``, the digest of code from outside. A file that cannot be read is
    named in `Store.refused`.
    """
    records = list(store.find(store.there()))
    results = gather([(record, record.identity.model) for record in records], suite="")
    identities = pd.DataFrame([_identity(record) for record in records])
    tables = of_run(results, keys=[record.identity.key for record in records], counts=_counts(records))
    own = ["key", *(name for name in identities.columns if name not in WHOSE and name != "key")] if records else []
    told = tables["records"].drop(columns=own[1:], errors="ignore")  # a method's own cost may be called anything
    return {**tables, "records": told.merge(identities[own], on="key")} if records else tables


def of_run(
    results: Results, *, keys: Sequence[str] = (), counts: Mapping[str, Sequence[int]] | None = None
) -> dict[str, pd.DataFrame]:
    """The tables of a run, each with ``key`` and `WHOSE` first, by name.

    ``records``, a line a record: what became of it, where it was computed and what it cost. ``scores``, a line a score:
    of a store by value that was set, of a committed run their averages. ``notes``, a line a query without a score or
    with one to be doubted. ``examples``, some answers; ``pictures``, some images as base64 of PNGs, where there are
    any. `keys` of the records and the `counts` of their lines in each frame say whose lines are whose; without them a
    line's record is found by `WHOSE`.
    """
    provenance = text_columns(results.provenance, WHOSE[:3])
    provenance = provenance.assign(key=list(keys) or text_columns(provenance, ["key"])["key"])
    frames = {"scores": (results.rows, ROWS), "examples": (results.examples, EXAMPLES)}
    frames |= {"pictures": (results.pictures, PICTURES)} if len(results.pictures) else {}
    tables = {"records": _ordered(provenance.drop(columns=_HERE_ALONE, errors="ignore"))}
    for name, (frame, columns) in frames.items():
        lines = text_columns(frame[columns], WHOSE[:3])
        if counts is None:
            lines = lines.merge(provenance[["key", *WHOSE]], on=WHOSE, how="left")
        else:
            lines["key"] = [key for key, n in zip(keys, counts[name], strict=True) for _ in range(n)]
        tables[name] = _ordered(lines.drop(columns=["suite", "problem", "kind"], errors="ignore"))
    noted = [
        [r[c] for c in ("key", *WHOSE)] + [getattr(n, c) for c in NOTES]
        for r in provenance.to_dict("records")
        for n in notes_of(r)
    ]
    tables["notes"] = pd.DataFrame(noted, columns=["key", *WHOSE, *NOTES])
    return tables


def _identity(record: Record) -> dict[str, object]:
    plain = record.identity.to_json()
    texts = {name: json.dumps(plain[name], sort_keys=True) for name in ("options", "metric_versions")}
    return {"key": record.identity.key, **{name: plain[name] for name in plain if name != "model"}, **texts}


def _counts(records: Sequence[Record]) -> dict[str, list[int]]:
    return {name: [len(getattr(record, name)) for record in records] for name in ("scores", "examples", "pictures")}


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    first = ["key", *WHOSE]
    return table[first + [name for name in table.columns if name not in first]]


def write(tables: Mapping[str, pd.DataFrame], folder: Path, form: Format = "csv") -> list[Path]:
    """Write a file a table into a folder, all of them or none; returns where they are.

    In CSV, texts that a spreadsheet would run are defused by an apostrophe (`spreadsheet.to_csv`).

    Raises:
        ExportError: For Parquet without the package that writes it.
        OSError: Where they cannot be written.
    """
    with staged(folder) as aside:
        for name, table in tables.items():
            content = to_csv(table, lineterminator="\n") if form == "csv" else _parquet(table)
            replace_with(aside / f"{name}.{form}", content)
    return [folder / f"{name}.{form}" for name in tables]


def _parquet(table: pd.DataFrame) -> bytes:
    """A table as Parquet; a column of several types, or of numbers too large for any, is one of texts."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ExportError("writing Parquet needs the package pyarrow: pip install 'scmbench[parquet]'") from None
    plain = table.copy()
    for name in plain.columns[[pd.api.types.is_object_dtype(dtype) for dtype in plain.dtypes]]:
        column = plain[name]
        if {type(x) for x in column[column.notna()]} not in ({str}, {bool}):
            plain[name] = [None if missing else str(x) for x, missing in zip(column, column.isna(), strict=True)]
    return plain.to_parquet(engine="pyarrow", index=False)
