"""Published tables to compare with: shown beside ours, and never judged, because definitions differ in detail.

The CSV has a line a number: ``score,model,value,sd`` (`sd` may be empty). The TOML has::

    kind = "compared"
    title = "…"                       # what it shows
    datasets = ["image/morpho*"]      # patterns of the data sets of ours that it stands beside
    how = "…"                         # what differs
    notes = ["…"]
    [source]                          # as in published_file.py
    [models]                          # vae = "VAE": the CSV's names and the paper's
    [scores]                          # fid = { label = "…", query = "…", metric = "…", node = "…", times = 255,
                                      # one_minus = true }: ours, of the node that is set, in the paper's unit
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .methods import Method
from .published import located, names
from .published_file import COMPARED, PublishedError, citation, need, read_about
from .published_file import beside as beside_file

WORD = "compare"
"""What stands in the place of a verdict."""

_NEEDED: dict[str, type] = {"datasets": list, "models": dict, "scores": dict}
_COLUMNS = ["score", "model", "value", "sd"]


@dataclass(frozen=True)
class Compared:
    """A published table.

    `cells` has the columns ``score, model, value, sd``; `models` names the paper's methods, `scores` says for each
    score which of ours it is.
    """

    name: str
    title: str
    datasets: Sequence[str]
    models: Mapping[str, str]
    scores: Mapping[str, Mapping[str, Any]]
    source: Mapping[str, Any]
    cells: pd.DataFrame = field(repr=False)
    how: str = ""
    notes: tuple[str, ...] = ()

    def cite(self) -> str:
        """Where it is from."""
        return citation(self.source)

    def theirs(self, score: str, model: str) -> tuple[float, float]:
        """Value and sd of a cell; NaN where there is none."""
        cell = self.cells[(self.cells["score"] == score) & (self.cells["model"] == model)]
        return (float(cell["value"].iloc[0]), float(cell["sd"].iloc[0])) if len(cell) else (math.nan, math.nan)

    def ours(self, rows: pd.DataFrame, dataset: str, score: str) -> dict[Method, float]:
        """Our scores of the same name in the paper's unit, by method: mean over values, median over seeds.

        `rows` are those of `Results`.
        """
        about = self.scores[score]
        part = rows[(rows["dataset"] == dataset) & (rows["query"] == about["query"])]
        part = part[(part["metric"] == about["metric"]) & np.isfinite(part["score"].to_numpy(dtype=float))]
        if "node" in about:
            part = part[part["node"] == about["node"]]
        part = part.assign(variant=part["variant"].fillna(""))
        seeds = part.groupby(["model", "variant", "seed"], sort=False)["score"].mean()
        found = seeds.groupby(["model", "variant"], sort=False).median()
        in_unit = about.get("times", 1) * (1 - found if about.get("one_minus") else found)
        return {(str(m), str(v)): float(x) for (m, v), x in in_unit.items()}  # type: ignore[misc]


def beside(dataset: str) -> list[Compared]:
    """The published tables that stand beside this data set."""
    return [c for c in map(load, names(COMPARED)) if any(fnmatchcase(dataset, pattern) for pattern in c.datasets)]


def load(name: str | Path) -> Compared:
    """The table called `name`, or that at a path to its TOML file.

    Raises `PublishedError` that names the file and the line or key that is wrong.
    """
    with located(name, "table", COMPARED) as path:
        return _load(path)


def _load(path: Path) -> Compared:
    about = read_about(path, _NEEDED, {}, kind=COMPARED)
    need(path, about["models"], dict.fromkeys(about["models"], str), "models.")
    for name, score in about["scores"].items():
        more = {"node": str, "times": int, "one_minus": bool}
        need(path, score, {"label": str, "query": str, "metric": str}, f"scores.{name}.", also=more)
    return Compared(
        name=path.stem,
        cells=_cells(path, about),
        how=" ".join(about.get("how", "").split()),
        notes=tuple(about.get("notes", ())),
        **{k: about[k] for k in ("title", "datasets", "models", "scores", "source")},
    )


def _cells(path: Path, about: Mapping[str, Any]) -> pd.DataFrame:
    reader, path = csv.DictReader(beside_file(path).splitlines()), path.with_suffix(".csv")
    if list(reader.fieldnames or []) != _COLUMNS:
        raise PublishedError(f"{path}, line 1: expected the columns {_COLUMNS}, found {reader.fieldnames or []}")
    cells: dict[tuple[str, str], list[float]] = {}
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise PublishedError(f"{where}: expected {len(_COLUMNS)} fields")
        for column, table in (("score", "scores"), ("model", "models")):
            if row[column] not in about[table]:
                raise PublishedError(f"{where}: {row[column]!r} is not in [{table}] of the TOML file")
        if (row["score"], row["model"]) in cells:
            raise PublishedError(f"{where}: the cell {row['score']} {row['model']} is there twice")
        try:
            numbers = [float(row["value"]), float(row["sd"] or "nan")]
        except ValueError:
            raise PublishedError(f"{where}: {row['value']!r} or {row['sd']!r} is no number") from None
        if not math.isfinite(numbers[0]):
            raise PublishedError(f"{where}: {row['value']!r} is not finite")
        cells[row["score"], row["model"]] = numbers
    return pd.DataFrame([(*key, *numbers) for key, numbers in cells.items()], columns=_COLUMNS)
