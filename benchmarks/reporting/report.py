"""A report: everything that can be said about a run, for the terminal, as files, and as one HTML page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import RenderableType
from scmbench.datasets.files.whole import staged

from ..judging import published
from ..judging.cells import FAILED, Method, cells, text_columns
from ..judging.paired import compare, contrast, relatives
from ..judging.published import Published
from ..judging.rule import LEAST
from ..judging.same_judges import without_mixed
from ..judging.verdict import as_json, floor_shares, verdicts
from ..records import staleness
from ..records.results import Results, scores_of
from ..records.spreadsheet import to_csv
from ..suites.suite import Suite
from . import headline, images, members
from .escaping import file_name
from .explorer import explored
from .figures import boxes as boxplots
from .figures import pairs as scatterplots
from .figures import style
from .figures.relative import relative_map
from .figures.verdicts import verdict_map
from .layout import Layout
from .page import Part, page, with_few_colours
from .render import Table, document, latex, markdown, to_rich
from .tables import records
from .tables import scores as tables
from .tables import verdicts as verdict_tables
from .tables.relative import relative_table

VARIANTS = ("corrected", "reference")
"""Where a model was run in both, the report compares the first with the second."""


@dataclass(frozen=True)
class Report:
    """A run's scores per seed, its cells, their verdicts, and what it is compared with.

    `scores` as of `seed_scores`, `found` as of `cells`, `judged` as of `verdicts` (None without published numbers),
    `against` as of `paired.compare` (None without another run). `notes` say what could not be compared, and why,
    and of what nobody knows whether today's code gives it.
    """

    suite: Suite
    results: Results
    scores: pd.DataFrame
    found: pd.DataFrame
    layout: Layout
    paper: Published | None = None
    judged: pd.DataFrame | None = None
    against: pd.DataFrame | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(
        cls,
        suite: Suite,
        results: Results,
        papers: Sequence[Published] | None = None,
        other: Results | None = None,
    ) -> Report:
        """The report on `results`, judged against `papers` (those that the suite names) and paired with `other`.

        Published numbers of another protocol than the suite's are left out, with a note.
        """
        papers = [published.load(name) for name in suite.published] if papers is None else papers
        fitting = [paper for paper in papers if paper.protocol == suite.base_protocol]
        notes = [
            f"No verdicts against {paper.name}: its protocol is {paper.protocol!r}, this run's is {suite.protocol!r}."
            for paper in papers
            if paper not in fitting
        ]
        if unknown := staleness.unknown(results.provenance):
            notes.append(staleness.older(unknown))
        paper = published.merge(fitting) if fitting else None
        benches = pd.concat([run.provenance for run in (results, other) if run is not None], ignore_index=True)
        rows, unlike = without_mixed(results.rows, benches)
        results = replace(results, rows=rows)
        if other is not None:
            other = replace(other, rows=without_mixed(other.rows, benches)[0])
        scores = scores_of(suite, results)
        found = cells(scores, results.provenance, also=paper.cells if paper else None)
        return cls(
            suite=suite,
            results=results,
            scores=scores,
            found=found,
            layout=Layout.of(found, paper, results.provenance, protocol=suite.protocol),
            paper=paper,
            judged=verdicts(scores, paper, results.provenance) if paper else None,
            against=compare(scores, scores_of(suite, other)) if other else None,
            notes=[*notes, *unlike],
        )

    def headline(self) -> str:
        """One sentence: how many published cells that were run came out as published; without such, what differs."""
        if self.judged is not None:
            return headline.of_verdicts(self.judged, self.layout)
        compared = self._compared()
        if compared is None:
            return "No published numbers, and no two methods to compare."
        return headline.of_differences(*compared, self.layout)

    def _compared(self) -> tuple[pd.DataFrame, Method] | None:
        """The first method with which another has a question in common, and all against it; None where no two have."""
        scored = self._scored()
        methods = [m for m in self.layout.methods if m in scored and m not in self.layout.floors()]
        against = ((relatives(self.scores, base, methods), base) for base in methods)
        return next(((found, base) for found, base in against if len(found)), None)

    def verdict_json(self) -> dict[str, Any]:
        """Verdicts as plain JSON values; `{}` without published numbers."""
        return as_json(self.judged, self.paper) if self.judged is not None and self.paper is not None else {}

    def pairs(self) -> Iterator[tuple[Method, Method]]:
        """Models that were run in both variants, on a common question at least: (corrected, reference)."""
        for model in dict.fromkeys(model for model, _ in self.layout.methods):
            a, b = ((model, variant) for variant in VARIANTS)
            if {a, b} <= self._scored() and len(contrast(self.scores, a, b)):
                yield a, b

    def _scored(self) -> set[Method]:
        """Methods with a score; one that supports none of the problems has records and no score."""
        there = self.scores[np.isfinite(self.scores["score"].to_numpy(dtype=float))]
        return set(zip(there["model"], there["variant"], strict=True))

    def terminal(self) -> list[RenderableType]:
        """What a terminal shows after a run: medians, verdicts, comparisons, failures; last, what to remember."""
        boxed = images.boxed(self.layout)
        shown = [tables.overview(self.judged, self.found, self.layout, self.scores, questions=boxed)]
        if self.judged is not None:
            shown.append(verdict_tables.count_table(self.judged, self.layout))
            shown.append(verdict_tables.unreproduced(self.judged, self.layout, brief=True))
        if self.against is not None:
            shown.append(self._against())
        shown += members.tables(self.results, self.layout)
        shown.append(records.failures(self.results.provenance, self.layout, unsupported=False))
        shown.append(records.dirty_table(self.results.provenance))
        shown.append(records.stale_table(self.results.provenance, self.suite.address))
        printed = [part for table in shown if table.rows for part in (to_rich(table), "")]
        return [*printed, *self.notes, self.headline()]

    def next_steps(self, place: str = "") -> list[str]:
        """What to do with this, a line each: commands that say more, with the words that say where records are."""
        address, seeds = f"{self.suite.address}{place}", self.results.provenance["seed"].nunique()
        failed = int((self.results.provenance["status"] == FAILED).sum())
        steps = [(f"show {address} --only MODEL", "every score, cost and traceback of a model")]
        if failed:
            steps.insert(0, (f"run {address} --retry", f"computes {failed} failed record(s) again"))
        if 0 < seeds < LEAST:
            steps.insert(0, (f"run {address} --seeds 5", "enough seeds for verdicts; what is finished is kept"))
        steps.append((f"cite {self.suite.file}", "the papers behind these numbers, as BibTeX"))
        width = max(len(command) for command, _ in steps)
        return [f"scmbench {command:<{width}}   {what}" for command, what in steps]

    def _against(self) -> Table:
        assert self.against is not None
        return verdict_tables.paired_table(self.against, self.layout, title="This run / the other run", name="against")

    def parts(self) -> list[Part]:
        """The sections of the page, in order, each with its tables and figures."""
        layout, provenance = self.layout, self.results.provenance
        scores = [
            tables.score_table(self.found, layout, self.paper, self.scores, moments=moments)
            for moments in (False, True)
        ]
        parts = [
            Part("Not from a commit", [records.dirty_table(provenance)]),
            Part("Made by other code", [records.stale_table(provenance, self.suite.address)]),
        ]
        if self.judged is not None:
            drawn = {"verdicts": verdict_map(self.judged, layout)} if layout.datasets else {}
            parts.append(Part("Verdicts", [verdict_tables.count_table(self.judged, layout)], drawn))
            parts.append(Part("Not reproduced", [verdict_tables.unreproduced(self.judged, layout)]))
        boxes = {
            name: boxplots.boxes(
                *(self.scores, self.found, layout, self.paper, datasets), questions=images.boxed(layout), title=heading
            )
            for name, heading, datasets in boxplots.pages(layout, self.paper)
        }
        parts.append(Part("Box plots", [], boxes))
        parts.append(Part("Scores", scores))
        parts += images.parts(self.suite, self.results, self.scores, layout)
        parts += members.parts(self.results, layout)
        if self.judged is not None:
            parts.append(Part("What is only noise", [verdict_tables.floor_table(floor_shares(self.judged), layout)]))
            parts.append(Part("Every verdict", [verdict_tables.every_verdict(self.judged, layout)]))
        parts += self._relative()
        for a, b in self.pairs():
            names, both = f"{layout.method(a)} / {layout.method(b)}", contrast(self.scores, a, b)
            name = file_name(f"{a[0]}_{a[1]}_{b[1]}")
            table = verdict_tables.paired_table(both, layout, title=names, name=name)
            parts.append(Part(names, [table], {name: scatterplots.seed_by_seed(self.scores, a, b, layout)}))
        if self.against is not None:
            parts.append(Part("Against the other run", [self._against()]))
        if answers := dict(self._answers()):
            parts.append(Part("Counterfactuals against the truth", [], answers, folded=True))
        parts.append(Part("Cost", [records.cost_table(provenance, layout)]))
        parts.append(Part("What has no score", [records.failures(provenance, layout)]))
        parts.append(Part("Provenance", [records.provenance_table(provenance)]))
        return [part for part in parts if part.figures or any(table.rows for table in part.tables)]

    def _relative(self) -> Iterator[Part]:
        compared = self._compared()
        if compared is None:
            return
        table, base = compared
        among = members.there(self.results)
        yield Part(
            f"Every method against {self.layout.method(base)}",
            [relative_table(table, base, self.layout, members=among)],
            {"relative": relative_map(table, base, self.layout, members=among)},
        )

    def _answers(self) -> Iterator[tuple[str, Figure]]:
        examples = text_columns(self.results.examples, ["dataset", "member", "model", "variant"])
        of_bound = [m in self.layout.bounds for m in zip(examples["model"], examples["variant"], strict=True)]
        examples = examples[(examples["member"] == "") & ~pd.Series(of_bound, index=examples.index, dtype=bool)]
        for dataset, part in examples.groupby("dataset", sort=False):
            seed = part["seed"].min()
            title = f"{self.layout.dataset(str(dataset))}, seed {seed}"
            figure = scatterplots.counterfactuals(part[part["seed"] == seed], self.layout, title=title)
            yield file_name(f"truth_{str(dataset).replace('/', '_')}"), figure

    def write(self, folder: Path) -> Path:
        """Write the report into `folder`; returns the page's path.

        ``index.html`` (everything, in one file), ``tables/`` (Markdown and LaTeX, with ``tables.tex`` to set them all),
        ``figures/`` (PNG and PDF), ``scores.csv`` (one line a cell and seed), ``cells.csv``, ``verdicts.json``. They
        come to their places when all are written; where writing fails, the folder stays what it was.
        """
        with staged(folder) as aside:
            self._write(aside)
        return folder / "index.html"

    def _write(self, folder: Path) -> None:
        target, parts = folder / "tables", self.parts()
        target.mkdir(parents=True, exist_ok=True)
        drawn: dict[str, bytes] = {}
        for part in parts:
            for table in part.tables:
                (target / f"{table.name}.md").write_text(markdown(table), encoding="utf-8")
                (target / f"{table.name}.tex").write_text(latex(table), encoding="utf-8")
            for name, figure in part.figures.items():
                picture = style.save(figure, folder / "figures", name)[0]
                drawn[name] = with_few_colours(picture.read_bytes())
        narrow = [t.name for part in parts for t in part.tables if t.name not in ("provenance", "failures")]
        (target / "tables.tex").write_text(document(narrow), encoding="utf-8")
        lines: Mapping[str, pd.DataFrame | None] = {"scores": self.scores, "cells": self.found, "verdicts": self.judged}
        for name, frame in lines.items():
            if frame is not None:
                text = to_csv(frame, float_format="%.8g", lineterminator="\n")
                (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        text = json.dumps(self.verdict_json(), indent=1, allow_nan=False, ensure_ascii=False)
        (folder / "verdicts.json").write_text(text + "\n", encoding="utf-8")
        made = (self.judged, self.paper, self.results.provenance)
        cells = explored(self.suite.name, self.layout, self.scores, self.found, *made)
        whole = page(self.suite.title, self.headline(), parts, drawn, self._about(), cells)
        (folder / "index.html").write_text(whole, encoding="utf-8")

    def _about(self) -> list[str]:
        about = [f"Suite {self.suite.name}, protocol {self.suite.protocol}.", *self.notes]
        if self.paper:
            what = "Published numbers" if self.paper.whose == "paper" else "Numbers of the authors' code, run by us"
            about += [f"{what}: {self.paper.title}. {self.paper.cite()}", self.paper.how, *self.paper.notes]
        return [text for text in about if text]
