"""A report's sections on images: pictures beside the truth, sweeps, composition, and whether proxies agree with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..judging import compared, proxies
from ..judging import curves as published
from ..judging.cells import Question
from ..judging.curves import Curve, CurveVerdict
from ..judging.methods import CEILING, FLOOR
from ..judging.sweeps import Sweep, sweeps
from ..records.results import Results
from ..suites.suite import Entry, Suite
from .figures import curves
from .figures.images import METHODS, grid, lines, strip
from .layout import Layout
from .page import Part
from .render import Table
from .tables.beside import compared_table, curve_table
from .tables.proxies import agreement_table

BOXED = (proxies.TRUTH, "validity", "cld", "frechet64", "composition_1")
"""Scores in the box plots; the tables have all."""

ROWS = 3
"""Rows of pictures an intervened node."""


def parts(suite: Suite, results: Results, scores: pd.DataFrame, layout: Layout) -> list[Part]:
    """The sections, none of which is there without images. `scores` are those of `seed_scores`."""
    if results.pictures.empty and not scores["metric"].isin(curves.SWEPT).any():
        return []
    swept = sweeps(((entry.label, entry.variant), entry.name, _options(entry)) for entry in suite.models)
    sections: list[Part] = []
    if pictures := dict(_pictures(results.pictures, swept, layout)):
        sections.append(Part("Pictures", [], pictures))
    tables, drawn = _sweeps(scores, swept, layout)
    if drawn:
        sections.append(Part("Along a sweep", tables, drawn))
    if drawn := dict(_cycles(scores, layout)):
        sections.append(Part("Composition over cycles", [], drawn))
    tables, drawn = [], {}
    for dataset in layout.datasets:
        ceilings = [m for m, role in layout.roles.items() if role == CEILING]
        found = {
            proxy: both
            for proxy, both in proxies.pairs(results.rows, dataset, without=ceilings).items()
            if len(both) > 1
        }
        if found:
            name = dataset.replace("/", "_")
            tables.append(agreement_table(proxies.agreement(found), layout, dataset))
            drawn[f"proxies_{name}"] = curves.against_truth(found, layout, title=layout.dataset(dataset))
    if tables:
        sections.append(Part("Do proxies agree with the truth?", tables, drawn))
    beside = [
        compared_table(theirs, results.rows, dataset, layout)
        for dataset in layout.datasets
        for theirs in compared.beside(dataset)
    ]
    if any(table.rows for table in beside):
        sections.append(Part("Beside published tables", beside))
    return sections


def boxed(layout: Layout) -> list[Question] | None:
    """The questions that box plots of images show: of thirty scores a few; None, which is all, without images."""
    if not any(metric == proxies.TRUTH for _, metric in layout.questions):
        return None
    return [question for question in layout.questions if question[1] in BOXED]


def _options(entry: Entry) -> Mapping[str, Any]:
    """An entry's options with their defaults; those that it gives, where the model is not installed here."""
    try:
        return entry.build().options()
    except Exception:  # an outside model may raise anything, and its records are here all the same
        return entry.options


def _pictures(pictures: pd.DataFrame, swept: Sequence[Sweep], layout: Layout) -> Iterator[tuple[str, Figure]]:
    in_sweeps = {m for sweep in swept for m in sweep.methods[:-1]}  # the last of a sweep stands for it in the grid
    in_sweeps |= {m for m, role in layout.roles.items() if role == CEILING}  # the truth is there already
    for dataset, part in pictures.groupby("dataset", sort=False):
        part = part[part["seed"] == part["seed"].min()]
        name, title = str(dataset).replace("/", "_"), layout.dataset(str(dataset))
        there = set(zip(part["model"], part["variant"].fillna(""), strict=True))
        methods = [m for m in layout.methods if m in there and m not in in_sweeps]
        for i in range(0, len(methods), METHODS):
            some = methods[i : i + METHODS]
            if shown := lines(part, some, most=ROWS):
                number = f"_{i // METHODS + 1}" if len(methods) > METHODS else ""
                yield f"pictures_{name}{number}", grid(shown, some, layout, title=title)
        for sweep in swept:
            kept = Sweep(sweep.name, sweep.option, [point for point in sweep.points if point[1] in there])
            if kept.points and (shown := lines(part, kept.methods, most=ROWS)):
                yield f"sweep_{name}_{sweep.name}_{sweep.option}", strip(shown, kept, title=title)


def _sweeps(scores: pd.DataFrame, swept: Sequence[Sweep], layout: Layout) -> tuple[list[Table], dict[str, Figure]]:
    """A figure for every sweep of a data set, and a table for every published curve that it stands beside."""
    floors = [m for m in layout.floors() if layout.roles[m] == FLOOR]
    images = scores[scores["metric"].isin(curves.SWEPT) & np.isfinite(scores["score"].to_numpy(dtype=float))]
    tables: list[Table] = []
    drawn: dict[str, Figure] = {}
    for name, part in images.groupby("dataset", sort=False):
        there, dataset = set(zip(part["model"], part["variant"], strict=True)), str(name)
        known = published.beside(dataset)
        for sweep in swept:
            if not there & set(sweep.methods):
                continue
            theirs = [c for c in known if (c.model, c.option) == (sweep.name, sweep.option)]
            figure = curves.along(part, sweep, layout, dataset=dataset, beside=floors, published=theirs)
            drawn[f"along_{dataset.replace('/', '_')}_{sweep.name}_{sweep.option}"] = figure
            for curve in theirs:
                judged = [(sweep.name, *_judged(part, sweep, curve))]
                tables.append(curve_table(curve, judged, dataset, layout))
    return tables, drawn


def _judged(scores: pd.DataFrame, sweep: Sweep, curve: Curve) -> tuple[int, CurveVerdict]:
    """How many seeds our curve is the mean of at most, and the verdict on it."""
    part = scores[(scores["query"] == curve.query) & (scores["metric"] == curve.metric)]
    found = {(str(m), str(v)): rows["score"] for (m, v), rows in part.groupby(["model", "variant"], sort=False)}  # type: ignore[misc]
    points = [(value, found[method]) for value, method in sweep.points if method in found]
    verdict = published.judge(curve, [x for x, _ in points], [float(y.mean()) for _, y in points])
    return max((len(y) for _, y in points), default=0), verdict


def _cycles(scores: pd.DataFrame, layout: Layout) -> Iterator[tuple[str, Figure]]:
    told = scores[scores["metric"].astype(str).str.fullmatch(curves.COMPOSITION.pattern)]
    told = told[np.isfinite(told["score"].to_numpy(dtype=float))]
    for name, part in told.groupby("dataset", sort=False):
        if part["metric"].nunique() > 1:
            figure = curves.cycles(part, layout.methods, layout, dataset=str(name))
            yield f"cycles_{str(name).replace('/', '_')}", figure
