"""Committed runs: a suite's results as a few small text files that tables and comparisons read."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scmbench.datasets import UserError
from scmbench.datasets.files.texts import json_of, text_of
from scmbench.datasets.files.whole import replace_with
from scmbench.datasets.pictures import PictureError

from ..judging.cells import roles
from ..judging.methods import METHOD
from ..judging.notes import Note, last_line, notes_of
from ..suites.suite import Suite
from .pictures import from_text
from .record import role_of
from .results import EXAMPLES, PICTURES, ROWS, Results
from .spreadsheet import read_again, to_csv

SCORES = ["dataset", "model", "variant", "seed", "member", "query", "node", "metric", "score"]
ENVIRONMENT = ["python", "packages", "commit", "dirty", "hardware", "threads"]
NOTES = ["dataset", "model", "variant", "seed", "query", "status", "message"]
RECORDS = ["dataset", "model", "variant", "seed", "status", "message", "waives", "key", "environment"]
WHOLE = {"seed", "environment"}
NUMBERS = {*WHOLE, "score", "value", "true", "predicted", "row", "cpu_s", "wall_s", "fit_wall_s", "fit_cpu_s"}
NUMBERS |= {"query_wall_s", "query_cpu_s", "batch_fits", "mechanisms", "peak_mb", "parameters", "gradient_steps"}
TEXTS = {*SCORES[:3], *SCORES[4:-1], "name", "role", "status", "key", "waives", "message", "intervened"}
TEXTS |= {"factual", "answer", "truth"}
"""Columns in which an empty cell is the empty text; in all others it is a missing number."""

_JOINED = re.compile(r"(?:^|(?<=; ))(\w+) (failed|unsupported): ")
MOMENTARY = ["code", "stale", "kept_answers"]
"""Columns about today's code, which a committed run's commit tells better, and about files that are not committed."""

ABOUT = "about.json"


class CommittedError(UserError, ValueError):
    """A committed run that is missing or damaged; the message names the file."""


@dataclass(frozen=True)
class CommittedRun(Results):
    """Results of a run without its record files, and the story of the run in `about`.

    A score is the suite's average over a query's values, which is all that tables, verdicts and paired comparisons
    use.
    """

    about: Mapping[str, Any] = field(default_factory=dict)


def folder(name: str) -> Path:
    """Where the committed run of the suite `name` lives."""
    return Path(str(resources.files("scmbench.results"))) / "committed" / name


def compact(rows: pd.DataFrame, values: str = "mean") -> pd.DataFrame:
    """One row per (dataset, model, variant, seed, member, query, node, metric), in that order.

    Its score is the ``mean`` or ``median`` over values, as the suite averages them.
    """
    keys = SCORES[:-1]
    return rows.groupby(keys, sort=True, dropna=False)["score"].agg(values).reset_index()[SCORES]


def write(
    target: Path,
    results: Results,
    *,
    suite: str,
    note: str,
    values: str = "mean",
    history: list[Any] | None = None,
) -> None:
    """Write ``scores.csv``, ``records.csv``, ``notes.csv``, ``examples.csv`` and ``about.json``, each at once.

    Where there are pictures of a world of our own, some go into ``pictures.csv``.

    `values` is the suite's. `note` says what the run is or why it was updated. `history` is kept as it is given:
    earlier notes and numbers. Of the examples, enough for a plot are kept, none of floors, and none of members: these
    are measured series, which are downloaded and never distributed.
    """
    provenance = results.provenance
    examples = _thin(results.examples, provenance)
    stamped = provenance.reindex(columns=ENVIRONMENT).astype(object)
    stamped = stamped.where(stamped.notna(), None)  # what a record does not tell: no NaN equals another
    environments = stamped.drop_duplicates().reset_index(drop=True)
    index = {row: i for i, row in enumerate(environments.itertuples(index=False, name=None))}
    stamps = stamped.itertuples(index=False, name=None)
    records = provenance.drop(columns=[c for c in ["suite", *MOMENTARY, *ENVIRONMENT] if c in provenance])
    notes = _notes(records)
    records = records.assign(environment=[index[stamp] for stamp in stamps])
    texts = records.get("waives", pd.Series("", index=records.index)).fillna("")
    waived = sorted(set(texts))  # long, and the same in hundreds of records
    records = records.assign(waives=[waived.index(text) for text in texts])
    records = records.drop(columns="notes", errors="ignore").sort_values(["dataset", "model", "variant", "seed"])
    about = {
        "suite": suite,
        "note": note,
        "written": datetime.now(UTC).strftime("%Y-%m-%d"),
        "records": len(records),
        "cpu_hours": round(float(records.get("cpu_s", pd.Series(dtype=float)).sum()) / 3600, 3),
        "environments": json.loads(environments.to_json(orient="records")),
        "waives": waived,
        "history": history or [],
    }
    target.mkdir(parents=True, exist_ok=True)
    scores = compact(results.rows, values)
    tables = [("scores", scores, 8), ("records", records, 6), ("notes", notes, 8), ("examples", examples, 5)]
    pictures = _few(results.pictures)
    if len(pictures):
        tables.append(("pictures", pictures, 6))
    else:
        (target / "pictures.csv").unlink(missing_ok=True)  # of an earlier run
    for name, frame, digits in tables:
        text = to_csv(frame, float_format=f"%.{digits}g", lineterminator="\n")
        replace_with(target / f"{name}.csv", text)
    replace_with(target / ABOUT, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def _notes(records: pd.DataFrame) -> pd.DataFrame:
    """The notes of all records as a table of their own, a line a note; of a traceback its last line is kept."""
    lines = [
        [*(record[c] for c in NOTES[:4]), note.query, note.status, last_line(note.message)]
        for record in records.to_dict("records")
        for note in notes_of(record)
    ]
    return pd.DataFrame(lines, columns=NOTES).sort_values(NOTES[:4], kind="stable")


def _thin(examples: pd.DataFrame, provenance: pd.DataFrame, most: int = 25) -> pd.DataFrame:
    """Every second, third, … row, so that at most `most` are left a pair of nodes and method."""
    real = {method for method, role in roles(provenance).items() if role == METHOD}
    competes = [method in real for method in zip(examples["model"], examples["variant"], strict=True)]
    kept = examples[(examples["member"].fillna("") == "") & pd.Series(competes, index=examples.index, dtype=bool)]
    pairs = kept.groupby(["dataset", "model", "variant", "intervened", "node"])
    every = (pairs["true"].transform("size") / most).apply(math.ceil)
    return kept[pairs.cumcount() % every == 0]


def _few(pictures: pd.DataFrame, most: int = 4) -> pd.DataFrame:
    """At most `most` pictures of a method and node, of the first seed; none without a true image.

    An image whose counterfactual nobody knows is somebody's data, which is downloaded and never distributed.
    """
    kept = pictures[pictures["truth"].notna() & (pictures["seed"] == pictures["seed"].min())]
    rows = kept.groupby(["dataset", "intervened", "node"])["row"]
    first = rows.transform(lambda row: sorted(set(row))[:most][-1] if len(row) else 0)
    return kept[kept["row"] <= first]


def _pictures(path: Path) -> pd.DataFrame:
    """The pictures of a run; none where it has no such file. Raises `CommittedError` for what is no picture."""
    if not path.exists():
        return pd.DataFrame(columns=PICTURES)
    table = _table(path, PICTURES)
    for column in ("factual", "answer", "truth"):
        for line, text in enumerate(table[column], start=2):
            try:
                from_text(text)
            except PictureError as error:
                raise CommittedError(f"{path}, line {line}: {column} is no picture: {error}") from None
    return table[PICTURES]


def read(source: Path) -> CommittedRun:
    """The committed run in the folder `source`. Raises `CommittedError` that names a missing or damaged file."""
    about = _about(source / ABOUT)
    scores = _table(source / "scores.csv", SCORES)
    records = _table(source / "records.csv", RECORDS)
    examples = _table(source / "examples.csv", EXAMPLES)
    split = scores["dataset"].str.rpartition("/")
    rows = scores.assign(suite=about["suite"], problem=split[0], kind=split[2], value=float("nan"))[ROWS]
    try:
        provenance = _provenance(source, records, about)
    except CommittedError:
        raise
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise CommittedError(f"{source}: records.csv and {ABOUT} do not fit each other ({error!r})") from None
    pictures = _pictures(source / "pictures.csv")
    return CommittedRun(rows, provenance.assign(suite=about["suite"]), examples, pictures=pictures, about=about)


def _provenance(source: Path, records: pd.DataFrame, about: Mapping[str, Any]) -> pd.DataFrame:
    environments = pd.DataFrame(about["environments"])
    if unknown := sorted(set(records["environment"]) - set(environments.index)):
        raise IndexError(f"there is no environment {unknown[0]}")
    provenance = records.merge(environments, left_on="environment", right_index=True).drop(columns="environment")
    provenance["waives"] = [about["waives"][int(i)] for i in provenance["waives"]]
    if "role" not in records.columns:  # written when floors were found by their label
        provenance["role"] = [role_of(model) for model in provenance["model"]]
    if "notes" in records.columns:  # written when notes were joined to a text
        return _with_notes(provenance, [_parted(text) for text in provenance["notes"].fillna("")])
    noted: dict[tuple[Any, ...], list[Note]] = {}
    for *record, query, status, message in _table(source / "notes.csv", NOTES)[NOTES].itertuples(
        index=False, name=None
    ):
        noted.setdefault(tuple(record), []).append(Note(query, status, message))
    keys = provenance[NOTES[:4]].itertuples(index=False, name=None)
    return _with_notes(provenance, [tuple(noted.get(key, ())) for key in keys])


def _with_notes(provenance: pd.DataFrame, notes: Sequence[tuple[Note, ...]]) -> pd.DataFrame:
    return provenance.assign(notes=pd.Series(list(notes), index=provenance.index, dtype=object))


def _parted(text: str) -> tuple[Note, ...]:
    """The notes of a run from before they had a file of their own: ``query status: message; query …``."""
    parts = _JOINED.split(text)[1:]
    return tuple(Note(q, s, m.removesuffix("; ")) for q, s, m in zip(*(parts[i::3] for i in range(3)), strict=True))


def _about(path: Path) -> dict[str, Any]:
    about = _found(json_of, path)
    if lacking := [key for key in ("suite", "environments", "waives") if key not in about]:
        raise CommittedError(f"{path} lacks {lacking}")
    return about


def _found(read: Callable[[Path, type[Exception]], Any], path: Path) -> Any:
    try:
        return read(path, CommittedError)
    except FileNotFoundError:
        raise CommittedError(f"no committed run: {path} is missing (scmbench committed update writes it)") from None


def _table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table of a committed run. Raises `CommittedError` where it lacks one of the columns, or a number is none."""
    text = _found(text_of, path)
    try:
        header = pd.read_csv(io.StringIO(text), nrows=0).columns
        texts: Any = {name: str for name in header if name in TEXTS}
        empty: Any = {name: [""] for name in header if name not in TEXTS}
        table = read_again(pd.read_csv(io.StringIO(text), dtype=texts, keep_default_na=False, na_values=empty))
    except (ValueError, pd.errors.ParserError) as error:
        raise CommittedError(f"{path}: not a table ({error})") from None
    if lacking := [name for name in columns if name not in table.columns]:
        raise CommittedError(f"{path} lacks the column(s) {lacking}")
    for name in (column for column in table.columns if column in NUMBERS):
        read = pd.to_numeric(table[name], errors="coerce")
        wrong, what = read.isna() & table[name].notna(), "a number"
        if name in WHOLE:
            wrong, what = ~(np.isfinite(read) & (read == np.floor(read))), "a whole number"
        for line, cell in table[name][wrong].items():
            said = repr(cell) if isinstance(cell, str) else "empty" if pd.isna(cell) else f"{cell:g}"
            raise CommittedError(f"{path}, line {int(str(line)) + 2}: {name} is {said}; expected {what}")
    return table


def home_of(suite: Suite) -> Path:
    """Where a suite's committed run lives: with scmbench, or in ``committed/NAME`` beside an outside suite's file."""
    return suite.folder / "committed" / suite.name if suite.folder else folder(suite.name)
