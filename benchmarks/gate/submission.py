"""Other people's rows: a committed run of one method with a card that says whose it is, read and checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from scmbench.datasets import UserError
from scmbench.datasets.files.texts import text_of, toml_of
from scmbench.datasets.seeds import derive

from ..judging.cells import text_columns
from ..records import committed
from ..records.committed import CommittedRun, compact
from ..records.results import Results
from ..running import planner
from ..running.planner import Trial
from ..suites import shelf
from ..suites import suite as suites
from ..suites.suite import Entry, Suite
from .revision import ROUNDING

CARD = "submission.toml"

_KEYS: Mapping[str, type] = {
    **{"suite": str, "model": str, "label": str, "install": str, "authors": list},
    **{"url": str, "variant": str, "options": dict},
}
_REQUIRED = ("suite", "model", "label", "install", "authors", "url")

HOLDS = 1.5
"""Factor by which a score that was computed again may leave what the submitted seeds span: that by which a median may
differ from a published one that it reproduces."""

QUERY = ["query", "metric", "node", "member"]
"""What names a score of a record in a committed run."""


class SubmissionError(UserError, ValueError):
    """A submission that cannot be used; the message names the file and says what to write."""


@dataclass(frozen=True)
class Submission:
    """The card of a submission, the suite that it was run on, and where the run lies."""

    folder: Path
    suite: Suite
    entry: Entry
    install: str
    authors: Sequence[str]
    url: str
    run: CommittedRun = field(repr=False)

    @property
    def part(self) -> Suite:
        """The suite with the submitted method alone."""
        return self.suite.narrow(methods=[self.entry.title], added=[self.entry])


def read(folder: Path) -> Submission:
    """The submission in a folder; the code of its method is not imported.

    Raises:
        SubmissionError: For a card that is missing, lacks a key or has a wrong one, or names no suite of scmbench.
        CommittedError: For a run that is missing or damaged.
    """
    path = folder / CARD
    try:
        card = toml_of(text_of(path, SubmissionError), path, SubmissionError)
    except (FileNotFoundError, NotADirectoryError):
        raise SubmissionError(f"no submission: {path} is missing") from None
    _check(card, path)
    try:
        entry = Entry(card["model"], card["label"], card.get("variant", ""), card.get("options", {}))
    except ValueError as error:
        raise SubmissionError(f"{path}: {error}") from None
    suite = suites.load(card["suite"])
    run = committed.read(folder)
    there = text_columns(run.provenance, ["model", "variant"])
    pairs = set(zip(there["model"], there["variant"], strict=True))
    if not entry.variant and len(pairs) == 1:  # its code, which knows the default, is not imported for a look
        entry = replace(entry, variant=next(variant for _, variant in pairs))
    if any(entry.title == other.title for other in suite.models):
        raise SubmissionError(f"{path}: label = {entry.label!r} is a method of the suite {suite.name!r}; write another")
    others = pairs - {(entry.label, entry.variant)}
    if others or there.empty:
        found = f"records of {sorted(others)[0][0]!r}, too" if others else "no records"
        raise SubmissionError(f"{folder}: the run has {found}; it holds those of {entry.label!r} alone")
    return Submission(folder, suite, entry, card["install"], card["authors"], card["url"], run)


def _check(card: Mapping[str, Any], path: Path) -> None:
    for key, value in card.items():
        if key not in _KEYS:
            raise SubmissionError(f"{path}: unknown key {key!r}; known are {sorted(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise SubmissionError(f"{path}: {key} = {value!r}; expected a {_KEYS[key].__name__}")
    for key in _REQUIRED:
        if not card.get(key):
            raise SubmissionError(f"{path}: {key!r} is missing; a submission says {list(_REQUIRED)}")
    if wrong := [name for name in card["authors"] if not isinstance(name, str)]:
        raise SubmissionError(f"{path}: authors holds {wrong[0]!r}; expected names")
    if card["suite"] not in shelf.names():
        raise SubmissionError(f"{path}: suite = {card['suite']!r}; expected one of {shelf.names()}")


def objections(submission: Submission, asked: Sequence[Trial]) -> Iterator[str]:
    """What speaks against a submission before anything is computed, a line each.

    `asked` are the records that the suite asks of the method today. A record's key holds the versions of data,
    questions and method and the digest of the method's code: one that is not asked for was made by others.
    """
    provenance = submission.run.provenance
    wanted = {(one.identity.dataset, one.identity.seed): one.key for one in asked}
    there = dict(zip(zip(provenance["dataset"], provenance["seed"], strict=True), provenance["key"], strict=True))
    if lacking := [pair for pair in wanted if pair not in there]:
        yield f"{len(lacking)} of {len(wanted)} records are missing, first {_pair(lacking[0])}"
    if foreign := [pair for pair in there if pair not in wanted]:
        yield f"{len(foreign)} records are not of the suite, first {_pair(foreign[0])}"
    if other := [pair for pair, key in there.items() if wanted.get(pair, key) != key]:
        what = "other options, versions or code than the method has here"
        yield f"{len(other)} of {len(there)} records were made by {what}, first {_pair(other[0])}"
    if dirty := int(text_columns(provenance, ["dirty"])["dirty"].eq("True").sum()):
        yield f"{dirty} of {len(there)} records come from a changed checkout of scmbench, which no commit holds"


def _pair(pair: tuple[str, int]) -> str:
    return f"{pair[0]} seed {pair[1]}"


def drawn(submission: Submission, asked: Sequence[Trial], draw: int) -> Trial | None:
    """One of the asked records that the run has a score of and whose data are here, by the number `draw`."""
    provenance = submission.run.provenance
    fine = set(provenance[provenance["status"] == "ok"]["key"])
    here = set(planner.available(submission.part)[0])
    there = [one for one in asked if one.key in fine and one.identity.dataset in here]
    if not there:
        return None
    return there[derive(draw, "submission") % len(there)]


def compared(submission: Submission, one: Trial, computed: Results) -> pd.DataFrame:
    """Every score of a record as submitted and as computed here.

    Returns:
        A line a score: `QUERY`, ``submitted``, ``here``, ``held``. A score holds where it lies within what the method's
        submitted seeds span, widened by the factor `HOLDS`: training is not the same to the last digit on two machines.
        One that only one side has does not hold.
    """
    where, seed = one.identity.dataset, one.identity.seed
    rows = text_columns(submission.run.rows, QUERY)
    rows = rows[rows["dataset"] == where]
    span = rows.groupby(QUERY)["score"].agg(["min", "max"]).reset_index()
    here = text_columns(compact(computed.rows, submission.suite.values), QUERY)[[*QUERY, "score"]]
    both = rows[rows["seed"] == seed][[*QUERY, "score"]].merge(here, on=QUERY, how="outer", suffixes=("_a", "_b"))
    both = both.rename(columns={"score_a": "submitted", "score_b": "here"}).merge(span, on=QUERY, how="left")
    held = [_holds(*line) for line in both[["submitted", "here", "min", "max"]].itertuples(index=False, name=None)]
    return both.assign(held=held)[[*QUERY, "submitted", "here", "held"]]


def _holds(submitted: float, here: float, low: float, high: float) -> bool:
    if math.isnan(submitted) or math.isnan(here):
        return False
    within = min(low / HOLDS, low * HOLDS) <= here <= max(high / HOLDS, high * HOLDS)
    return within or math.isclose(submitted, here, rel_tol=ROUNDING, abs_tol=ROUNDING)


def asked(submission: Submission) -> list[Trial]:
    """The records that the suite asks of the method; this imports its code.

    Raises:
        SubmissionError: Where that is not installed here, or does not take the options.
    """
    try:
        submission.entry.build()
        return planner.trials(submission.part)
    except (ValueError, TypeError, LookupError) as error:
        raise SubmissionError(f"{submission.folder}: {error}; first: {submission.install}") from None
