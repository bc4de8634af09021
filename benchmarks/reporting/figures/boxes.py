"""Box plots in the DCM paper's arrangement: a column a SCM, a row a score, the published boxes (hollow) beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from ...judging.cells import CELL, NOT_RUN, Method, Question
from ...judging.published import Published
from ..layout import Layout, question_name
from ..tables.scores import by_cell
from .fitting import Labels, headline, legend_below, name_axes, wrap
from .style import described, log_axis, method_colours, method_hatches, new_figure, styled

COLUMNS = 4
"""SCMs a figure at most, as in the paper."""

WIDEST = 14.0
"""Inches that a figure should not exceed: it then has fewer SCMs."""

HOLLOW = "#FFFFFF"
"""What fills the published boxes: no tint of a method's, in print neither."""

_STEP, _GAP = 0.2, 0.16
"""Inches from box to box, and more between two models."""

_WIDTH = 0.82
"""Of a box, of the step from box to box."""

_EDGE = "#303030"
_LINES: dict[str, dict[str, Any]] = {
    "oracle": {"color": "black", "linestyle": (0, (4, 2)), "linewidth": 0.9, "zorder": 1},
    "posterior": {"color": "black", "linestyle": ":", "linewidth": 1.2, "zorder": 1},
}
_LABELS = {"oracle": "oracle (if in range)", "posterior": "least reachable error (if in range)"}
_NEAR = 4.0  # a line further below the lowest value than this factor is left outside the axes
_LOG_FROM = 10.0  # a row of axes whose values span more than this factor is drawn on logarithmic axes


def pages(layout: Layout, published: Published | None = None) -> Iterator[tuple[str, str, list[str]]]:
    """(file name, heading, datasets) of each figure: a group's SCMs, as many a figure as its width has room for."""
    each = _Places(layout, published).width
    most = max(1, min(COLUMNS, int(WIDEST / each)))
    for heading, datasets in layout.groups():
        for i in range(0, len(datasets), most):
            part = f"_{i // most + 1}" if len(datasets) > most else ""
            yield f"boxes_{heading.split(' ')[0] or 'all'}{part}", heading, datasets[i : i + most]


def boxes(
    scores: pd.DataFrame,
    found: pd.DataFrame,
    layout: Layout,
    published: Published | None,
    datasets: Sequence[str],
    *,
    questions: Sequence[Question] | None = None,
    title: str = "",
) -> Figure:
    """The boxes of `datasets`: our seeds' (filled), beside them the published (hollow); the oracle's median as a line.

    For counterfactuals, where the oracle's error is 0, the line is the posterior mean's: the least that can be reached.

    Boxes are quartiles, whiskers reach the last point within 1.5 interquartile ranges, points beyond are drawn; a box
    too flat to show its colour has a point of it. A cell of `found` without scores has its state in words. `questions`
    are those of the layout that the paper answers, or all of them where there is no paper.
    """
    theirs = by_cell(published.cells) if published else {}
    known = {key[1:3] for key in theirs}
    rows = list(questions or [q for q in layout.questions if q in known or not known])
    finite = scores[np.isfinite(scores["score"].to_numpy(dtype=float))]
    ours: dict[Any, NDArray] = {
        key: layout.scale * group["score"].to_numpy(dtype=float) for key, group in finite.groupby(CELL, sort=False)
    }
    draw = _Drawing(layout, ours, published, by_cell(found))
    with styled():
        wide = max(0.6 + draw.at.width * len(datasets), 5.5)
        each = (wide - 0.6) / len(datasets)
        models = [layout.names[group[0]].split(" (")[0] for group in draw.at.groups.values()]
        labels = Labels.of(models, draw.at.least(each))
        figure, axes = new_figure(wide, 1.1 + 1.8 * len(rows) + labels.height, len(rows), len(datasets))
        for i, question in enumerate(rows):
            drawn = []
            for j, dataset in enumerate(datasets):
                values = draw.panel(axes[i, j], dataset, question)
                for name, style in _LINES.items():
                    level = float(np.median(ours.get((dataset, *question, name, ""), [np.nan])))
                    if level > 0 and (name == "oracle" or question[0] == "counterfactual"):
                        axes[i, j].axhline(level, **style)
                        if values and level > min(values) / _NEAR:
                            values.append(level)
                drawn.append(values)
            log = _scale(axes[i], drawn)
            axes[i, 0].set_ylabel(_axis_label(question, layout, log=log))
            for axis in axes[i]:
                axis.set_xticks([])
        for j, dataset in enumerate(datasets):
            name_axes(axes[0, j], layout.problem(dataset), each - 0.3)
            labels.put(axes[-1, j], draw.at.centres())
        draw.points_on_flat_boxes(figure)
        legend_below(figure, draw.handles())
        if title:
            headline(figure, title)
    whose = ", ".join(layout.method(m) for m in draw.at.methods)
    asked = ", ".join(question_name(q) for q in rows)
    beside = f", beside those of the {layout.theirs}" if theirs else ""
    where = ", ".join(map(layout.dataset, datasets))
    return described(figure, f"Box plots of {asked} on {where}: the seeds of {whose}{beside}.")


def _axis_label(question: Question, layout: Layout, *, log: bool) -> str:
    query, _, metric = question_name(question).partition(" ")
    first, _, rest = metric.partition(" (")
    units = ", ".join(filter(None, [layout.factor(), "log" if log else ""]))
    lines = [query, first + (f" ({units})" if units else ""), rest.rstrip(")")]
    return "\n".join(wrap(line, 1.7, 9) for line in lines if line)


class _Places:
    """Where every box stands, in steps of `_STEP` inches: models side by side, what is published before ours."""

    def __init__(self, layout: Layout, published: Published | None):
        self.methods = [m for m in layout.methods if m not in layout.floors()]
        known = set() if published is None else {key[3:] for key in by_cell(published.cells)}
        self.groups: dict[str, list[Method]] = {}
        for method in self.methods:
            self.groups.setdefault(method[0], []).append(method)
        self.x: dict[tuple[str, Method], float] = {}
        end = 0.0
        for group in self.groups.values():
            for side, method in [("paper", m) for m in group if m in known] + [("ours", m) for m in group]:
                self.x[side, method] = end
                end += 1
            end += _GAP / _STEP
        self.end = max(end - _GAP / _STEP, 1.0)

    @property
    def width(self) -> float:
        """Inches of a panel, its own scale included."""
        return max(1.9, _STEP * (self.end + 1) + 0.5)

    def least(self, width: float) -> float:
        """Inches from one model's centre to the next, at least, in a panel of that width."""
        centres = self.centres()
        return (width - 0.6) / (self.end + 0.6) * min(np.diff(centres)) if len(centres) > 1 else width - 0.6

    def centres(self) -> list[float]:
        """The middle of each model's boxes."""
        return [float(np.mean([x for (_, m), x in self.x.items() if m[0] == model])) for model in self.groups]


class _Drawing:
    """What the panels of a figure share: scores, published cells, colours and the place of every box."""

    def __init__(
        self, layout: Layout, ours: Mapping[Any, NDArray], published: Published | None, found: Mapping[Any, Any]
    ):
        self.layout, self.ours, self.found = layout, ours, found
        self.theirs = by_cell(published.cells) if published else {}
        self.at = _Places(layout, published)
        self.colours, self.hatches = method_colours(self.at.methods), method_hatches(self.at.methods)
        self.flat: list[tuple[Axes, float, Mapping[str, Any], Any]] = []

    def panel(self, axis: Axes, dataset: str, question: Question) -> list[float]:
        """Draw one SCM's boxes; returns the values drawn."""
        values: list[float] = []
        for (side, method), place in self.at.x.items():
            cell = (dataset, *question, *method)
            if side == "paper" and cell in self.theirs:
                values += self._published(axis, self.theirs[cell], place)
            elif side == "ours" and cell in self.ours:
                stats = boxplot_stats(self.ours[cell])[0]
                values += _draw(axis, stats, place, self.colours[method], self.hatches[method])
                self.flat.append((axis, place, stats, self.colours[method]))
            elif side == "ours":
                word = self.found.get(cell, {"state": NOT_RUN})["state"]
                where = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "center"}
                text = axis.text(place, 0.5, word, rotation=90, size=7, **where)
                text.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 1})
        axis.autoscale_view()
        axis.set_xlim(-0.8, self.at.end - 0.2)  # a run of floors alone has no method to draw
        axis.grid(False, axis="x")
        return values

    def points_on_flat_boxes(self, figure: Figure) -> None:
        """A point in the method's colour on every box of which its two quartiles fall together on paper."""
        for axis, place, stats, colour in self.flat:
            ends = axis.transData.transform([(place, stats["q1"]), (place, stats["q3"])])[:, 1]
            if abs(ends[1] - ends[0]) < 0.05 * figure.dpi:
                edge = {"markeredgecolor": _EDGE, "markeredgewidth": 0.6}
                axis.plot(place, stats["med"], "o", color=colour, markersize=4.5, zorder=4, **edge)

    def handles(self) -> list[Any]:
        """What the legend explains."""
        box = {"edgecolor": _EDGE, "linewidth": 0.8}
        whose = [Patch(facecolor=HOLLOW, label=self.layout.theirs, **box)] if self.theirs else []
        ours = [
            Patch(facecolor=c, hatch=self.hatches[m], label=self.layout.method(m), **box)
            for m, c in self.colours.items()
        ]
        run = {key[3] for key in self.ours}
        lines = [Line2D([], [], **style, label=_LABELS[name]) for name, style in _LINES.items() if name in run]
        return [*whose, *ours, *lines]

    def _published(self, axis: Axes, line: Mapping[Any, Any], place: float) -> list[float]:
        if line["form"] == "moments":
            mean, sd = self.layout.scale * line["mean"], self.layout.scale * line["sd"]
            axis.errorbar(place, mean, sd, fmt="o", color=_EDGE, markerfacecolor=HOLLOW, markersize=4, capsize=2)
            return [mean - sd, mean + sd]
        return _draw(axis, _published_stats(line, self.layout.scale), place, HOLLOW)


def _published_stats(line: Mapping[Any, Any], scale: float) -> dict[str, Any]:
    low, high = (line[b] if np.isnan(line[a]) else line[a] for a, b in (("whisker_low", "q1"), ("whisker_high", "q3")))
    numbers = {"whislo": low, "q1": line["q1"], "med": line["median"], "q3": line["q3"], "whishi": high}
    return {**{k: scale * x for k, x in numbers.items()}, "fliers": [scale * x for x in line["outliers"]]}


def _draw(axis: Axes, stats: Mapping[str, Any], place: float, colour: Any, hatch: str = "") -> list[float]:
    """Draw one box. Axes.bxp makes seven artists of it, each with its defaults looked up, for every box of a report."""
    low, q1, med, q3, high = (float(stats[name]) for name in ("whislo", "q1", "med", "q3", "whishi"))
    left, right = place - _WIDTH / 2, place + _WIDTH / 2
    outline = Path([(left, q1), (right, q1), (right, q3), (left, q3), (left, q1)], closed=True)
    axis.add_patch(PathPatch(outline, facecolor=colour, edgecolor=_EDGE, linewidth=0.8, hatch=hatch, zorder=2))
    gap, ends = np.nan, (place - _WIDTH / 4, place + _WIDTH / 4)
    xs, ys = [place, place, gap] * 2 + [*ends, gap] * 2, [q1, low, gap, q3, high, gap, low, low, gap, high, high, gap]
    axis.add_line(Line2D(xs, ys, color=_EDGE, linewidth=0.8, zorder=2))
    axis.add_line(Line2D([left, right], [med, med], color="black", linewidth=1.4, zorder=2.1))
    if len(stats["fliers"]):
        point = {"marker": "o", "markersize": 2.5, "markerfacecolor": colour, "markeredgecolor": _EDGE}
        beyond = Line2D([place] * len(stats["fliers"]), stats["fliers"], linestyle="none", markeredgewidth=0.5, **point)
        axis.add_line(beyond).set_zorder(2)
    return [low, high, *map(float, stats["fliers"])]


def _scale(row: Sequence[Axes], drawn: Sequence[Sequence[float]]) -> bool:
    """One kind of axis for a whole row: logarithmic (then true) where values are positive and a panel spans much."""
    spans = [max(values) / min(values) for values in drawn if values and min(values) > 0]
    positive = all(min(values) > 0 for values in drawn if values)
    log = positive and bool(spans) and max(spans) > _LOG_FROM
    for axis, values in zip(row, drawn, strict=True):
        if log and values:
            log_axis(axis, values)
            axis.set_ylim(min(values) / 1.25, max(values) * 1.25)
        elif positive and values:
            axis.set_ylim(0, max(values) * 1.08)
    return log
