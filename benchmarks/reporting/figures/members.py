"""Plots of problems with members: the members' errors, paired between methods, and one member's series as predicted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...judging.cells import text_columns
from ...judging.members import member_scores
from ..layout import Layout, question_name
from .fitting import Labels, headline, legend_below, name_axes, wrap
from .style import PAPER, method_colours, method_markers, new_figure, short_name, styled

_EACH = 0.8
"""Inches from method to method."""


def errors_by_member(rows: pd.DataFrame, layout: Layout) -> Figure:
    """Every member's error under every method: a grey line a member, the mean over members in black.

    `rows` are of one dataset, query and metric. A bar is one standard error over members, which is wide because the
    members differ; what tells two methods apart is whether the lines between them go up or down.
    """
    scores = member_scores(rows)
    methods = [m for m in layout.methods if m in scores.columns]
    scores = scores[methods]
    colours, markers, x = method_colours(methods), method_markers(methods), np.arange(len(methods))
    first = rows.iloc[0]
    with styled():
        labels = Labels.of([short_name(m, methods, layout) for m in methods], _EACH)
        wide = max(1.2 + _EACH * len(methods), 4.5)
        figure, axes = new_figure(wide, 3.2 + labels.height)
        axis = axes[0, 0]
        for line in scores.to_numpy():
            axis.plot(x, line, color="#C4C4C4", linewidth=0.7, zorder=1)
        for i, method in enumerate(methods):
            points = {"s": 10, "color": colours[method], "marker": markers[method], "zorder": 2, "linewidth": 0}
            axis.scatter(np.full(len(scores), i), scores[method], **points)
        mean, se = scores.mean(), scores.std(ddof=1) / np.sqrt(len(scores))
        axis.errorbar(x, mean, se, color="black", linestyle="", marker="_", markersize=14, capsize=3, zorder=3)
        for i, m in enumerate(mean):
            text = axis.annotate(f"{m:.3f}", (i, m), (9, 3), textcoords="offset points", size=7, zorder=4)
            text.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.5})
        labels.put(axis, range(len(methods)))
        axis.set_ylabel(wrap(question_name((first["query"], first["metric"])), 2.4, 9))
        axis.set_ylim(bottom=0)
        axis.set_xlim(-0.5, len(methods) - 0.2)
        told = f"{layout.dataset(first['dataset'])}: a line a member,\nmean ± s.e. of {len(scores)} in black"
        name_axes(axis, told, wide - 1)
    return figure


def predicted_series(examples: pd.DataFrame, member: str, layout: Layout) -> Figure:
    """One member's measured series (grey) and what every method predicted for it, a panel a method, floors last.

    `examples` are those of one dataset at one seed. The number in a panel is the median absolute error. Raises
    `ValueError` for a member that the examples do not have.
    """
    examples = text_columns(examples, ["model", "variant", "member"])
    own = examples[examples["member"] == member]
    if own.empty:
        raise ValueError(f"there are no examples of the member {member!r}; there are {sorted(set(examples['member']))}")
    there = set(zip(own["model"], own["variant"], strict=True))
    methods = [m for m in layout.methods if m in there]
    colours = method_colours(methods)
    cause, effect = own.iloc[0][["intervened", "node"]]
    with styled():
        figure, axes = new_figure(7.2, 0.7 + 0.95 * len(methods), len(methods), 1, sharex=True, sharey=True)
        for axis, method in zip(axes[:, 0], methods, strict=True):
            part = own[(own["model"] == method[0]) & (own["variant"] == method[1])]
            axis.plot(part["true"].to_numpy(), color=PAPER, linewidth=0.9)
            axis.plot(part["predicted"].to_numpy(), color=colours[method], linewidth=1.0)
            error = (part["predicted"] - part["true"]).abs().median()
            name_axes(axis, f"{layout.method(method)}, median error {error:.3f}", 6.2, size=8, loc="left", pad=2)
        axes[-1, 0].set_xlabel("volume")
        figure.supylabel(wrap(f"{effect} (standard deviations)", 0.5 + 0.9 * len(methods), 8), size=8)
        measured = Line2D([], [], color=PAPER, label="measured")
        legend_below(
            figure, [measured, Line2D([], [], color="black", label=f"predicted from {cause} (method's colour)")]
        )
        headline(figure, f"{member}: {effect} under do({cause} = measured {cause})", size=9)
    return figure
