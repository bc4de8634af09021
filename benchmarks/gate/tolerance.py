"""Tolerances of the gate: how far harmless variation moves a cell, times a safety factor; measured, written, read.

`measure` speaks of cells, `pooled.py` of the drift of a method; both kinds live in files of one form, which are written
and read here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scmbench.datasets.files.texts import json_of
from scmbench.datasets.files.whole import replace_with

from ..judging.cells import CELL, text_columns
from ..records.committed import ENVIRONMENT, CommittedError
from ..records.results import Results
from ..records.spreadsheet import read_again, to_csv
from . import pooled
from .moves import moves
from .variation import JITTER

FACTOR = 3.0
"""A tolerance is this times the largest move that was measured.

Moves have heavy tails: a jitter of 1e-7 mostly does nothing to boosted trees and now and then flips a split. The
factor makes up for what so few runs did not show.
"""

FLOOR = 1e-3
"""The least tolerance: papers print three digits, so that a move of a thousandth changes no published number."""

TABLE, POOLED, ABOUT, CLEAN = "tolerances.csv", "pooled.csv", "tolerances.json", "clean_runs.csv"

_ROUNDED = 0.01
"""Files keep three digits: a tolerance and the moves it comes from agree to this."""


@dataclass(frozen=True)
class Tolerances:
    """What cells (``CELL + [tolerance]``) and drifts (``pooled.KEYS + [tolerance]``) may move.

    Columns that follow are what was measured: the largest |move| of a cell, or the drift of a group, in each run.
    """

    cells: pd.DataFrame
    pooled: pd.DataFrame

    def without(self, methods: Collection[tuple[str, str]]) -> Tolerances:
        """All but those of the methods ``(model, variant)``."""
        kept = [
            table[np.array([pair not in methods for pair in zip(table["model"], table["variant"], strict=True)], bool)]
            for table in (self.cells, self.pooled)
        ]
        return Tolerances(*kept)


def measure(committed: pd.DataFrame, runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tolerances from `runs` under harmless variations: ``CELL + [tolerance]``, then the largest |move| in each run.

    All are scores of `cells.seed_scores`. Raises `ValueError` for a run that lacks a score of the committed one: what
    fails under a harmless variation is not ready to be gated.
    """
    columns = {}
    for name, scores in runs.items():
        moved = moves(scores, committed)
        if (lacking := moved[moved["move"].isna()]).size:
            raise ValueError(f"the run {name!r} lacks {len(lacking)} score(s), first {_cell(lacking.iloc[0])}")
        columns[name] = moved["move"].abs().groupby([moved[c] for c in CELL], sort=False).max()
    table = pd.DataFrame(columns)
    table.insert(0, "tolerance", np.maximum(FLOOR, FACTOR * table.max(axis=1)))
    return table.reset_index()


def _cell(line: pd.Series) -> str:
    return " ".join(str(line[c]) for c in [*CELL, "seed"] if line[c] != "")


def lacking(before: pd.DataFrame, cells: pd.DataFrame) -> list[tuple[str, str]]:
    """Methods ``(model, variant)`` with a committed cell that has no tolerance."""
    both = before[CELL].drop_duplicates().merge(cells[[*CELL, "tolerance"]], on=CELL, how="left")
    gone = both[both["tolerance"].isna()]
    return list(dict.fromkeys(zip(gone["model"], gone["variant"], strict=True)))


def extended(old: pd.DataFrame, new: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Cells of `old` that are still committed keep what was measured; the others come from `new`."""
    wanted = before[CELL].drop_duplicates()
    kept = old.merge(wanted, on=CELL)
    fresh = new.merge(kept[CELL], on=CELL, how="left", indicator=True)
    fresh = fresh[fresh["_merge"] == "left_only"].drop(columns="_merge")
    table = pd.concat([part for part in (kept, fresh) if len(part)] or [kept], ignore_index=True)
    return table.sort_values(CELL, ignore_index=True)


def drifting(
    cells: pd.DataFrame, before: pd.DataFrame, old: pd.DataFrame, runs: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Tolerances of the drift of every committed group: measured in `runs`, else kept from `old`, else bounded.

    `runs` are scores of harmless runs, of all methods or some. A line of `old` is kept while its group has as many
    moves as when it was measured.
    """
    parts = []
    if runs:
        committed = before.merge(next(iter(runs.values()))[CELL].drop_duplicates(), on=CELL)
        moved = {name: moves(scores, committed) for name, scores in runs.items()}
        parts.append(pooled.measure(moved, cells, FACTOR))
    parts.append(old[old["how"] == pooled.MEASURED])
    parts.append(pooled.bounded(cells, before, FACTOR))
    sizes = before.groupby(pooled.GROUP, sort=False).size().rename("moves").reset_index()
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).merge(
        sizes, on=[*pooled.GROUP, "moves"]
    )
    table = table.drop_duplicates(pooled.GROUP).sort_values(pooled.GROUP, ignore_index=True)
    first = [*pooled.KEYS, "tolerance"]
    return table[[*first, *(c for c in table if c not in first)]]


def write(
    folder: Path, found: Tolerances, clean: pd.DataFrame, runs: Mapping[str, Results], *, anew: bool = True
) -> None:
    """Write tolerances, the record of clean runs, and how both came about, into the folder of a committed run.

    Unless `anew`, the record and the story go on from what is there.
    """
    write_tables(folder, found)
    environments = pd.concat([run.provenance.reindex(columns=ENVIRONMENT) for run in runs.values()])
    methods = pd.concat([text_columns(run.provenance, ["model", "variant"]) for run in runs.values()])
    titles = {" ".join(filter(None, pair)) for pair in zip(methods["model"], methods["variant"], strict=True)}
    measurement = {
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "methods": sorted(titles),
        "runs": list(runs),
        "environments": json.loads(environments.drop_duplicates().to_json(orient="records")),
    }
    story = [] if anew else _story(folder / ABOUT)
    about = {
        "rule": f"tolerance = max({FLOOR:g}, {FACTOR:g} x the largest |move| of any seed in any of the measured runs)",
        "move": "(score - committed) / max(|committed|, median over the cell's seeds of |committed|)",
        "pooled rule": f"tolerance = max({pooled.FLOOR:g}, {FACTOR:g} x the largest |drift| in any of these runs)",
        "drift": "mean over a method's cells of a rung, and seeds, of move / tolerance of the cell",
        "bounded": "the mean of the largest |move| / tolerance of each cell, where no more than these was kept",
        "jitter": JITTER,
        "measurements": [*story, measurement],
    }
    clean = clean.assign(measured=measurement["measured"])
    if not anew and (folder / CLEAN).exists():
        clean = pd.concat([pd.read_csv(folder / CLEAN), clean], ignore_index=True)
    _write_table(folder / CLEAN, clean)
    replace_with(folder / ABOUT, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def write_tables(folder: Path, found: Tolerances) -> None:
    """Write the tolerances alone, with what was measured."""
    _write_table(folder / TABLE, found.cells)
    _write_table(folder / POOLED, found.pooled)


def _write_table(path: Path, frame: pd.DataFrame) -> None:
    replace_with(path, to_csv(frame, float_format="%.3g", lineterminator="\n"))


def _story(path: Path) -> list[dict[str, Any]]:
    """Earlier measurements. Raises `CommittedError` where the file is damaged."""
    if not path.exists():
        return []
    try:
        about = json_of(path, CommittedError)
        if "measurements" not in about:  # a file from before measurements could go on
            return [{name: about[name] for name in ("measured", "runs", "environments")}]
        return list(about["measurements"])
    except (ValueError, KeyError, TypeError) as error:
        raise CommittedError(f"{path}: no story of measurements ({error!r})") from None


def read(folder: Path) -> Tolerances:
    """The tolerances of a committed run.

    Raises `CommittedError` where they are missing or damaged, for a tolerance that is no positive finite number or is
    there twice, and for one that is not what the moves beside it give.
    """
    return Tolerances(
        _read(folder / TABLE, CELL, [], FLOOR), _read(folder / POOLED, pooled.GROUP, ["moves", "how"], pooled.FLOOR)
    )


def known(folder: Path) -> Tolerances:
    """What was measured so far; raises as `read` does, but not for a file that is not there."""

    def table(name: str, key: list[str], further: list[str], floor: float) -> pd.DataFrame:
        if not (folder / name).exists():
            return pd.DataFrame(columns=[*key, *further, "tolerance"])
        return _read(folder / name, key, further, floor)

    return Tolerances(table(TABLE, CELL, [], FLOOR), table(POOLED, pooled.GROUP, ["moves", "how"], pooled.FLOOR))


def _read(path: Path, key: Sequence[str], further: Sequence[str], floor: float) -> pd.DataFrame:
    first = [*key, *further, "tolerance"]
    try:
        texts: Any = dict.fromkeys([*key, "how"], str)
        header = pd.read_csv(path, nrows=0).columns
        missing: Any = {name: [""] for name in header if name not in texts}
        table = read_again(pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=missing))
        numbers = {name: float for name in header if name not in (*texts, "moves")}
        table = table[[*first, *(c for c in header if c not in first)]].astype(numbers)
    except FileNotFoundError:
        raise CommittedError(
            f"no tolerances: {path} is missing (scmbench committed tolerances measures and writes it)"
        ) from None
    except (ValueError, KeyError, pd.errors.ParserError) as error:
        raise CommittedError(f"{path}: not a table of tolerances ({error})") from None
    for line in table.to_dict("records"):
        where = f"{path}: {' '.join(filter(None, (line[c] for c in key)))}"
        if not (math.isfinite(line["tolerance"]) and line["tolerance"] > 0):
            raise CommittedError(f"{where}: the tolerance {line['tolerance']!r} is no positive finite number")
        measured = [abs(line[c]) for c in table.columns if c not in first and not math.isnan(line[c])]
        rule = max(floor, FACTOR * max(measured, default=0.0))
        if measured and not math.isclose(line["tolerance"], rule, rel_tol=_ROUNDED):
            raise CommittedError(f"{where}: the tolerance {line['tolerance']!r} is not {rule:.3g}, what its moves give")
    if (doubled := table.loc[table.duplicated(list(key)), list(key)]).size:
        raise CommittedError(f"{path}: {' '.join(filter(None, doubled.iloc[0]))} is there twice")
    return table
