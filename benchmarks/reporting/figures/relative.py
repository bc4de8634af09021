"""Every method against one of them, paired by seed: which differences exceed the noise of the seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ...judging.cells import Method, Question
from ...judging.paired import HIGHER, LOWER
from ..layout import Layout, question_name
from ..render import number
from ..tables.relative import SAME_MEMBERS, lines_of, methods_of, questions_of, seeds_of
from .fitting import Labels, headline, legend_below, name_axes, name_rows, widest
from .style import described, ink, new_figure, styled

LIMIT = np.log(4)
"""Ratios beyond 1/4 and 4 have the colour of these."""

WIDEST = 13.0
"""Inches: beyond it panels stand below each other, so that digits can be read where the figure is shown."""

_WIDE, _HIGH = 0.56, 0.27
"""Inches of a cell."""


def relative_map(compared: pd.DataFrame, base: Method, layout: Layout, *, members: bool = False) -> Figure:
    """A panel a question, a row a method, a column a SCM: mean ratio by seed, an arrow where 1 is left out."""
    methods, questions = methods_of(compared, layout), questions_of(compared, layout)
    datasets = [d for _, group in layout.groups() for d in group if d in set(compared["dataset"])]
    norm, colours = TwoSlopeNorm(0.0, -LIMIT, LIMIT), "RdBu_r"
    rows, names = [layout.method(m) for m in methods], [layout.dataset(d) for d in datasets]
    with styled():
        each = max(_WIDE * len(datasets), 2.4) + 0.3
        beside = 2 if len(questions) > 1 and widest(rows) + 2 * each < WIDEST else 1
        lines = -(-len(questions) // beside) or 1
        labels = Labels.of(names, _WIDE)
        named_rows = 1 if lines == 1 or len(questions) == lines * beside else 2  # rows of panels with names below
        high = lines * (0.45 + _HIGH * len(methods)) + named_rows * labels.height
        wide = max(widest(rows) + beside * each, 6.0)
        figure, axes = new_figure(wide, 1.5 + high, lines, beside, sharey=True)
        mapped = ScalarMappable(norm, colours)
        for i, (axis, question) in enumerate(zip(axes.flat, questions, strict=False)):
            _panel(axis, compared, methods, datasets, question, mapped)
            name_axes(axis, question_name(question), each)
            name_rows(axis, rows, list(np.arange(len(methods)) + 0.5))
            if i + beside >= len(questions):
                labels.put(axis, list(np.arange(len(datasets)) + 0.5))
            else:
                axis.set_xticks([])
        for axis in axes.flat[len(questions) :]:
            axis.set_visible(False)
        shades = {"≤ 0.25": -LIMIT, "0.5": -LIMIT / 2, "1": 0.0, "2": LIMIT / 2, "≥ 4": LIMIT}
        faces = mapped.to_rgba(np.array(list(shades.values())))
        named = zip(shades, faces, strict=True)
        legend_below(figure, [Patch(facecolor=tuple(c), edgecolor="#808080", label=name) for name, c in named])
        told = f"Score of each method / score of {layout.method(base)}, paired by seed; {layout.better().lower()}; "
        told += f"bold ↓ ↑: the 95 % interval over {seeds_of(compared)} seeds leaves out 1"
        headline(figure, f"{told}; {SAME_MEMBERS}" if members else told)
    asked = ", ".join(question_name(q) for q in questions)
    return described(figure, f"Scores of {', '.join(rows)} over those of {layout.method(base)} by SCM: {asked}.")


def _panel(
    axis: Axes,
    compared: pd.DataFrame,
    methods: Sequence[Method],
    datasets: Sequence[str],
    question: Question,
    colours: ScalarMappable,
) -> None:
    for y, method in enumerate(methods):
        for line in lines_of(compared, method, question).to_dict("records"):
            x, r = list(datasets).index(line["dataset"]), float(line["log_ratio"])
            colour = colours.to_rgba(np.array([np.clip(r, -LIMIT, LIMIT)]))[0]
            axis.add_patch(Rectangle((x, y), 1, 1, facecolor=tuple(colour), edgecolor="white", linewidth=1))
            mark = {LOWER: "↓", HIGHER: "↑"}.get(line["change"], "")
            text, weight = _short(float(np.exp(r))) + mark, "bold" if mark else "normal"
            axis.text(x + 0.5, y + 0.5, text, ha="center", va="center", size=6.5, color=ink(colour[:3]), weight=weight)
    axis.set(xlim=(0, max(len(datasets), 1)), ylim=(max(len(methods), 1), 0))
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)


def _short(ratio: float) -> str:
    """A ratio as it fits a cell: three digits, from 10,000 on the power of ten alone.

    >>> _short(0.24743), _short(1234.5), _short(1.6e9)
    ('0.247', '1,234', '2e+09')
    """
    return number(ratio) if not 1e4 <= ratio < np.inf else f"{ratio:.0e}"
