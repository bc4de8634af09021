"""Two plots of pairs: predicted against true counterfactuals, and one method against another seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...judging.cells import QUESTION, Method, text_columns
from ...judging.intervals import log
from ...judging.paired import contrast
from ..layout import Layout, question_name
from ..tables.relative import seeds_of
from .fitting import headline, legend_below, name_axes, name_rows, widest
from .style import described, log_axis, method_colours, method_markers, new_figure, styled

SIDE = 2.2
"""Inches of a panel of counterfactuals."""

LISTED = 16
"""Methods whose errors stand beside a panel, at most: those with the least."""

ACROSS = 4
"""Panels beside each other, at most."""

_RIM: dict[str, Any] = {"edgecolor": "#303030", "linewidth": 0.3}


def counterfactuals(
    answers: pd.DataFrame, layout: Layout, *, title: str = "", panels: int = 12, points: int = 400
) -> Figure:
    """Predicted against true counterfactual values, a panel a pair of intervened node and affected node.

    `answers` has the columns ``intervened, node, true, predicted, model, variant``, of one SCM at one seed. Shown are
    the first `panels` pairs and, evenly spread over the rows, at most `points` points a method; beside a panel stands
    the mean squared error of every method over all of its rows. Raises `ValueError` for a missing column.
    """
    needed = ["intervened", "node", "true", "predicted", "model"]
    if missing := [c for c in needed if c not in answers.columns]:
        raise ValueError(f"counterfactual answers lack the column(s) {missing}; there are {list(answers.columns)}")
    answers = text_columns(answers, ["intervened", "node", "model", "variant"])
    pairs = list(answers.groupby(["intervened", "node"], sort=False))
    there = set(zip(answers["model"], answers["variant"], strict=True))
    methods = [m for m in layout.methods if m in there] + sorted(there - set(layout.methods))
    colours, markers = method_colours(methods), method_markers(methods)
    shown = pairs[:panels]
    rows = -(-len(shown) // ACROSS) or 1
    columns = -(-len(shown) // rows) or 1  # five panels are three and two, not four and one
    with styled():
        figure, axes = new_figure(0.5 + (SIDE + 0.7) * columns, 1.0 + SIDE * rows, rows, columns)
        for axis, ((intervened, node), group) in zip(axes.flat, shown, strict=False):
            _against_truth(axis, group, methods, colours, markers, points)
            name_axes(axis, f"{node} under do({intervened})", SIDE)
        for axis in axes.flat[len(shown) :]:
            axis.set_visible(False)
        for axis in axes[:, 0]:
            axis.set_ylabel("predicted")
        for j in range(columns):
            lowest = max((i for i in range(rows) if i * columns + j < len(shown)), default=0)
            axes[lowest, j].set_xlabel("true")
        left_out = f" ({len(shown)} of {len(pairs)} pairs of nodes)" if len(pairs) > len(shown) else ""
        headline(figure, f"{title}{left_out}; beside a panel: mean squared errors")
        handles = [
            Line2D([], [], marker=markers[m], linestyle="", color=colours[m], label=layout.method(m)) for m in methods
        ]
        legend_below(figure, [*handles, Line2D([], [], color="black", linewidth=0.8, label="predicted = true")])
    whose = ", ".join(layout.method(m) for m in methods)
    return described(figure, f"Predicted against true counterfactuals, {title}: {whose}.")


def _against_truth(
    axis: Axes, group: pd.DataFrame, methods: Sequence[Method], colours: Any, markers: Any, points: int
) -> None:
    own = {m: group[(group["model"] == m[0]) & (group["variant"] == m[1])] for m in methods}
    errors = {m: float(((rows["predicted"] - rows["true"]) ** 2).mean()) for m, rows in own.items() if len(rows)}
    best = sorted(errors, key=lambda m: errors[m])
    for method in reversed(best):  # the worst below, so that it hides nobody
        rows = own[method]
        some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(points, len(rows))).round().astype(int))]
        style = {"s": 9, "alpha": 0.7, "rasterized": True, "marker": markers[method], **_RIM}
        axis.scatter(some["true"], some["predicted"], color=colours[method], **style)
    low, high = group["true"].min(), group["true"].max()
    axis.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=3)
    for i, method in enumerate(best[:LISTED]):
        y, place = 1 - (i + 0.5) / LISTED, {"transform": axis.transAxes, "clip_on": False}
        axis.plot(1.06, y, markers[method], color=colours[method], markersize=3.5, markeredgewidth=0, **place)
        axis.text(1.12, y, f"{errors[method]:.2g}", ha="left", va="center", size=6, **place)
    axis.set(xlabel="", ylabel="")


def seed_by_seed(scores: pd.DataFrame, a: Method, b: Method, layout: Layout) -> Figure:
    """Method `a` over method `b` at every common seed: a point a seed, the mean and its 95 % interval in black.

    Panels are questions, lines are datasets; a seed at which either score
    is not positive has no ratio and no point. Raises `ValueError` for a method without scores.
    """
    table = contrast(scores, a, b)
    medians = {tuple(row[c] for c in QUESTION): row for row in table.to_dict("records")}
    sides = [_of(scores, method) for method in (a, b)]
    both = sides[0].merge(sides[1], on=[*QUESTION, "seed"], suffixes=("", "_b"))
    both["ratio"] = np.exp(log(both["score"]) - log(both["score_b"]))
    both = both[np.isfinite(both["ratio"]) & (both["ratio"] > 0)]
    questions = [q for q in layout.questions if q in set(zip(table["query"], table["metric"], strict=True))]
    same = [q for q in questions if _identical(both, q)]
    drawn = [q for q in questions if q not in same] or questions
    datasets = [d for _, group in layout.groups() for d in group if d in set(table["dataset"])]
    names = [layout.dataset(d) for d in datasets]
    lines = -(-len(drawn) // ACROSS) or 1
    columns = -(-len(drawn) // lines) or 1
    with styled():
        wide = widest(names) + 2.5 * columns
        figure, axes = new_figure(
            max(wide, 5.0), 0.6 + lines * (0.9 + 0.26 * len(datasets)), lines, columns, sharey=True
        )
        for axis, question in zip(axes.flat, drawn, strict=False):
            part = both[(both["query"] == question[0]) & (both["metric"] == question[1])]
            places = part["dataset"].map({d: y for y, d in enumerate(datasets)}).to_numpy(dtype=float)
            spread = 0.08 * (
                part.groupby("dataset").cumcount().to_numpy() % 5 - 2
            )  # so that points hide each other less
            axis.scatter(part["ratio"], places + spread, color="#0072B2", s=10, alpha=0.6, linewidth=0)
            for y, dataset in enumerate(datasets):
                if line := medians.get((dataset, *question)):
                    ratio, low, high = np.exp([float(line[k]) for k in ("log_ratio", "low", "high")])
                    axis.plot([low, high], [y, y], color="black", linewidth=1.5, zorder=4)
                    axis.plot(ratio, y, "|", color="black", markersize=9, markeredgewidth=1.8, zorder=5)
            axis.axvline(1, color="#606060", linewidth=0.8)
            log_axis(axis, [*part["ratio"], 1.0], which="x")
            low, high = axis.get_xlim()
            axis.set_xlim(min(low, 0.97), max(high, 1.03))  # methods that agree at every seed span nothing
            name_axes(axis, question_name(question).replace(" (", "\n("), 2.3)
            axis.set(xlabel="ratio (log)", ylim=(len(datasets) - 0.5, -0.5))
            name_rows(axis, names, range(len(datasets)))
            axis.grid(False, axis="y")
        for axis in axes.flat[len(drawn) :]:
            axis.set_visible(False)
        told = f"{layout.method(a)} / {layout.method(b)}, seed by seed ({seeds_of(table)}); {layout.better().lower()}"
        if same and drawn != questions:
            told += f"; identical at every seed: {', '.join(question_name(q, short=True) for q in same)}"
        headline(figure, told)
    return described(figure, f"{layout.method(a)} over {layout.method(b)} at every seed, on {', '.join(names)}.")


def _identical(both: pd.DataFrame, question: tuple[str, str]) -> bool:
    """Whether two methods have the same scores throughout, as variants have that only differ in another answer."""
    part = both[(both["query"] == question[0]) & (both["metric"] == question[1])]
    return bool(len(part)) and bool((part["score"] == part["score_b"]).all())


def _of(scores: pd.DataFrame, method: Method) -> pd.DataFrame:
    return scores[(scores["model"] == method[0]) & (scores["variant"] == method[1])][[*QUESTION, "seed", "score"]]
