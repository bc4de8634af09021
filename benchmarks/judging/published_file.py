"""The file format of published numbers: a CSV of cells and, beside it, a TOML file that says what they are.

The CSV has one row a published cell. Its columns ``query`` and ``model`` hold the paper's own names; the names in the
braces of the TOML's ``dataset`` are columns too (``dataset = "dcm/{scm}/{kind}"`` needs ``scm`` and ``kind``). A cell
is given as a box, ``q1,median,q3`` (with ``whisker_low,whisker_high,outliers`` where they are known, the last separated
by spaces), or as moments, ``mean,sd``. A column ``n`` gives the runs behind a cell. All numbers are plain: a factor
that the paper displays goes into ``scale``. They may be zero or negative. Lower is better, unless a query
says otherwise.

The TOML has::

    title = "…"                       # what the numbers are
    protocol = "paper"                # the evaluation protocol they were made with
    dataset = "dcm/{scm}/{kind}"      # our name of the dataset
    scale = 100                       # tables show numbers times this
    sd = "population"                 # or "sample": which standard deviation (moments only)
    how = "…"                         # how the numbers were read
    notes = ["…"]                     # what a reader must know
    [source]                          # title, authors, year, url; venue where there is one
    [n]                               # runs behind a cell, by dataset pattern: "dcm/chain/*" = 10
    origin = "published"              # or "authors' code": numbers that we measured with it
    [queries]                         # obs_mmd = { query = "observational", metric = "mmd", label = "…" }; also
                                      # higher_is_better = true (an accuracy), tolerance = 0.002 (a difference of no
                                      # matter, in the CSV's units: see rule.py)
    [models]                          # dcm = { model = "dcm", variant = "reference", label = "DCM" }
"""

from __future__ import annotations

import csv
import math
import string
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pandas as pd
from scmbench.datasets import UserError
from scmbench.datasets.files.texts import text_of, toml_of

from .cells import CELL

BOX = ["q1", "median", "q3"]
DRAWN = ["whisker_low", "whisker_high", "outliers"]
MOMENTS = ["mean", "sd"]

ORIGINS = {"published": "paper", "authors' code": "authors' code"}
"""Where numbers are from, and what tables call them: those of a paper, and those that we measured with its code."""


CELLS, CURVE, COMPARED = "cells", "curve", "compared"
KINDS = {
    CURVE: "a curve, which is shown and judged beside the sweeps of its data sets (curves.py)",
    COMPARED: "a table to compare with, which is shown beside its data sets and never judged (compared.py)",
}
"""Other numbers on the shelves than cells, by the key ``kind`` of their TOML file."""


class PublishedError(UserError, ValueError):
    """A file of published numbers that cannot be used: the message names the file and the line or key."""


def read(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """What the TOML file at `path` says, and the cells of the CSV beside it, both checked.

    Raises `PublishedError` that names the file and the line, column or key that is wrong.
    """
    about = _about(path)
    return about, _cells(path.with_suffix(".csv"), beside(path), about)


def beside(path: Path) -> str:
    """The text of the CSV beside a TOML file. Raises `PublishedError` where it cannot be read."""
    table = path.with_suffix(".csv")
    try:
        return text_of(table, PublishedError)
    except OSError as error:
        raise PublishedError(f"{table}: cannot be read beside {path.name}: {error.strerror}") from error


def read_about(
    path: Path, needed: Mapping[str, type], also: Mapping[str, type], *, kind: str = CELLS
) -> dict[str, Any]:
    """What a TOML file of this `kind` says: the keys `needed`, perhaps those of `also`, no others, and its source.

    Raises `PublishedError` that names the file and the key.
    """
    about = toml_of(text_of(path, PublishedError), path, PublishedError)
    found = about.get("kind", CELLS)
    if found != kind and isinstance(found, str) and found in KINDS:
        raise PublishedError(f"{path} is {KINDS[found]}; no suite names it")
    if found != kind:
        raise PublishedError(f"{path}: kind must be {kind!r}, found {found!r}")
    parts = {"title": str, "source": dict, **needed}
    need(path, about, parts, also={"how": str, "notes": list, "kind": str, **also})
    cited = {"title": str, "authors": list, "year": int, "url": str}
    need(path, about["source"], cited | {key: str for key in about["source"] if key not in cited}, "source.")
    return about


def need(
    path: Path, table: Any, keys: Mapping[str, type], where: str = "", also: Mapping[str, type] | None = None
) -> None:
    """Raise `PublishedError` unless `table` has the `keys`, of these types; with `also`, maybe these, no others."""
    if not isinstance(table, dict):
        raise PublishedError(f"{path}: {where.rstrip('.')} must be a table, found {table!r}")
    for key, expected in {**keys, **{k: v for k, v in (also or {}).items() if k in table}}.items():
        if not isinstance(table.get(key), expected):
            raise PublishedError(f"{path}: {where}{key} must be a {expected.__name__}, found {table.get(key)!r}")
        if expected is list and (wrong := [x for x in table[key] if not isinstance(x, str)]):
            raise PublishedError(f"{path}: {where}{key} must hold texts, found {wrong[0]!r}")
    if also is not None and (unknown := sorted(set(table) - {*keys, *also})):
        at = f"{where.rstrip('.')}: " if where else ""
        raise PublishedError(f"{path}: {at}unknown key(s) {unknown}; there are {sorted({*keys, *also})}")


def citation(source: Mapping[str, Any]) -> str:
    """Authors, year, title, venue and address of a source."""
    venue = [f"{source['venue']}."] if "venue" in source else []
    return " ".join([", ".join(source["authors"]), f"({source['year']}). {source['title']}.", *venue, source["url"]])


def _about(path: Path) -> dict[str, Any]:
    parts = {"protocol": str, "dataset": str, "queries": dict, "models": dict}
    about = read_about(path, parts, {"n": dict, "sd": str, "origin": str, "scale": object})
    for name, query in about["queries"].items():
        more = {"label": str, "higher_is_better": object, "tolerance": object}
        need(path, query, {"query": str, "metric": str}, f"queries.{name}.", also=more)
        if not isinstance(query.get("higher_is_better", False), bool):
            raise PublishedError(f"{path}: queries.{name}.higher_is_better must be true or false")
        if not _is_positive(query.get("tolerance", 1.0)):
            found = query["tolerance"]
            raise PublishedError(f"{path}: queries.{name}.tolerance must be a positive number, found {found!r}")
    for name, model in about["models"].items():
        need(path, model, {"model": str}, f"models.{name}.", also={"variant": str, "label": str})
    if about.get("sd", "population") not in ("population", "sample"):
        raise PublishedError(f"{path}: sd must be 'population' or 'sample', found {about['sd']!r}")
    if about.get("origin", "published") not in ORIGINS:
        raise PublishedError(f"{path}: origin must be one of {list(ORIGINS)}, found {about['origin']!r}")
    scale = about.get("scale", 1)
    if not _is_positive(scale):
        raise PublishedError(f"{path}: scale must be a positive number, found {scale!r}")
    return about


def _parts(template: str, path: Path) -> list[str]:
    """The names in the braces of ``dataset``."""
    try:
        found = list(string.Formatter().parse(template))
    except ValueError as error:
        raise PublishedError(f"{path}: dataset = {template!r}: {error}") from None
    for _, name, form, conversion in found:
        if name is not None and (not name.isidentifier() or form or conversion):
            raise PublishedError(f"{path}: dataset = {template!r}: write the name of a column in the braces")
    return [name for _, name, _, _ in found if name]


def _is_positive(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool) and 0 < x <= sys.float_info.max


def _cells(path: Path, text: str, about: dict[str, Any]) -> pd.DataFrame:
    reader = csv.DictReader(text.splitlines())
    try:
        columns = list(reader.fieldnames or [])
    except csv.Error as error:
        raise PublishedError(f"{path}, line 1: {error}") from None
    parts = _parts(about["dataset"], path.with_suffix(".toml"))
    keys = [*parts, "query", "model"]
    if missing := [c for c in keys if c not in columns]:
        raise PublishedError(f"{path}, line 1: missing column(s) {missing}; there are {columns}")
    if unknown := [c for c in columns if c not in {*keys, "n", *BOX, *DRAWN, *MOMENTS}]:
        raise PublishedError(f"{path}, line 1: unknown column(s) {unknown}")
    forms = [form for form in (BOX, MOMENTS) if all(c in columns for c in form)]
    if not forms:
        raise PublishedError(f"{path}, line 1: needs the columns {BOX} or {MOMENTS}; there are {columns}")
    found: dict[tuple[str, ...], int] = {}
    table = []
    for row in _rows(reader, path):
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise PublishedError(f"{where}: expected {len(columns)} fields, as in line 1")
        cell = _cell(where, row, about, parts, forms)
        key = tuple(cell[c] for c in CELL)
        if key in found:
            raise PublishedError(f"{where}: the same cell as line {found[key]}: {' '.join(key)}")
        found[key] = reader.line_num
        table.append(cell)
    if not table:
        raise PublishedError(f"{path}: holds no cell")
    return pd.DataFrame(table)


def _rows(reader: csv.DictReader, path: Path) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise PublishedError(f"{path}, line {reader.line_num}: {error}") from None


def _cell(where: str, row: dict[str, str], about: dict[str, Any], parts: list[str], forms: list[list[str]]) -> dict:
    for column, table in (("query", "queries"), ("model", "models")):
        if row[column] not in about[table]:
            raise PublishedError(f"{where}, column {column}: {row[column]!r} is not in [{table}] of the TOML file")
    query, model = about["queries"][row["query"]], about["models"][row["model"]]
    cell: dict[str, Any] = {
        "dataset": about["dataset"].format(**{p: row[p] for p in parts}),
        "query": query["query"],
        "metric": query["metric"],
        "model": model["model"],
        "variant": model.get("variant", ""),
    }
    given = [form for form in forms if any(row[c].strip() for c in form)]
    if len(given) != 1:
        raise PublishedError(f"{where}: give either {BOX} or {MOMENTS} in a row")
    box = given[0] is BOX
    cell["form"] = "box" if box else "moments"
    cell["n"] = _runs(where, row, about, cell["dataset"])
    for column in ["whisker_low", *BOX, "whisker_high", *MOMENTS]:
        wanted = column in given[0] or (box and column in DRAWN and bool(row.get(column, "").strip()))
        cell[column] = _number(where, column, row[column]) if wanted else math.nan
    outliers = row.get("outliers", "").split() if box else []
    cell["tolerance"] = float(query.get("tolerance", math.nan))
    cell["higher_is_better"] = query.get("higher_is_better", False)
    cell["outliers"] = tuple(_number(where, "outliers", x) for x in outliers)
    drawn = [cell[c] for c in ["whisker_low", *BOX, "whisker_high"] if not math.isnan(cell[c])]
    if drawn != sorted(drawn):
        raise PublishedError(f"{where}: whisker_low <= q1 <= median <= q3 <= whisker_high does not hold: {drawn}")
    if cell["sd"] < 0:
        raise PublishedError(f"{where}, column sd: {cell['sd']} is negative")
    if about.get("sd", "population") == "population":
        cell["sd"] *= math.sqrt(cell["n"] / (cell["n"] - 1))
    return cell


def _number(where: str, column: str, text: str) -> float:
    try:
        x = float(text)
    except ValueError:
        raise PublishedError(f"{where}, column {column}: {text!r} is not a number") from None
    if not math.isfinite(x):
        raise PublishedError(f"{where}, column {column}: {text!r} is not finite")
    return x


def _runs(where: str, row: dict[str, str], about: dict[str, Any], dataset: str) -> int:
    patterns = about.get("n", {})
    n: Any = row.get("n", "").strip() or next((v for k, v in patterns.items() if fnmatchcase(dataset, k)), None)
    if n is None:
        raise PublishedError(f"{where}: no n for {dataset}: add a column n, or a pattern under [n] of the TOML file")
    x = _number(where, "n", str(n))
    if x != int(x) or x < 2:
        raise PublishedError(f"{where}: n = {n} for {dataset}; expected a whole number of at least 2 runs")
    return int(x)
