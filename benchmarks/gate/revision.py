"""A committed run, rewritten: with a reason, and with the old numbers kept beside the new ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scmbench.datasets.files.whole import replace_with

from ..judging import published
from ..judging.cells import CELL, name_of, summarise, text_columns
from ..records import committed
from ..records.results import Results, scores_of
from ..records.spreadsheet import read_again, to_csv
from ..suites.suite import Suite
from . import exact, moves

VERDICTS = "verdicts.csv"

ROUNDING = 1e-5
"""Relative difference below which a median has not moved; committed files keep eight digits."""


@dataclass(frozen=True)
class Revision:
    """What an update changed: cells whose median moved (old, new), cells that are new or gone, verdicts (old, new)."""

    moved: Mapping[str, tuple[float, float]]
    new: Sequence[str]
    gone: Mapping[str, float]
    verdicts: Mapping[str, tuple[str, str]]


def verdicts_of(suite: Suite, results: Results) -> pd.DataFrame:
    """Verdicts on every published number that the suite names (`gate.verdict_table`)."""
    numbers = [published.load(name) for name in suite.published]
    return moves.verdict_table(scores_of(suite, results), numbers, results.provenance)


def read_verdicts(folder: Path) -> pd.DataFrame:
    """The verdicts as they were when the run was committed. Raises `CommittedError` where they are missing."""
    path = folder / VERDICTS
    try:
        return read_again(pd.read_csv(path, dtype=str, keep_default_na=False))[["published", *CELL, "verdict"]]
    except FileNotFoundError:
        raise committed.CommittedError(f"{path} is missing: scmbench committed update records the verdicts") from None
    except (ValueError, KeyError, pd.errors.ParserError) as error:
        raise committed.CommittedError(f"{path}: not a table of verdicts ({error})") from None


def joined(first: Results, second: Results) -> Results:
    """All records of `first`, and those of `second` that it lacks.

    A record is known by its dataset, model, variant and seed.
    """
    names = ["dataset", "model", "variant", "seed"]
    there = pd.MultiIndex.from_frame(text_columns(first.provenance, names[:3])[names])

    def both(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
        lacking = ~pd.MultiIndex.from_frame(text_columns(second, names[:3])[names]).isin(there)
        return pd.concat([part for part in (first, second[lacking]) if len(part)] or [first], ignore_index=True)

    return Results(
        *(both(first.rows, second.rows), both(first.provenance, second.provenance)),
        both(first.examples, second.examples),
        pictures=both(first.pictures, second.pictures),
    )


def update(folder: Path, suite: Suite, results: Results, *, reason: str) -> Revision:
    """Write `results` as the committed run of `suite`, with `reason`, the story so far, and the old medians that moved.

    Raises `ValueError` where the reason says nothing.
    """
    if len(reason.split()) < 3:
        raise ValueError(f"the reason {reason!r} does not say why the numbers may change: a sentence is kept with them")
    old = committed.read(folder) if (folder / committed.ABOUT).exists() else None
    verdicts = verdicts_of(suite, results)
    change = _changed(suite, old, results, folder, verdicts)
    history: list[Any] = list(old.about.get("history", [])) if old else []
    if old:
        history.append(
            {
                "written": old.about.get("written", ""),
                "note": old.about.get("note", ""),
                "replaced because": reason,
                "commits": sorted({e.get("commit") or "" for e in old.about["environments"]}),
                "medians that moved": {cell: before for cell, (before, _) in change.moved.items()},
                "medians gone": dict(change.gone),
                "verdicts that changed": {cell: before for cell, (before, _) in change.verdicts.items()},
            }
        )
    committed.write(folder, results, suite=suite.name, note=reason, values=suite.values, history=history)
    exact.write(folder, suite, results)
    if len(verdicts):
        replace_with(folder / VERDICTS, to_csv(verdicts, lineterminator="\n"))
    return change


def _changed(
    suite: Suite, old: committed.CommittedRun | None, results: Results, folder: Path, verdicts: pd.DataFrame
) -> Revision:
    now = _medians(suite, results)
    before = _medians(suite, old) if old else {}
    moved = {c: (x, now[c]) for c, x in before.items() if c in now and not math.isclose(x, now[c], rel_tol=ROUNDING)}
    words = moves.changed_verdicts(verdicts, read_verdicts(folder)).to_dict("records") if _judged(folder) else []
    return Revision(
        moved=moved,
        new=[c for c in now if c not in before],
        gone={c: x for c, x in before.items() if c not in now},
        verdicts={f"{name_of(line)} ({line['published']})": (line["before"], line["verdict"]) for line in words},
    )


def _judged(folder: Path) -> bool:
    return (folder / VERDICTS).exists()


def _medians(suite: Suite, results: Results) -> dict[str, float]:
    table = summarise(scores_of(suite, results))
    return {name_of(line): float(f"{line['median']:.6g}") for line in table.to_dict("records")}
