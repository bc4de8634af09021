"""The map of verdicts: every published cell, coloured by what came out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..layout import Layout, question_name
from ..render import COLOURS, SYMBOLS, number
from ..tables.scores import by_cell
from .style import legend_below, new_figure, short_name, styled


def _ink(colour: str) -> str:
    red, green, blue = to_rgb(colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"


def verdict_map(verdicts: pd.DataFrame, layout: Layout) -> Figure:
    """Every published cell that was run, colour and sign by verdict, ours / theirs: a row a SCM, a column a method."""
    published = verdicts[verdicts["form"] != ""]
    judged = by_cell(published)
    questions = [q for q in layout.questions if q in set(zip(published["query"], published["metric"], strict=True))]
    methods = [m for m in layout.methods if m in set(zip(published["model"], published["variant"], strict=True))]
    columns = [(q, m) for q in questions for m in methods]
    datasets = [d for _, group in layout.groups() for d in group if d in set(published["dataset"])]
    with styled():
        figure, axes = new_figure(2.2 + 0.72 * len(columns), 1.5 + 0.3 * len(datasets))
        axis: Axes = axes[0, 0]
        for y, dataset in enumerate(datasets):
            for x, (question, method) in enumerate(columns):
                line = judged.get((dataset, *question, *method))
                if line is None:
                    continue
                colour = COLOURS.get(line["verdict"], "#FFFFFF")
                axis.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
                ratio = number(float(np.exp(line["log_ratio"]))) if not np.isnan(line["log_ratio"]) else line["verdict"]
                text = f"{SYMBOLS.get(line['verdict'], '')} {ratio}".strip()
                axis.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=7, color=_ink(colour))
        for i in range(1, len(questions)):
            axis.axvline(i * len(methods), color="#404040", linewidth=1)
        axis.set(xlim=(0, len(columns)), ylim=(len(datasets), 0))
        axis.set_xticks(np.arange(len(columns)) + 0.5, [short_name(m, methods, layout) for _, m in columns])
        axis.set_yticks(np.arange(len(datasets)) + 0.5, [layout.dataset(d) for d in datasets])
        top = axis.secondary_xaxis("top")
        top.set_xticks(
            [(i + 0.5) * len(methods) for i in range(len(questions))],
            [question_name(q).replace(" (", "\n(") for q in questions],
        )
        for part in (axis, top):
            part.tick_params(length=0)
            part.grid(False)
        top.spines[:].set_visible(False)
        axis.spines[:].set_visible(False)
        present = [w for w in COLOURS if (published["verdict"] == w).any()]
        handles = [Patch(color=COLOURS[w], label=f"{SYMBOLS.get(w, '')} {w}".strip()) for w in present]
        legend_below(figure, handles)
        figure.suptitle(f"Ours / {layout.theirs}", size=10)
    return figure
