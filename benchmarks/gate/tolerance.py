"""Tolerances of the gate: how far harmless variation moves a cell, times a safety factor; measured, written, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..judging.cells import CELL
from ..records.committed import ENVIRONMENT, CommittedError
from ..records.results import Results
from ..records.store import replace_with
from .moves import moves
from .variation import JITTER

FACTOR = 3.0
"""A tolerance is this times the largest move that was measured.

Moves have heavy tails: a jitter of 1e-7 mostly does nothing to boosted trees and now and then flips a split. The
factor makes up for what so few runs did not show.
"""

FLOOR = 1e-3
"""The least tolerance: papers print three digits, so that a move of a thousandth changes no published number."""

TABLE, ABOUT, CLEAN = "tolerances.csv", "tolerances.json", "clean_runs.csv"


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


def write(folder: Path, table: pd.DataFrame, clean: pd.DataFrame, runs: Mapping[str, Results]) -> None:
    """Write tolerances, the record of clean runs, and how both came about, into the folder of a committed run."""
    environments = pd.concat([run.provenance.reindex(columns=ENVIRONMENT) for run in runs.values()])
    about = {
        "rule": f"tolerance = max({FLOOR:g}, {FACTOR:g} x the largest |move| of any seed in any of the measured runs)",
        "move": "(score - committed) / max(|committed|, median over the cell's seeds of |committed|)",
        "jitter": JITTER,
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "runs": list(runs),
        "environments": json.loads(environments.drop_duplicates().to_json(orient="records")),
    }
    for name, frame in ((TABLE, table), (CLEAN, clean)):
        replace_with(folder / name, frame.to_csv(index=False, float_format="%.3g", lineterminator="\n"))
    replace_with(folder / ABOUT, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def read(folder: Path) -> pd.DataFrame:
    """The tolerances of a committed run. Raises `CommittedError` where they are missing or damaged."""
    path = folder / TABLE
    try:
        texts: Any = dict.fromkeys(CELL, str)
        table = pd.read_csv(path, dtype=texts, keep_default_na=False)
        return table[[*CELL, "tolerance"]].astype({"tolerance": float})
    except FileNotFoundError:
        raise CommittedError(
            f"no tolerances: {path} is missing (scmbench committed tolerances measures and writes it)"
        ) from None
    except (ValueError, KeyError, pd.errors.ParserError) as error:
        raise CommittedError(f"{path}: not a table of tolerances ({error})") from None
