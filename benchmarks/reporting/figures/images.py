"""Pictures of image answers: the grid of all methods with what they got wrong, and the strip along a sweep.

An image is shown pixel by pixel: every pixel becomes a square of equal size, grey from black to white, and nothing is
smoothed. The ink of digits is bright, as in the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scmbench.datasets.pictures import decode

from ...judging.cells import Method, text_columns
from ...judging.sweeps import Sweep
from ...records.pictures import from_text
from ..layout import Layout
from .fitting import height, width, wrap
from .style import DPI, described, short_name, styled

GAP, BLOCK = 6, 26
"""Pixels between images, and above the images of another intervention."""

WIDE = 1500
"""Pixels that a figure should not exceed, as far as its images may shrink."""

DIFFERENCE = "RdBu_r"
"""Blue where an answer lacks ink, red where it has too much."""

ROOM = 1.4
"""Inches for the name of a row, in as many lines as it takes."""

METHODS = 6
"""Methods a grid shows side by side; further ones go into another."""

KEY = ["intervened", "node", "value", "row"]


@dataclass(frozen=True)
class Shown:
    """One line of a figure: the question, its images by method, and what they are compared with."""

    intervened: str
    value: float
    factual: NDArray[np.float64]
    truth: NDArray[np.float64] | None
    answers: dict[Method, NDArray[np.float64]]

    @property
    def label(self) -> str:
        """``do(digit = 3)``."""
        return f"do({self.intervened} = {self.value:.3g})" if math.isfinite(self.value) else f"do({self.intervened})"

    def aim(self, known: bool) -> NDArray[np.float64]:
        """What an answer is compared with: the truth where it is `known`, else the factual image."""
        return self.truth if known and self.truth is not None else self.factual

    def size(self) -> set[tuple[int, ...]]:
        """The shapes of its images."""
        truth = [] if self.truth is None else [self.truth]
        return {x.shape for x in (self.factual, *truth, *self.answers.values())}


def lines(pictures: pd.DataFrame, methods: Sequence[Method], *, most: int) -> list[Shown]:
    """At most `most` rows for each intervened node, spread over those that every one of `methods` has.

    `pictures` are of one dataset and seed (columns `records.results.PICTURES`).
    """
    pictures = text_columns(pictures, ["intervened", "node", "model", "variant", "member"])
    pictures = pictures.assign(value=pd.to_numeric(pictures["value"], errors="coerce"))  # None: no single number
    wanted = [m in set(methods) for m in zip(pictures["model"], pictures["variant"], strict=True)]
    pictures = pictures[(pictures["member"] == "") & pd.Series(wanted, index=pictures.index, dtype=bool)]
    found: list[Shown] = []
    for (intervened, _), group in pictures.groupby(["intervened", "node"], sort=False):
        questions = [
            part
            for _, part in group.groupby(["value", "row"], dropna=False, sort=True)
            if len(part.drop_duplicates(["model", "variant"])) == len(methods)
        ]
        every = max(1, math.ceil(len(questions) / most))
        for part in questions[::every]:
            first = part.iloc[0]
            answers = {(m, v): _pixels(a) for m, v, a in part[["model", "variant", "answer"]].itertuples(index=False)}
            truth = None if pd.isna(first["truth"]) else _pixels(first["truth"])
            line = Shown(str(intervened), float(part["value"].iloc[0]), _pixels(first["factual"]), truth, answers)
            if line.size() == {(found or [line])[0].factual.shape}:  # a record may hold any picture
                found.append(line)
    return found


def _pixels(text: str) -> NDArray[np.float64]:
    """``(h, w, 3)`` in [0, 1]."""
    return decode(from_text(text)).permute(1, 2, 0).expand(-1, -1, 3).numpy().astype(float)


def grid(shown: Sequence[Shown], methods: Sequence[Method], layout: Layout, *, title: str = "") -> Figure:
    """Factual image, true counterfactual, and for each method its answer and the signed difference from the truth.

    Where no truth is known, the difference is from the factual image. One scale of differences holds for the whole
    figure, with a bar of its own, so that methods can be compared. Raises `ValueError` where there is nothing to show.
    """
    if not shown:
        raise ValueError("there is no picture that all of the methods have")
    known = all(line.truth is not None for line in shown)
    start = ["factual", "truth"] if known else ["factual"]
    against = "truth" if known else "factual image"
    gaps = [line.answers[m] - line.aim(known) for line in shown for m in methods]
    reach = _round_up(max(float(np.quantile(np.abs(gap), 0.998)) for gap in gaps))
    table = []
    for line in shown:
        cells = [line.factual, *([line.aim(True)] if known else [])]
        for method in methods:
            gap = (line.answers[method] - line.aim(known)).mean(-1)
            cells += [line.answers[method], colormaps[DIFFERENCE](0.5 + gap / (2 * reach))[..., :3]]
        table.append(cells)
    sheet = _Sheet(table, shown, start=len(start))
    heads = [(name, j, j) for j, name in enumerate(start)]
    firsts = range(len(start), len(start) + 2 * len(methods), 2)
    heads += [(short_name(m, methods, layout), j, j + 1) for m, j in zip(methods, firsts, strict=True)]
    with styled():
        figure, _ = sheet.figure(heads, title=title, bottom=58)
        _scale_bar(figure, sheet, reach, f"answer − {against}")
    names = ", ".join(layout.method(m) for m in methods)
    asked = ", ".join(dict.fromkeys(f"do({line.intervened})" for line in shown))
    return described(
        figure,
        f"{len(shown)} rows of images under {asked}: {', '.join(start)}, then the answer of {names}, each with its "
        f"signed difference from the {against} (red: too much ink, blue: too little, up to ±{reach:g}).",
    )


def strip(shown: Sequence[Shown], sweep: Sweep, *, title: str = "") -> Figure:
    """Factual image and the answers along a sweep, as in the Diff-SCM paper; the truth last, where it is known.

    Raises `ValueError` where there is nothing to show.
    """
    if not shown:
        raise ValueError("there is no picture that all of the methods have")
    known = all(line.truth is not None for line in shown)
    table = [
        [line.factual, *(line.answers[m] for m in sweep.methods), *([line.aim(True)] if known else [])]
        for line in shown
    ]
    sheet = _Sheet(table, shown, start=1)
    names = ["factual", *(f"{value:g}" for value, _ in sweep.points), *(["truth"] if known else [])]
    with styled():
        heads = [(name, j, j) for j, name in enumerate(names)]
        figure, _ = sheet.figure(
            heads, title=title, bottom=10, over=(sweep.option.replace("_", " "), 1, len(sweep.points))
        )
    values = ", ".join(names[1 : len(sweep.points) + 1])
    return described(
        figure,
        f"{len(shown)} rows of images: the factual image, then {sweep.name} at {sweep.option} = {values}"
        f"{', then the true counterfactual' if known else ''}.",
    )


class _Sheet:
    """A table of images of one size as one picture, every pixel of an image a square of `zoom` pixels.

    `shown` are the rows' questions; a wider gap goes before another intervention, and after the first `start` columns.
    """

    def __init__(self, table: Sequence[Sequence[NDArray[np.float64]]], shown: Sequence[Shown], *, start: int):
        h, w = table[0][0].shape[:2]
        columns, blocks = len(table[0]), [line.intervened for line in shown]
        self.zoom = max(1, min(84 // max(h, w), (WIDE - 120) // (columns * w))) or 1
        self.size, self.columns, self.rows = w * self.zoom, columns, len(table)
        side = h * self.zoom
        self.lefts = [j * (self.size + GAP) + (GAP if j >= start else 0) for j in range(columns)]
        self.tops, y = [], 0
        for i, block in enumerate(blocks):
            y += BLOCK - GAP if i and block != blocks[i - 1] else 0
            self.tops.append(y)
            y += side + GAP
        self.side = side
        self.canvas = np.ones((y - GAP, self.lefts[-1] + self.size, 3))
        for top, cells in zip(self.tops, table, strict=True):
            for left, cell in zip(self.lefts, cells, strict=True):
                square = np.kron(np.clip(cell, 0, 1), np.ones((self.zoom, self.zoom, 1)))
                self.canvas[top : top + side, left : left + self.size] = square
        self.names = [wrap(line.label, ROOM, 7) for line in shown]
        self.margin = 20 + round(DPI * max(width(name, 7) for name in self.names))
        self.width = self.height = 0

    def figure(
        self,
        heads: Sequence[tuple[str, int, int]],
        *,
        title: str,
        bottom: int,
        over: tuple[str, int, int] | None = None,
    ) -> tuple[Figure, Axes]:
        """A figure whose axis has a pixel of the canvas on every pixel, coordinates in pixels, and the rows' names.

        `heads` are names over the columns from the first number to the last; `over` is one more, above those.
        """
        h, w = self.canvas.shape[:2]
        named = [self._over(name, first, last, 7) for name, first, last in heads]
        levels = [6 + round(DPI * max(height(text, 7) for text, *_ in named))]  # pixels above the images
        if over:
            named.append(self._over(over[0], over[1], over[2], 8))
            levels.append(levels[0] + round(DPI * height(named[-1][0], 8)))
        self.width = max(self.margin + w + 10, 420)
        lines = wrap(title, (self.width - 20) / DPI, 9) if title else ""
        top = levels[-1] + 8 + (round(DPI * height(lines, 9)) + 8 if title else 0)
        self.height, self.bottom = h + top + bottom, bottom
        figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI)
        FigureCanvasAgg(figure)
        axis = figure.add_axes((self.margin / self.width, bottom / self.height, w / self.width, h / self.height))
        axis.imshow(self.canvas, interpolation="nearest", extent=(0, w, h, 0), aspect="auto")
        axis.set_axis_off()
        for y, name in zip(self.tops, self.names, strict=True):
            axis.text(-8, y + self.side / 2, name, ha="right", va="center", size=7, linespacing=1.1)
        style: dict[str, Any] = {"ha": "center", "va": "bottom", "linespacing": 1.05}
        for text, middle, size in named:
            axis.text(middle, -6 if size == 7 else -levels[0], text, size=size, **style)
        if title:
            figure.text(0.5, 1 - 8 / self.height, lines, ha="center", va="top", size=9)
        return figure, axis

    def _over(self, name: str, first: int, last: int, size: int) -> tuple[str, float, int]:
        """A name in lines that fit columns `first` to `last`, the middle of these, and its size."""
        left, right = self.lefts[first], self.lefts[last] + self.size
        return wrap(name.replace("\n", " "), (right - left) / DPI, size), (left + right) / 2, size


def _scale_bar(figure: Figure, sheet: _Sheet, reach: float, label: str) -> None:
    """The colours of differences, below the images at the right."""
    width, height = min(240, sheet.width // 2), 10
    place = ((sheet.width - width - 24) / sheet.width, 30 / sheet.height, width / sheet.width, height / sheet.height)
    axis = figure.add_axes(place)
    axis.imshow(colormaps[DIFFERENCE](np.linspace(0, 1, 256))[None, :, :3], aspect="auto", extent=(-1, 1, 0, 1))
    axis.set_yticks([])
    axis.set_xticks([-1, 0, 1], [f"−{reach:g}", "0", f"+{reach:g}"])
    axis.tick_params(labelsize=7, length=2, pad=1)
    axis.set_ylabel(label, rotation=0, ha="right", va="center", size=7, labelpad=6)
    axis.grid(False)


def _round_up(x: float) -> float:
    """To one significant digit, upwards; 0.01 at least."""
    x = max(x, 0.01)
    unit = 10.0 ** math.floor(math.log10(x))
    return float(f"{math.ceil(x / unit - 1e-9) * unit:.1g}")
