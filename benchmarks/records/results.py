"""Results of a suite as frames, wherever they come from: the store's records or a committed run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from ..judging import blocks, cells, published, ranking, skill, verdict
from ..judging.cells import Question, seed_scores
from ..judging.notes import last_line
from ..judging.published import Published
from ..suites.suite import Suite
from . import staleness
from .pictures import to_text
from .record import Record

EXAMPLES = ["dataset", "model", "variant", "seed", "intervened", "value", "node", "true", "predicted", "member"]
PICTURES = [
    *("dataset", "model", "variant", "seed", "intervened", "value", "row", "node", "member"),
    *("factual", "answer", "truth"),
]
ROWS = [
    *("suite", "dataset", "problem", "kind", "seed", "model", "variant"),
    *("member", "query", "node", "value", "metric", "score"),
]


@dataclass(frozen=True)
class Results:
    """Scores of a suite, where they come from, example answers and pictures: data frames.

    A frame of a run that has nothing to show is empty but has its columns.

    Attributes:
        rows: Scores in long form (columns `ROWS`).
        provenance: One row a record. Its column `notes` holds a tuple of `Note`, one for each query without a score;
            `name` is the model's in the registry (or its ``package.module:Class``) and `role` what its class says it
            is, whatever the label in `model`; `stale` names the parts of today's code that differ from the code that
            made the record (``method``, ``world``, ``questions``), and is empty where none does or nothing is known.
        examples: Answers for plots (columns `EXAMPLES`).
        suite: The one that they were asked for, which says how rows become `scores`, `cells` and `verdicts`.
        pictures: A few images of answers (columns `PICTURES`), PNGs as base64 texts; the truth is None where it is not
            known.
    """

    rows: pd.DataFrame
    provenance: pd.DataFrame
    examples: pd.DataFrame
    suite: Suite | None = field(default=None, repr=False)
    pictures: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PICTURES), repr=False)

    def scores(self) -> pd.DataFrame:
        """One score per cell and seed, aggregated as the suite says: columns ``CELL + [seed, score]``.

        Returns:
            A frame with one row for each cell and seed.

        Raises:
            ValueError: Where these results belong to no suite.
        """
        return scores_of(self._asked(), self)

    def cells(self) -> pd.DataFrame:
        """Median, quartiles, mean and sd over seeds of every cell (`judging.cells.cells`), published ones first.

        Returns:
            A frame with one row for each cell.

        Raises:
            ValueError: Where these results belong to no suite.
        """
        paper = self._published()
        return cells.cells(self.scores(), self.provenance, also=paper.cells if paper else None)

    def verdicts(self) -> pd.DataFrame:
        """Does each published cell come out? One line a cell (`judging.verdict.verdicts`).

        Returns:
            A frame with one row for each published cell.

        Raises:
            ValueError: Where the suite names no published numbers of its own protocol, or these results belong to
                no suite.
        """
        paper = self._published()
        if paper is None:
            raise ValueError(f"the suite {self._asked().name!r} names no published numbers of its protocol")
        return verdict.verdicts(self.scores(), paper, self.provenance)

    def skills(self) -> pd.DataFrame:
        """Every cell's skill, 1 the ceiling and 0 the better trivial floor, with its interval (`judging.skill.skills`).

        Returns:
            A frame with one row for each cell of a question that has a ceiling and a floor.

        Raises:
            ValueError: Where these results belong to no suite.
        """
        return skill.skills(self.scores(), self.provenance, higher=self._higher())

    def rungs(self, only: Collection[str] = blocks.RUNGS) -> list[blocks.Rung]:
        """The ranks of methods by world and seed, what rankings are counted from (`judging.blocks.rungs`).

        Args:
            only: The rungs that are wanted.

        Returns:
            Those of them on which there is something to rank.

        Raises:
            ValueError: Where these results belong to no suite.
        """
        return blocks.rungs(self.scores(), self.provenance, higher=self._higher(), only=only)

    def ranks(self, only: Collection[str] = blocks.RUNGS) -> pd.DataFrame:
        """Mean rank and mean skill of every method by rung, best first, with intervals (`judging.ranking.ranks`).

        Args:
            only: The rungs that are wanted.

        Returns:
            A frame with one row for each rung and method.

        Raises:
            ValueError: Where these results belong to no suite.
        """
        return ranking.ranks(self.rungs(only))

    def _higher(self) -> set[Question]:
        paper = self._published()
        return set(paper.higher()) if paper else set()

    def _published(self) -> Published | None:
        suite = self._asked()
        fitting = [paper for paper in map(published.load, suite.published) if paper.protocol == suite.base_protocol]
        return published.merge(fitting) if fitting else None

    def _asked(self) -> Suite:
        if self.suite is None:
            raise ValueError("these results belong to no suite; results.of(suite) chooses those of one")
        return self.suite

    def of(self, suite: Suite) -> Results:
        """Only what this (perhaps narrowed) suite asks for, its datasets and models in its order.

        Args:
            suite: The suite to choose by.

        Returns:
            New results, which belong to `suite`.
        """
        models = {(entry.label, entry.variant): i for i, entry in enumerate(suite.models)}
        datasets = {name: i for i, name in enumerate(suite.datasets)}

        def part(frame: pd.DataFrame) -> pd.DataFrame:
            if frame.empty:
                return frame
            titles = zip(frame["model"], frame["variant"], strict=True)
            place = pd.DataFrame(
                {"dataset": frame["dataset"].map(datasets), "model": [models.get(title) for title in titles]},
                index=frame.index,
            )
            wanted = place[place.notna().all(axis=1) & frame["seed"].isin(list(suite.seeds))]
            return frame.loc[wanted.sort_values(["dataset", "model"], kind="stable").index]

        return Results(part(self.rows), part(self.provenance), part(self.examples), suite, part(self.pictures))


def gather(records: Iterable[tuple[Record, str]], *, suite: str, today: Mapping[str, str] | None = None) -> Results:
    """Frames of records, each with the label that the suite gives its model; `today` is today's code, by key."""
    rows, provenance, examples, pictures = [], [], [], []
    for record, label in records:
        rows += _score_rows(record, suite, label)
        now = (today or {}).get(record.identity.key, "")
        provenance.append(provenance_row(record, suite=suite, label=label, today=now))
        examples += example_rows(record, label=label)
        pictures += picture_rows(record, label=label)
    return Results(
        _framed(rows),
        pd.DataFrame(provenance, columns=None if provenance else ["dataset", "seed", "model", "variant", "status"]),
        pd.DataFrame(examples, columns=EXAMPLES),
        pictures=pd.DataFrame(pictures, columns=PICTURES),
    )


def score_rows(record: Record, *, suite: str, label: str) -> pd.DataFrame:
    """A record's scores in long form."""
    return _framed(_score_rows(record, suite, label))


def _framed(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=ROWS).astype({"value": float, "score": float})


def _score_rows(record: Record, suite: str, label: str) -> list[tuple[object, ...]]:
    """A record's scores, in the order of `ROWS`."""
    identity = record.identity
    problem, _, last = identity.dataset.rpartition("/")
    about = (suite, identity.dataset, problem or last, last, identity.seed, label, _variant(record))
    return [(*about, member, s.query, s.node, s.value, s.metric, s.score) for member, s in record.scores]


def provenance_row(record: Record, *, suite: str, label: str, today: str = "") -> dict[str, object]:
    """One row about a record: what became of it, where it was computed, its cost, and how `today`'s code differs."""
    identity = record.identity
    own = {
        "suite": suite,
        "dataset": identity.dataset,
        "seed": identity.seed,
        "model": label,
        "variant": _variant(record),
        "name": identity.model,
        "role": record.role,
        "status": record.status,
        "message": last_line(record.message),
        "notes": tuple(record.notes),
        "waives": "; ".join(f"{name}: {why}" for name, why in record.waives.items()),
        "key": identity.key,
        "code": record.code,
        "stale": staleness.differing(record.code, today),
        "rows": len(record.scores),
        "cpu_s": _total(record, "cpu_s"),
        "wall_s": _total(record, "wall_s"),
    }
    return own | {name: value for name, value in record.provenance.items() if name not in own}


def _variant(record: Record) -> str:
    return str(record.identity.options.get("variant") or "")


def _total(record: Record, unit: str) -> float:
    return round(sum(float(record.provenance.get(f"{part}_{unit}", 0)) for part in ("fit", "query")), 4)


def example_rows(record: Record, *, label: str) -> list[tuple[object, ...]]:
    """A record's example answers, in the order of `EXAMPLES`."""
    identity = record.identity
    about = (identity.dataset, label, _variant(record), identity.seed)
    return [(*about, e.node, e.value, e.target, e.true, e.predicted, e.member) for e in record.examples]


def picture_rows(record: Record, *, label: str) -> list[tuple[object, ...]]:
    """A record's pictures, in the order of `PICTURES`, PNGs as base64."""
    identity = record.identity
    about = (identity.dataset, label, _variant(record), identity.seed)
    rows = []
    for p in record.pictures:
        images = (None if png is None else to_text(png) for png in (p.factual, p.answer, p.truth))
        rows.append((*about, p.node, p.value, p.row, p.target, p.member, *images))
    return rows


def scores_of(suite: Suite, results: Results) -> pd.DataFrame:
    """Seed scores as the suite aggregates them."""
    return seed_scores(results.rows, results.provenance, values=suite.values, members=suite.members)
