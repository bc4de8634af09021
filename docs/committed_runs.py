"""The committed runs as pages of worlds and methods show them: cells by name, verdicts, places, titles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from queries import run, seed_scores
from scmbench.benchmarks.judging import published
from scmbench.benchmarks.judging.cells import CELL, Method, Question, cells, registered, text_columns
from scmbench.benchmarks.judging.methods import METHOD
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.reporting.layout import Layout
from scmbench.benchmarks.suites import shelf
from scmbench.benchmarks.suites import suite as suites

DOCS = Path(__file__).parent
FIRST, LAST = ("paper",), ("regress",)
"""Committed runs that come before and after the others."""


@dataclass(frozen=True)
class Committed:
    """A committed run: its cells by (dataset, query, metric, model, variant), and what a report calls them."""

    name: str
    title: str
    layout: Layout
    cells: Mapping[tuple[str, ...], Mapping[Any, Any]]
    words: Mapping[tuple[str, ...], str]
    registered: Mapping[Method, str]
    provenance: pd.DataFrame

    def value(self, key: tuple[str, ...]) -> float:
        """The median of a cell in the tables' units; NaN where it has none."""
        return self.layout.scale * float(self.cells[key]["median"]) if key in self.cells else math.nan

    def better(self, question: Question, x: float, y: float) -> bool:
        """Whether x is the better score."""
        return x > y if question in self.layout.higher else x < y

    def methods(self, role: str | None = None) -> list[Method]:
        """Methods in the order of tables, of one role where it is named."""
        return [m for m in self.layout.methods if role is None or self.layout.roles.get(m, METHOD) == role]

    def place(self, key: tuple[str, ...]) -> tuple[int, int]:
        """How manieth a cell's median is among the methods that compete, floors and ceilings aside, and of how many."""
        question, mine = (key[1], key[2]), self.value(key)
        others = [self.value((*key[:3], *m)) for m in self.methods(METHOD)]
        there = [x for x in others if math.isfinite(x)]
        return 1 + sum(self.better(question, x, mine) for x in there), len(there)

    def report(self, words: str) -> str:
        """A link to the run's report, its explorer filtered by words; empty where the site has none."""
        if not (DOCS / "numbers" / self.name / "index.html").exists():
            return ""
        return f"[explore them](../numbers/{self.name}/index.html#explore?q={quote(words, safe='')})"


@cache
def runs() -> list[Committed]:
    """Every committed run, the paper's first, the gate's last."""
    home = committed.folder("")
    names = [name for name in shelf.names() if (home / name / "scores.csv").exists()]
    middle = [name for name in names if name not in FIRST + LAST]
    return [_read(name) for name in [*FIRST, *middle, *LAST]]


def _read(name: str) -> Committed:
    suite, results = suites.load(name), run(name)
    numbers = published.fitting(suite.published, suite.base_protocol)
    paper = published.merge(numbers) if numbers else None
    scores, provenance = seed_scores(name), results.provenance
    if name in LAST:  # a gate cuts trainings short by options of its own: such scores say nothing of a method
        cut = [entry.label for entry in suite.models if entry.options]
        scores, provenance = (frame[~frame["model"].isin(cut)] for frame in (scores, provenance))
    found = cells(scores, provenance)
    layout = Layout.of(found, paper, provenance, protocol=suite.protocol)
    keyed = text_columns(found, CELL).to_dict("records")
    names = {method: told or method[0] for method, told in registered(provenance).items()}
    return Committed(
        name,
        suite.title,
        layout,
        {tuple(row[c] for c in CELL): row for row in keyed},
        _words(name),
        names,
        provenance,
    )


def _words(name: str) -> dict[tuple[str, ...], str]:
    path = committed.folder(name) / "verdicts.csv"
    if not path.exists():
        return {}
    told = pd.read_csv(path, keep_default_na=False, dtype=str)
    return {tuple(row[c] for c in CELL): row["verdict"] for row in told.to_dict("records")}
