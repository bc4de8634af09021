"""Two plots of pairs: predicted against true counterfactuals, and one method against another seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...judging.cells import QUESTION, Method, text_columns
from ...judging.intervals import log
from ...judging.paired import contrast
from ..layout import Layout, question_name
from ..tables.relative import seeds_of
from .style import legend_below, log_axis, method_colours, new_figure, styled


def counterfactuals(
    answers: pd.DataFrame, layout: Layout, *, title: str = "", panels: int = 12, points: int = 400
) -> Figure:
    """Predicted against true counterfactual values, a panel a pair of intervened node and affected node.

    `answers` has the columns ``intervened, node, true, predicted, model, variant``, of one SCM at one seed. Shown are
    the first `panels` pairs and, evenly spread over the rows, at most `points` points a method; the corner of a panel
    has the mean squared error of every method over all of its rows. Raises `ValueError` for a missing column.
    """
    needed = ["intervened", "node", "true", "predicted", "model"]
    if missing := [c for c in needed if c not in answers.columns]:
        raise ValueError(f"counterfactual answers lack the column(s) {missing}; there are {list(answers.columns)}")
    answers = text_columns(answers, ["intervened", "node", "model", "variant"])
    pairs = list(answers.groupby(["intervened", "node"], sort=False))
    there = set(zip(answers["model"], answers["variant"], strict=True))
    methods = [m for m in layout.methods if m in there] + sorted(there - set(layout.methods))
    colours = method_colours(methods)
    shown = pairs[:panels]
    columns = min(4, len(shown)) or 1
    rows = -(-len(shown) // columns) or 1
    with styled():
        figure, axes = new_figure(0.5 + 2.3 * columns, 1.0 + 2.2 * rows, rows, columns)
        for axis, ((intervened, node), group) in zip(axes.flat, shown, strict=False):
            _against_truth(axis, group, methods, colours, points)
            axis.set_title(f"{node} under do({intervened})")
        for axis in axes.flat[len(shown) :]:
            axis.set_visible(False)
        for axis in axes[:, 0]:
            axis.set_ylabel("predicted")
        for j in range(columns):
            lowest = max(i for i in range(rows) if i * columns + j < len(shown)) if shown else 0
            axes[lowest, j].set_xlabel("true")
        left_out = f" ({len(shown)} of {len(pairs)} pairs of nodes)" if len(pairs) > len(shown) else ""
        figure.suptitle(title + left_out, size=10)
        handles = [Line2D([], [], marker="o", linestyle="", color=colours[m], label=layout.method(m)) for m in methods]
        legend_below(figure, [*handles, Line2D([], [], color="black", linewidth=0.8, label="predicted = true")])
    return figure


def _against_truth(axis: Axes, group: pd.DataFrame, methods: Sequence[Method], colours: Any, points: int) -> None:
    own = {m: group[(group["model"] == m[0]) & (group["variant"] == m[1])] for m in methods}
    errors = {m: float(((rows["predicted"] - rows["true"]) ** 2).mean()) for m, rows in own.items() if len(rows)}
    for method in sorted(errors, key=lambda m: -errors[m]):  # the worst below, so that it hides nobody
        rows = own[method]
        some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(points, len(rows))).round().astype(int))]
        style = {"s": 7, "alpha": 0.55, "linewidth": 0, "rasterized": True, "legend": False}
        sns.scatterplot(x=some["true"], y=some["predicted"], color=colours[method], ax=axis, **style)
    low, high = group["true"].min(), group["true"].max()
    axis.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=3)
    for i, (method, error) in enumerate(errors.items()):
        place = {"transform": axis.transAxes, "ha": "left", "va": "top", "size": 7}
        dark = tuple(0.75 * c for c in colours[method])
        text = axis.text(0.04, 0.96 - 0.09 * i, f"MSE {error:.2g}", color=dark, **place)
        text.set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5})
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
    datasets = [d for _, group in layout.groups() for d in group if d in set(table["dataset"])]
    names = [layout.dataset(d) for d in datasets]
    with styled():
        figure, axes = new_figure(
            1.2 + 2.4 * len(questions), 1.2 + 0.26 * len(datasets), 1, len(questions), sharey=True
        )
        for axis, question in zip(axes.flat, questions, strict=True):
            part = both[(both["query"] == question[0]) & (both["metric"] == question[1])]
            lines = part["dataset"].map({d: y for y, d in enumerate(datasets)}).to_numpy(dtype=float)
            spread = 0.08 * (
                part.groupby("dataset").cumcount().to_numpy() % 5 - 2
            )  # so that points hide each other less
            axis.scatter(part["ratio"], lines + spread, color="#0072B2", s=10, alpha=0.6, linewidth=0)
            for y, dataset in enumerate(datasets):
                if line := medians.get((dataset, *question)):
                    ratio, low, high = np.exp([float(line[k]) for k in ("log_ratio", "low", "high")])
                    axis.plot([low, high], [y, y], color="black", linewidth=1.5, zorder=4)
                    axis.plot(ratio, y, "|", color="black", markersize=9, markeredgewidth=1.8, zorder=5)
            axis.axvline(1, color="#606060", linewidth=0.8)
            log_axis(axis, [*part["ratio"], 1.0], which="x")
            low, high = axis.get_xlim()
            axis.set_xlim(min(low, 0.97), max(high, 1.03))  # methods that agree at every seed span nothing
            axis.set_title(question_name(question).replace(" (", "\n("))
            axis.set(xlabel="ratio", ylim=(len(datasets) - 0.5, -0.5))
            axis.set_yticks(range(len(datasets)), names)
            axis.grid(False, axis="y")
        figure.suptitle(
            f"{layout.method(a)} / {layout.method(b)}, seed by seed ({seeds_of(table)}); {layout.better().lower()}",
            size=10,
        )
    return figure


def _of(scores: pd.DataFrame, method: Method) -> pd.DataFrame:
    return scores[(scores["model"] == method[0]) & (scores["variant"] == method[1])][[*QUESTION, "seed", "score"]]
