"""Every method against one of them, paired by seed: which differences exceed the noise of the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .cells import QUESTION
from .figures import new_figure, styled
from .layout import Layout, Method, Question, question_name
from .paired import HIGHER, LOWER, contrast
from .render import Table, Text, number

LIMIT = np.log(4)
"""Ratios beyond 1/4 and 4 have the colour of these."""


def relatives(scores: pd.DataFrame, base: Method, layout: Layout) -> pd.DataFrame:
    """`paired.contrast` of every method with `base`, columns ``model, variant`` first.

    Floors, `base` and methods without scores are left out. Raises `ValueError` where `base` has no scores.
    """
    frames, scored = [], set(zip(scores["model"], scores["variant"], strict=True))
    for method in layout.methods:
        if method in scored and method != base and method not in layout.floors():
            compared = contrast(scores, method, base)
            compared.insert(0, "variant", method[1])
            compared.insert(0, "model", method[0])
            frames.append(compared)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["model", "variant", *QUESTION])


def relative_table(compared: pd.DataFrame, base: Method, layout: Layout) -> Table:
    """Per method and question: the ratio's geometric mean over SCMs, and on how many it is surely lower or higher."""
    rows: list[Any] = []
    for method in _methods(compared, layout):
        entries: list[Text | str] = []
        for question in _questions(compared, layout):
            lines = _of(compared, method, question)
            ratio = float(np.exp(lines["log_ratio"].replace([np.inf, -np.inf], np.nan).mean()))
            lower, higher = (int((lines["change"] == word).sum()) for word in (LOWER, HIGHER))
            entries.append(f"{number(ratio)}  ({lower}↓ {higher}↑ of {len(lines)})")
        rows.append([layout.method(method), *entries])
    questions = [question_name(q, short=True) for q in _questions(compared, layout)]
    notes = [
        f"Score of the method / score of {layout.method(base)}, paired by seed: below 1 the method is better.",
        "The ratio is the geometric mean over SCMs of the median over seeds; ↓ and ↑ count SCMs whose 95 % interval "
        "leaves out 1.",
    ]
    return Table("relative", f"Against {layout.method(base)}", ["method", *questions], rows, notes, 1)


def relative_map(compared: pd.DataFrame, base: Method, layout: Layout) -> Figure:
    """A panel a question, a row a method, a column a SCM: median ratio by seed, bold where 1 is left out."""
    methods, questions = _methods(compared, layout), _questions(compared, layout)
    datasets = [d for _, group in layout.kinds() for d in group if d in set(compared["dataset"])]
    norm, colours = TwoSlopeNorm(0.0, -LIMIT, LIMIT), "RdBu_r"
    with styled():
        width, height = 2.4 + 0.52 * len(datasets), 0.9 + 0.27 * len(methods)
        figure, axes = new_figure(2 * width, 0.8 + height * -(-len(questions) // 2), -(-len(questions) // 2), 2)
        for axis, question in zip(axes.flat, questions, strict=False):
            _panel(axis, compared, methods, datasets, question, layout, ScalarMappable(norm, colours))
        for axis in axes.flat[len(questions) :]:
            axis.set_visible(False)
        bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, location="bottom", shrink=0.4, aspect=40)
        ticks = [0.25, 0.5, 1, 2, 4]
        bar.set_ticks(list(np.log(ticks)), labels=["≤ 0.25", "0.5", "1", "2", "≥ 4"])
        bar.set_label("left (blue) of 1 the method is better; bold: the 95 % interval over seeds leaves out 1")
        figure.suptitle(f"Score of each method / score of {layout.method(base)}, paired by seed", size=10)
    return figure


def _panel(
    axis: Axes,
    compared: pd.DataFrame,
    methods: Sequence[Method],
    datasets: Sequence[str],
    question: Question,
    layout: Layout,
    colours: ScalarMappable,
) -> None:
    for y, method in enumerate(methods):
        for line in _of(compared, method, question).to_dict("records"):
            x, r = list(datasets).index(line["dataset"]), float(line["log_ratio"])
            colour = colours.to_rgba(np.array([np.clip(r, -LIMIT, LIMIT)]))[0]
            axis.add_patch(Rectangle((x, y), 1, 1, facecolor=tuple(colour), edgecolor="white", linewidth=1))
            sure = line["change"] in (LOWER, HIGHER)
            ink = "white" if abs(r) > 0.65 * LIMIT else "black"
            text = number(float(np.exp(r)))
            weight = "bold" if sure else "normal"
            axis.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=6.5, color=ink, weight=weight)
    axis.set(xlim=(0, len(datasets)), ylim=(len(methods), 0))
    axis.set_title(question_name(question))
    names = [layout.dataset(d) for d in datasets]
    axis.set_xticks(np.arange(len(datasets)) + 0.5, names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(np.arange(len(methods)) + 0.5, [layout.method(m) for m in methods])
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)


def _methods(compared: pd.DataFrame, layout: Layout) -> list[Method]:
    there = set(zip(compared["model"], compared["variant"], strict=True))
    return [m for m in layout.methods if m in there]


def _questions(compared: pd.DataFrame, layout: Layout) -> list[Question]:
    there = set(zip(compared["query"], compared["metric"], strict=True))
    return [q for q in layout.questions if q in there]


def _of(compared: pd.DataFrame, method: Method, question: Question) -> pd.DataFrame:
    keys = dict(zip(("model", "variant", "query", "metric"), (*method, *question), strict=True))
    return compared[np.logical_and.reduce([compared[name] == key for name, key in keys.items()])]
