"""Box plots in the DCM paper's arrangement: a column a SCM, a row a score, the published boxes beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from ...judging.cells import CELL, NOT_RUN, Method, Question
from ...judging.published import Published
from ..layout import Layout, question_name
from ..tables.scores import by_cell
from .style import PAPER, legend_below, log_axis, method_colours, new_figure, styled

COLUMNS = 4
"""SCMs a figure, as in the paper."""

_EDGE = "#303030"
_LINES: dict[str, dict[str, Any]] = {
    "oracle": {"color": "black", "linestyle": (0, (4, 2)), "linewidth": 0.9, "zorder": 1},
    "posterior": {"color": "black", "linestyle": ":", "linewidth": 1.2, "zorder": 1},
}
_LABELS = {"oracle": "oracle (if in range)", "posterior": "least reachable error (if in range)"}
_NEAR = 4.0  # a line further below the lowest value than this factor is left outside the axes
_LOG_FROM = 10.0  # a row of axes whose values span more than this factor is drawn on logarithmic axes


def pages(layout: Layout) -> Iterator[tuple[str, str, list[str]]]:
    """(file name, heading, datasets) of each figure: a group's SCMs, at most `COLUMNS` a figure."""
    for heading, datasets in layout.groups():
        for i in range(0, len(datasets), COLUMNS):
            part = f"_{i // COLUMNS + 1}" if len(datasets) > COLUMNS else ""
            yield f"boxes_{heading.split(' ')[0]}{part}", heading, datasets[i : i + COLUMNS]


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
    """The boxes of `datasets`, our seeds' (colour) beside the published ones (grey), and the oracle's median as a line.

    For counterfactuals, where the oracle's error is 0, the line is the posterior mean's: the least that can be reached.

    Boxes are quartiles, whiskers reach the last point within 1.5 interquartile ranges, points beyond are drawn; a cell
    of `found` without scores has its state in words. `questions` are those of the layout that the paper answers, or all
    of them where there is no paper.
    """
    theirs = by_cell(published.cells) if published else {}
    known = {key[1:3] for key in theirs}
    rows = list(questions or [q for q in layout.questions if q in known or not known])
    finite = scores[np.isfinite(scores["score"].to_numpy(dtype=float))]
    ours: dict[Any, NDArray] = {
        key: layout.scale * group["score"].to_numpy(dtype=float) for key, group in finite.groupby(CELL, sort=False)
    }
    draw = _Drawing(layout, ours, theirs, by_cell(found))
    per_axes = max(1.9, draw.slots * 0.2 + 0.5)
    with styled():
        figure, axes = new_figure(0.6 + per_axes * len(datasets), 1.1 + 1.8 * len(rows), len(rows), len(datasets))
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
            _scale(axes[i], drawn)
            axes[i, 0].set_ylabel(_axis_label(question, layout))
        for j, dataset in enumerate(datasets):
            axes[0, j].set_title(layout.problem(dataset))
        handles: list[Any] = [Patch(facecolor=PAPER, edgecolor=_EDGE, label=layout.theirs)] if theirs else []
        handles += [Patch(facecolor=c, edgecolor=_EDGE, label=layout.method(m)) for m, c in draw.colours.items()]
        run = {key[3] for key in ours}
        handles += [Line2D([], [], **style, label=_LABELS[name]) for name, style in _LINES.items() if name in run]
        legend_below(figure, handles)
        figure.suptitle(title, size=10)
    return figure


def _axis_label(question: Question, layout: Layout) -> str:
    query, _, metric = question_name(question).partition(" ")
    first, _, rest = metric.partition(" (")
    factor = f" ({layout.factor()})" if layout.factor() else ""
    return "\n".join(filter(None, [query, first + factor, rest.rstrip(")")]))


class _Drawing:
    """What the panels of a figure share: scores, published cells, colours and the place of every box."""

    def __init__(
        self, layout: Layout, ours: Mapping[Any, NDArray], theirs: Mapping[Any, Any], found: Mapping[Any, Any]
    ):
        self.layout, self.ours, self.theirs, self.found = layout, ours, theirs, found
        methods = [m for m in layout.methods if m not in layout.floors()]
        self.colours = method_colours(methods)
        self.groups: dict[str, list[Method]] = {}
        for method in methods:
            self.groups.setdefault(method[0], []).append(method)
        published = {key[3:] for key in theirs}
        self.papers = {model: [m for m in group if m in published] for model, group in self.groups.items()}
        self.per_group = max((len(g) + len(self.papers[m]) for m, g in self.groups.items()), default=1)
        self.slots = self.per_group * len(self.groups)

    def panel(self, axis: Axes, dataset: str, question: Question) -> list[float]:
        """Draw one SCM's boxes; returns the values drawn."""
        step, values = 0.86 / self.per_group, []
        for x, (model, group) in enumerate(self.groups.items()):
            entries = [("paper", m) for m in self.papers[model]] + [("ours", m) for m in group]
            for k, (side, method) in enumerate(entries):
                place, cell = x + (k - (len(entries) - 1) / 2) * step, (dataset, *question, *method)
                if side == "paper" and cell in self.theirs:
                    values += self._published(axis, self.theirs[cell], place, 0.82 * step)
                elif side == "ours" and cell in self.ours:
                    stats = boxplot_stats(self.ours[cell])[0]
                    values += _draw(axis, stats, place, 0.82 * step, self.colours[method])
                elif side == "ours":
                    word = self.found.get(cell, {"state": NOT_RUN})["state"]
                    where = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "center"}
                    text = axis.text(place, 0.5, word, rotation=90, size=7, **where)
                    text.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 1})
        labels = [self.layout.names[group[0]].split(" (")[0] for group in self.groups.values()]
        axis.set_xticks(range(len(labels)), labels)
        axis.set_xlim(-0.5, max(len(labels), 1) - 0.5)  # a run of floors alone has no method to draw
        axis.grid(False, axis="x")
        axis.tick_params(axis="x", length=0)
        return values

    def _published(self, axis: Axes, line: Mapping[Any, Any], place: float, width: float) -> list[float]:
        if line["form"] == "moments":
            mean, sd = self.layout.scale * line["mean"], self.layout.scale * line["sd"]
            axis.errorbar(place, mean, sd, fmt="o", color=PAPER, markersize=4, capsize=2)
            return [mean - sd, mean + sd]
        return _draw(axis, _published_stats(line, self.layout.scale), place, width, PAPER)


def _published_stats(line: Mapping[Any, Any], scale: float) -> dict[str, Any]:
    low, high = (line[b] if np.isnan(line[a]) else line[a] for a, b in (("whisker_low", "q1"), ("whisker_high", "q3")))
    numbers = {"whislo": low, "q1": line["q1"], "med": line["median"], "q3": line["q3"], "whishi": high}
    return {**{k: scale * x for k, x in numbers.items()}, "fliers": [scale * x for x in line["outliers"]]}


def _draw(axis: Axes, stats: Mapping[str, Any], place: float, width: float, colour: Any) -> list[float]:
    line = {"color": _EDGE, "linewidth": 0.8}
    point = {"marker": "o", "markersize": 2.5, "markerfacecolor": colour, "markeredgecolor": _EDGE}
    axis.bxp(
        [dict(stats)],
        positions=[place],
        widths=width,
        patch_artist=True,
        manage_ticks=False,
        zorder=2,
        boxprops={"facecolor": colour, "edgecolor": _EDGE, "linewidth": 0.8},
        medianprops={"color": "black", "linewidth": 1.4},
        whiskerprops=line,
        capprops=line,
        flierprops={**point, "markeredgewidth": 0.5},
    )
    return [float(stats["whislo"]), float(stats["whishi"]), *map(float, stats["fliers"])]


def _scale(row: Sequence[Axes], drawn: Sequence[Sequence[float]]) -> None:
    """One kind of axis for a whole row: logarithmic where values are positive and one panel spans much."""
    spans = [max(values) / min(values) for values in drawn if values and min(values) > 0]
    positive = all(min(values) > 0 for values in drawn if values)
    for axis, values in zip(row, drawn, strict=True):
        if positive and spans and max(spans) > _LOG_FROM and values:
            log_axis(axis, values)
            axis.set_ylim(min(values) / 1.25, max(values) * 1.25)
        elif positive and values:
            axis.set_ylim(0, max(values) * 1.08)
