"""What the gate says of a run: cells, drifts, what must be equal, verdicts; red where any of them is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..judging.cells import CELL, name_of
from ..records import committed
from ..records.results import Results, scores_of
from ..suites.suite import Suite
from . import exact, moves, pooled, tolerance

CHANGED = ["published", *CELL, "verdict", "before"]


@dataclass(frozen=True)
class Judgement:
    """`cells` of `moves.judge`, `drifts` of `pooled.judge`, `exact` differences, `verdicts` that changed."""

    cells: pd.DataFrame
    drifts: pd.DataFrame
    exact: pd.DataFrame
    verdicts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=CHANGED))

    @property
    def red(self) -> bool:
        """Whether anything moved that must not."""
        drifted = bool(self.drifts["state"].isin(pooled.RED).any())
        return moves.is_red(self.cells) or drifted or bool(len(self.exact) or len(self.verdicts))

    def messages(self) -> Iterable[str]:
        """A sentence for everything red: differences, cells (furthest beyond tolerance first), drifts, verdicts."""
        yield from map(exact.describe, self.exact.to_dict("records"))
        red = self.cells[self.cells["state"].isin(moves.RED)].sort_values("used", ascending=False, na_position="first")
        yield from map(moves.describe, red.to_dict("records"))
        yield from map(pooled.describe, self.drifts[self.drifts["state"].isin(pooled.RED)].to_dict("records"))
        for line in self.verdicts.to_dict("records"):
            yield f"{name_of(line)}: was {line['before']} against {line['published']}, is now {line['verdict']}"


def examine(suite: Suite, results: Results, folder: Path) -> Judgement:
    """Compare results of `suite`, or of a part of it, with the committed run in `folder`.

    Raises `CommittedError` where scores, options or tolerances are missing or damaged.
    """
    before, allowed = committed.read(folder).of(suite), tolerance.read(folder)
    moved = moves.moves(scores_of(suite, results), scores_of(suite, before))
    return Judgement(
        moves.judge(moved, allowed.cells),
        pooled.judge(moved, allowed.cells, allowed.pooled),
        exact.differences(suite, results, before, exact.read(folder)),
    )


def clean_runs(runs: Mapping[str, pd.DataFrame], before: pd.DataFrame, allowed: tolerance.Tolerances) -> pd.DataFrame:
    """One line per run (its seed scores): cells and drifts, how many are red, and which used most of its tolerance."""
    lines = []
    for name, scores in runs.items():
        moved = moves.moves(scores, before)
        judged, drifts = moves.judge(moved, allowed.cells), pooled.judge(moved, allowed.cells, allowed.pooled)
        closest, furthest = (t.iloc[int(t["used"].fillna(-1.0).to_numpy().argmax())] for t in (judged, drifts))
        of_cells = [
            len(judged),
            int(judged["state"].isin(moves.RED).sum()),
            closest["used"],
            name_of(closest.to_dict()),
        ]
        where = " ".join(filter(None, (furthest[c] for c in pooled.GROUP)))
        red = int(drifts["state"].isin(pooled.RED).sum())
        lines.append([name, *of_cells, len(drifts), red, furthest["used"], where])
    names = ["run", "cells", "red", "most of a tolerance used", "by"]
    return pd.DataFrame(lines, columns=[*names, "drifts", "drifts red", "most of a drift used", "by the drift"])
