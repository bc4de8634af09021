"""The map of verdicts: every published cell, coloured by what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ...judging.cells import Method, Question
from ..layout import Layout, question_name
from ..render import COLOURS, SYMBOLS, number
from ..tables.scores import by_cell
from .fitting import Labels, headline, legend_below, name_rows, widest, wrap
from .style import described, ink, new_figure, short_name, styled

WIDEST = 14.0
"""Inches: questions that do not fit beside each other go below."""

_WIDE, _HIGH = 0.72, 0.3
"""Inches of a cell."""


def verdict_map(verdicts: pd.DataFrame, layout: Layout) -> Figure:
    """Every published cell that was run, colour and sign by verdict, ours / theirs: a row a SCM, a column a method."""
    published = verdicts[verdicts["form"] != ""]
    questions = [q for q in layout.questions if q in set(zip(published["query"], published["metric"], strict=True))]
    methods = [m for m in layout.methods if m in set(zip(published["model"], published["variant"], strict=True))]
    datasets = [d for _, group in layout.groups() for d in group if d in set(published["dataset"])]
    beside = max(1, int(WIDEST / (_WIDE * max(len(methods), 1))))
    lines = [questions[i : i + beside] for i in range(0, len(questions), beside)] or [[]]
    with styled():
        names = [layout.dataset(d) for d in datasets]
        columns = max(len(methods) * len(lines[0]), 1)
        wide = max(0.5 + widest(names) + _WIDE * columns, 5.5)
        room = (wide - 0.5 - widest(names)) / columns
        labels = Labels.of([short_name(m, methods, layout) for m in methods], room)
        high = len(lines) * (0.8 + _HIGH * len(datasets) + labels.height)
        figure, axes = new_figure(wide, 0.8 + high, len(lines), 1)
        for axis, some in zip(axes[:, 0], lines, strict=True):
            _panel(axis, by_cell(published), some, methods, datasets)
            labelled = Labels(list(labels.texts) * len(some), labels.upright, labels.height)
            labelled.put(axis, list(np.arange(len(labelled.texts)) + 0.5))
            axis.set_xlim(0, columns)
            name_rows(axis, names, list(np.arange(len(datasets)) + 0.5))
        present = [w for w in COLOURS if (published["verdict"] == w).any()]
        legend_below(figure, [Patch(color=COLOURS[w], label=f"{SYMBOLS.get(w, '')} {w}".strip()) for w in present])
        headline(figure, f"Ours / {layout.theirs}")
    counts = published["verdict"].value_counts()
    told = ", ".join(f"{counts[w]} {w}" for w in present)
    return described(figure, f"Our score over that of the {layout.theirs} for every published cell: {told}.")


def _panel(
    axis: Axes,
    judged: Mapping[tuple[str, ...], Any],
    questions: Sequence[Question],
    methods: Sequence[Method],
    datasets: Sequence[str],
) -> None:
    columns = [(q, m) for q in questions for m in methods]
    for y, dataset in enumerate(datasets):
        for x, (question, method) in enumerate(columns):
            line = judged.get((dataset, *question, *method))
            if line is None:
                continue
            colour = COLOURS.get(line["verdict"], "#FFFFFF")
            axis.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
            ratio = number(float(np.exp(line["log_ratio"]))) if not np.isnan(line["log_ratio"]) else line["verdict"]
            text = wrap(f"{SYMBOLS.get(line['verdict'], '')} {ratio}".strip(), 0.95 * _WIDE, 7)
            axis.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=7, color=ink(colour), linespacing=1)
    for i in range(1, len(questions)):
        axis.axvline(i * len(methods), color="#404040", linewidth=1)
    axis.set(ylim=(len(datasets), 0))
    for i, question in enumerate(questions):
        text = wrap(question_name(question).replace(" (", "\n("), 0.95 * _WIDE * max(len(methods), 2), 9)
        where = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "va": "bottom"}
        axis.annotate(text, ((i + 0.5) * len(methods), 0), size=9, annotation_clip=False, **where)
    axis.grid(False)
    axis.spines[:].set_visible(False)
