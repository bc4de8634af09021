"""Vector nodes told in both orders, from committed runs of `vector-nodes` and `vector-nodes-tmscm`: their tables.

``python docs/catalogue.py`` writes them. Where there is no such run, a table is the sentence that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from experiments import by_seed
from queries import run
from scmbench.benchmarks.judging.cells import Method
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.reporting.render import DASH, number
from shown import not_run, plain, table, there, write

OUT = Path(__file__).parent / "numbers" / "questions" / "tables"


@dataclass(frozen=True)
class Asked:
    """What a suite measures of the law that was learnt, and of counterfactual rows: metrics, and what they are called.

    Both are the same number for the same answer in either order.
    """

    law: str
    rows: str
    words: str

    def scores(self, rows: pd.DataFrame) -> dict[str, pd.Series]:
        """Scores of the ``law`` and of ``rows`` by (dataset, model, variant, seed)."""
        kinds = {"law": ("observational", self.law), "rows": ("counterfactual", self.rows)}
        return {part: by_seed(rows, *kind) for part, kind in kinds.items()}


SUITES: Mapping[str, Asked] = {
    "vector-nodes": Asked("energy", "rmse", "energy"),
    "vector-nodes-tmscm": Asked("sinkhorn", "rmse_standardised", "Sinkhorn"),
}


def main() -> None:
    """Write the table of every suite."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: that of the suite."""
    return {name: orders(run(name).rows, asked) if there(name) else not_run(name) for name, asked in SUITES.items()}


def reversed_name(world: str) -> str:
    """The dataset of a world with its components reversed; a number of rows stays in front.

    >>> reversed_name("sized/5000/tmscm/fork"), reversed_name("check/turning")
    ('sized/5000/swapped/tmscm/fork', 'swapped/check/turning')
    """
    first, *rest = world.split("/")
    return "/".join([first, rest[0], "swapped", *rest[1:]] if first == "sized" else ["swapped", first, *rest])


def orders(rows: pd.DataFrame, asked: Asked) -> str:
    """A line a world and method: medians over seeds of the law's distance and the rows' error, as told and reversed."""
    scores, told = asked.scores(rows), []
    known = {
        part: found.groupby(level=["dataset", "model", "variant"], sort=False).median()
        for part, found in scores.items()
    }
    for world, method in _lines(scores):
        cells = [(known[part], name) for part in ("law", "rows") for name in (world, reversed_name(world))]
        shown = [
            number(float(found[(name, *method)])) if (name, *method) in found.index else DASH for found, name in cells
        ]
        told.append([plain(world), plain(title(*method)), *shown])
    head = ["world", "method", f"law, {asked.words}", "reversed", "rows, RMSE", "reversed"]
    return table(head, told, left=2)


def _lines(scores: Mapping[str, pd.Series]) -> list[tuple[str, Method]]:
    """Worlds as they are told, with every method that was asked for its law or its rows."""
    keys = dict.fromkeys(key[:3] for found in scores.values() for key in found.index)
    lines = [(str(d), (str(m), str(v))) for d, m, v in keys if "swapped" not in str(d).split("/")]
    worlds = list(dict.fromkeys(world for world, _ in lines))
    return sorted(lines, key=lambda line: worlds.index(line[0]))


if __name__ == "__main__":
    main()
