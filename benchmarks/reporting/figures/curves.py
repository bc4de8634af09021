"""Curves of image scores: along a sweep, over cycles of composition, and every proxy against the truth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...judging.cells import Method
from ...judging.curves import Curve
from ...judging.intervals import Estimate
from ...judging.proxies import PROXIES, TRUTH, Pairs, agreement
from ...judging.rule import LEAST
from ...judging.sweeps import Sweep
from ..layout import Layout, metric_name
from .fitting import headline, legend_below, name_axes, wrap
from .style import PAPER, described, log_axis, method_colours, method_markers, new_figure, short_name, styled

SWEPT = (TRUTH, "validity", "cld", "im1_median", "im2_median", "l1", "composition_1", "frechet64")
"""Scores along a sweep, in the order of their panels."""

COMPOSITION = re.compile(r"composition_(\d+)")
"""The scores of composition, by the number of cycles."""

_LOG_FROM = 10.0
"""Errors that span more than this factor are drawn on a logarithmic axis."""

_GREY: dict[str, Any] = {"color": PAPER, "marker": "o", "markersize": 2.5, "linewidth": 1.2}
_DASHED: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 0.9}

BEYOND = ["#606060", "#8C6D31", "#7F3C8D", "#A0A0A0"]
"""Colours of what is no method of the sweep."""


def along(
    scores: pd.DataFrame,
    sweep: Sweep,
    layout: Layout,
    *,
    dataset: str,
    beside: Sequence[Method] = (),
    published: Sequence[Curve] = (),
) -> Figure:
    """Scores over the value of a sweep, a panel a score: the mean over seeds and its 95 % interval (Student's t).

    With fewer than `LEAST` seeds a point a seed is drawn instead of an interval. `beside` are methods drawn as
    horizontal lines, such as floors; `published` are curves of papers, drawn in their score's panel. Raises
    `ValueError` where the sweep has no score.
    """
    part = scores[(scores["dataset"] == dataset) & np.isfinite(scores["score"].to_numpy(dtype=float))]
    by_score = {name: _first_query(part[part["metric"] == name]) for name in SWEPT}
    there = [name for name, rows in by_score.items() if _of(rows, sweep.methods).any()]
    if not there:
        raise ValueError(f"the sweep of {sweep.option} has no score that is drawn ({', '.join(SWEPT)})")
    colour = method_colours(sweep.methods)[sweep.methods[0]]
    columns = min(4, len(there))
    lines = -(-len(there) // columns)
    theirs = {curve.metric: curve for curve in published if curve.metric in there}
    lined: list[Method] = []
    with styled():
        figure, axes = new_figure(0.6 + 2.3 * columns, 0.9 + 2.0 * lines, lines, columns)
        for axis, name in zip(axes.flat, there, strict=False):
            rows = by_score[name]
            _curve(axis, rows, sweep, colour)
            for method in beside:
                level = rows[_of(rows, [method])]["score"].median()
                if not np.isnan(level):
                    lined += [method] if method not in lined else []
                    axis.axhline(
                        level, color=BEYOND[lined.index(method) % len(BEYOND)], linestyle=(0, (4, 2)), linewidth=0.9
                    )
            if name in theirs:
                axis.plot(
                    theirs[name].x, theirs[name].y, color=PAPER, marker="o", markersize=2.5, linewidth=1.2, zorder=1
                )
            name_axes(axis, metric_name(name), 2.1)
            axis.set_xlabel(wrap(sweep.option.replace("_", " "), 2.1, 9))
        for axis in axes.flat[len(there) :]:
            axis.set_visible(False)
        handles: list[Any] = [Line2D([], [], color=colour, marker="o", markersize=3, label=sweep.name)]
        handles += [
            Line2D(
                [], [], color=BEYOND[i % len(BEYOND)], linestyle=(0, (4, 2)), linewidth=0.9, label=layout.method(method)
            )
            for i, method in enumerate(lined)
        ]
        handles += [Line2D([], [], **_GREY, label=f"paper ({metric_name(name)})") for name in theirs]
        legend_below(figure, handles)
    values = f"{sweep.points[0][0]:g} to {sweep.points[-1][0]:g}"
    names = ", ".join(metric_name(name) for name in there)
    return described(figure, f"{sweep.name} on {layout.dataset(dataset)}: {names} over {sweep.option} from {values}.")


def _curve(axis: Axes, rows: pd.DataFrame, sweep: Sweep, colour: Any) -> None:
    x, mean, low, high = [], [], [], []
    for value, method in sweep.points:
        found = rows[_of(rows, [method])]["score"].to_numpy(dtype=float)
        if len(found) == 0:
            continue
        estimate = Estimate.of_mean(found)
        x.append(value)
        mean.append(estimate.value)
        ends = estimate.interval() if len(found) >= LEAST else (estimate.value, estimate.value)
        low.append(ends[0])
        high.append(ends[1])
        if len(found) < LEAST:
            axis.scatter([value] * len(found), found, s=8, color=colour, alpha=0.5, linewidth=0)
    axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.plot(x, mean, color=colour, marker="o", markersize=3, linewidth=1.4)


def cycles(scores: pd.DataFrame, methods: Sequence[Method], layout: Layout, *, dataset: str) -> Figure:
    """Composition over cycles: how far an image is from itself after k null interventions; median over seeds.

    Raises `ValueError` where no method has a score of composition.
    """
    part = scores[scores["dataset"] == dataset]
    found = part["metric"].astype(str).str.fullmatch(COMPOSITION.pattern)
    part = part[found & np.isfinite(part["score"].to_numpy(dtype=float))]
    part = part.assign(k=part["metric"].astype(str).str.extract(COMPOSITION)[0].astype(int))
    shown = [m for m in methods if _of(part, [m]).any()]
    if not shown:
        raise ValueError(f"{dataset}: no method has a score of composition")
    colours, markers = method_colours(shown), method_markers(shown)
    with styled():
        figure, axes = new_figure(5.5, 3.2 + 0.08 * len(shown))
        axis = axes[0, 0]
        for method in shown:
            line = part[_of(part, [method])].groupby("k")["score"].median()
            style: dict[str, Any] = {"linestyle": (0, (4, 2))} if method in layout.bounds else {}
            style |= {"color": colours[method], "marker": markers[method], "markersize": 3.5, "linewidth": 1.4}
            axis.plot(line.index, line.to_numpy(), **style)
        ticks = sorted(set(part["k"]))
        axis.set_xticks(ticks if len(ticks) < 12 else ticks[:: len(ticks) // 10])
        axis.set_ylim(bottom=0)
        axis.set_xlabel("null interventions")
        axis.set_ylabel("L1 to the factual image")
        handles = [
            Line2D(
                *([], []),
                color=colours[m],
                marker=markers[m],
                markersize=3.5,
                linestyle=(0, (4, 2)) if m in layout.bounds else "-",
                label=short_name(m, shown, layout).replace("\n", " "),
            )
            for m in shown
        ]
        legend_below(figure, handles)
    names = ", ".join(layout.method(m) for m in shown)
    return described(figure, f"Distance of images from themselves after 1 to {max(ticks)} null interventions: {names}.")


def against_truth(found: Pairs, layout: Layout, *, title: str = "") -> Figure:
    """Every proxy against the true error, a point a method; floors hollow; above a panel the rank correlation.

    `found` is that of `proxies.pairs`. The ring marks the method that the proxy would have chosen. Raises
    `ValueError` where no proxy was scored beside the truth.
    """
    told = agreement(found)
    if told.empty:
        raise ValueError("no proxy was scored beside the truth")
    there = {(str(m), str(v)) for both in found.values() for m, v in both.index}
    methods = [m for m in layout.methods if m in there] + sorted(there - set(layout.methods))
    colours = method_colours(methods)
    shapes = method_markers(methods)
    columns = min(4, len(told))
    lines = -(-len(told) // columns)
    with styled():
        figure, axes = new_figure(0.6 + 2.3 * columns, 1.1 + 2.25 * lines, lines, columns)
        for axis, line in zip(axes.flat, told.to_dict("records"), strict=False):
            both = found[line["proxy"]]
            for key, point in both.iterrows():
                method = (str(key[0]), str(key[1]))  # type: ignore[index]
                face = "none" if method in layout.bounds else colours[method]
                style: dict[str, Any] = {"marker": shapes[method], "edgecolor": colours[method], "facecolor": face}
                axis.scatter(point[TRUTH], point[line["proxy"]], s=26, zorder=3, **style)
            ring = both.loc[line["chosen"]]
            hollow: dict[str, Any] = {"s": 110, "facecolor": "none", "edgecolor": "#303030", "linewidth": 0.9}
            axis.scatter(ring[TRUTH], ring[line["proxy"]], **hollow, zorder=4)
            axis.axvline(1, color=PAPER, linestyle=":", linewidth=0.9)
            axis.margins(0.12)
            errors = both[TRUTH].tolist()
            if min(errors) > 0 and max(errors) > _LOG_FROM * min(errors):
                log_axis(axis, errors, which="x")
            better = "higher" if PROXIES[line["proxy"]] else "lower"
            interval = "" if np.isnan(line["low"]) else f" [{line['low']:.2f}, {line['high']:.2f}]"
            rho = "no rank correlation" if np.isnan(line["rho"]) else f"ρ = {line['rho']:.2f}{interval}"
            name_axes(axis, f"{metric_name(line['proxy'])}\n{better} is better, {rho}", 2.2, size=7.5)
            axis.set_xlabel(metric_name(TRUTH))
        for axis in axes.flat[len(told) :]:
            axis.set_visible(False)
        handles: list[Any] = [
            Line2D(
                *([], []),
                marker=shapes[m],
                linestyle="",
                color=colours[m],
                markerfacecolor="none" if m in layout.bounds else colours[m],
                label=short_name(m, methods, layout).replace("\n", " "),
            )
            for m in methods
        ]
        handles.append(
            Line2D(
                *([], []),
                marker="o",
                linestyle="",
                markersize=9,
                markerfacecolor="none",
                color="#303030",
                label="the proxy's choice",
            )
        )
        legend_below(figure, handles)
        if title:
            headline(figure, title)
    said = "; ".join(
        f"{metric_name(row['proxy'])}: {'no rank correlation' if np.isnan(row['rho']) else format(row['rho'], '.2f')}"
        for row in told.to_dict("records")
    )
    return described(figure, f"Proxies against the true counterfactual error of {len(methods)} methods. {said}.")


def _of(rows: pd.DataFrame, methods: Sequence[Method]) -> pd.Series:
    there = zip(rows["model"], rows["variant"], strict=True)
    return pd.Series([m in set(methods) for m in there], index=rows.index, dtype=bool)


def _first_query(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one question, the counterfactual one where there are several: scores of two are not averaged."""
    queries = list(dict.fromkeys(rows["query"]))
    chosen = "counterfactual" if "counterfactual" in queries else (queries or [""])[0]
    return rows[rows["query"] == chosen]
