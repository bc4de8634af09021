"""Every method against one of them, paired by seed: which differences exceed the noise of the seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...judging.cells import Method, Question
from ...judging.paired import HIGHER, LOWER
from ..layout import Layout, question_name
from ..render import number
from ..tables.relative import lines_of, methods_of, questions_of, seeds_of
from .style import new_figure, styled

LIMIT = np.log(4)
"""Ratios beyond 1/4 and 4 have the colour of these."""


def relative_map(compared: pd.DataFrame, base: Method, layout: Layout) -> Figure:
    """A panel a question, a row a method, a column a SCM: mean ratio by seed, an arrow where 1 is left out."""
    methods, questions = methods_of(compared, layout), questions_of(compared, layout)
    datasets = [d for _, group in layout.groups() for d in group if d in set(compared["dataset"])]
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
        bar.set_label(
            f"{layout.better().lower()}; bold ↓ ↑: the 95 % interval over {seeds_of(compared)} seeds leaves out 1"
        )
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
        for line in lines_of(compared, method, question).to_dict("records"):
            x, r = list(datasets).index(line["dataset"]), float(line["log_ratio"])
            colour = colours.to_rgba(np.array([np.clip(r, -LIMIT, LIMIT)]))[0]
            axis.add_patch(Rectangle((x, y), 1, 1, facecolor=tuple(colour), edgecolor="white", linewidth=1))
            sure = line["change"] in (LOWER, HIGHER)
            ink = "white" if abs(r) > 0.65 * LIMIT else "black"
            mark = "↓" if line["change"] == LOWER else "↑" if line["change"] == HIGHER else ""
            text = number(float(np.exp(r))) + mark
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
