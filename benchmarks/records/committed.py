"""Committed reference runs: a suite's results as a few small text files that tables and comparisons read."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from scmbench.datasets import UserError

from ..judging.cells import FLOORS
from ..suites.suite import Suite
from .results import ROWS, Results
from .store import replace_with

SCORES = ["dataset", "model", "variant", "seed", "member", "query", "node", "metric", "score"]
ENVIRONMENT = ["python", "packages", "commit", "dirty", "hardware", "threads"]
TEXTS = {*SCORES[:3], *SCORES[4:-1], "status", "key", "notes", "waives", "message", "intervened"}
"""Columns in which an empty cell is the empty text; in all others it is a missing number."""

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
    """Write ``scores.csv``, ``records.csv``, ``examples.csv`` and ``about.json`` into `target`, each at once.

    `values` is the suite's. `note` says what the run is or why it was updated. `history` is kept as it is given:
    earlier notes and numbers. Of the examples, enough for a plot are kept, none of floors, and none of members: these
    are measured series, which are downloaded and never distributed.
    """
    provenance = results.provenance
    examples = _thin(results.examples)
    environments = provenance.reindex(columns=ENVIRONMENT).drop_duplicates().reset_index(drop=True)
    index = {row: i for i, row in enumerate(environments.itertuples(index=False, name=None))}
    stamps = provenance.reindex(columns=ENVIRONMENT).itertuples(index=False, name=None)
    records = provenance.drop(columns=[c for c in ["suite", *ENVIRONMENT] if c in provenance])
    records = records.assign(environment=[index[stamp] for stamp in stamps])
    texts = records.get("waives", pd.Series("", index=records.index)).fillna("")
    waived = sorted(set(texts))  # long, and the same in hundreds of records
    records = records.assign(waives=[waived.index(text) for text in texts])
    records = records.sort_values(["dataset", "model", "variant", "seed"])
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
    for name, frame, digits in (("scores", scores, 8), ("records", records, 6), ("examples", examples, 5)):
        text = frame.to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n")
        replace_with(target / f"{name}.csv", text)
    replace_with(target / ABOUT, json.dumps(about, indent=1, ensure_ascii=False) + "\n")


def _thin(examples: pd.DataFrame, most: int = 25) -> pd.DataFrame:
    """Every second, third, … row, so that at most `most` are left a pair of nodes and method."""
    kept = examples[(examples["member"].fillna("") == "") & ~examples["model"].isin(FLOORS)]
    pairs = kept.groupby(["dataset", "model", "variant", "intervened", "node"])
    every = (pairs["true"].transform("size") / most).apply(math.ceil)
    return kept[pairs.cumcount() % every == 0]


def read(source: Path) -> CommittedRun:
    """The committed run in the folder `source`. Raises `CommittedError` that names a missing or damaged file."""
    about = _about(source / ABOUT)
    scores, records, examples = (_table(source / f"{name}.csv") for name in ("scores", "records", "examples"))
    if lacking := [c for c in SCORES if c not in scores.columns]:
        raise CommittedError(f"{source / 'scores.csv'} lacks the column(s) {lacking}")
    split = scores["dataset"].str.rpartition("/")
    rows = scores.assign(suite=about["suite"], problem=split[0], kind=split[2], value=float("nan"))[ROWS]
    environments = pd.DataFrame(about["environments"])
    provenance = records.merge(environments, left_on="environment", right_index=True).drop(columns="environment")
    provenance["waives"] = [about["waives"][int(i)] for i in provenance["waives"]]
    return CommittedRun(rows, provenance.assign(suite=about["suite"]), examples, about=about)


def _about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise CommittedError(f"{path}: not JSON ({error})") from None
    if lacking := [key for key in ("suite", "environments", "waives") if key not in about]:
        raise CommittedError(f"{path} lacks {lacking}")
    return about


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommittedError(f"no committed run: {path} is missing (scmbench committed update writes it)") from None


def _table(path: Path) -> pd.DataFrame:
    text = _text(path)
    try:
        header = pd.read_csv(io.StringIO(text), nrows=0).columns
        texts: Any = {name: str for name in header if name in TEXTS}
        empty: Any = {name: [""] for name in header if name not in TEXTS}
        return pd.read_csv(io.StringIO(text), dtype=texts, keep_default_na=False, na_values=empty)
    except (ValueError, pd.errors.ParserError) as error:
        raise CommittedError(f"{path}: not a table ({error})") from None


def home_of(suite: Suite) -> Path:
    """Where a suite's committed run lives: with scmbench, or in ``committed/NAME`` beside an outside suite's file."""
    return suite.folder / "committed" / suite.name if suite.folder else folder(suite.name)
