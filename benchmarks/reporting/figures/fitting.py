"""Texts that fit: measured before they are drawn, broken at blanks, upright where they would run into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from .style import DPI, styled

LINE = 1.25
"""From line to line, in units of the letters' size."""

LONGEST = 3.2
"""Inches that a name beside or below axes may take; of longer ones the middle is left out."""

_LETTERS = RendererAgg(1, 1, DPI)
"""Letters as they are drawn: at this resolution they are fitted to pixels, which makes a line up to 8 % longer."""


@lru_cache(4096)
def width(text: str, size: float) -> float:
    """Inches that the longest line of `text` takes, in the report's font at `size` points."""
    lines, font = text.split("\n"), _font(size)
    return max(_LETTERS.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines) / _LETTERS.dpi


@lru_cache
def _font(size: float) -> FontProperties:
    with styled():
        return FontProperties(size=size)


def height(text: str, size: float) -> float:
    """Inches from the top of the first line of `text` to the bottom of its last."""
    return (text.count("\n") + 1) * LINE * size / 72


def wrap(text: str, inches: float, size: float) -> str:
    """`text` in lines of at most `inches`: broken at blanks, and within a word only where it fills a line alone."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in (piece for word in paragraph.split(" ") for piece in _pieces(word, inches, size)):
            longer = f"{line} {piece}" if line else piece
            if line and width(longer, size) > inches:
                lines.append(line)
                line = piece
            else:
                line = longer
        lines.append(line)
    return "\n".join(lines)


def _pieces(word: str, inches: float, size: float) -> list[str]:
    if width(word, size) <= inches:
        return [word]
    found = [""]
    for letter in word:
        if found[-1] and width(found[-1] + letter, size) > inches:
            found.append("")
        found[-1] += letter
    return found


def shorten(text: str, inches: float, size: float) -> str:
    """`text`, its middle left out where it is wider than `inches`: names that differ, differ at an end."""
    if width(text, size) <= inches:
        return text
    kept = len(text)
    while kept > 2 and width(_ends(text, kept), size) > inches:
        kept -= 1
    return _ends(text, kept)


def _ends(text: str, kept: int) -> str:
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def headline(figure: Figure, text: str, *, size: float = 10) -> None:
    """The figure's title, in as many lines as its width asks for; for more than one the figure grows."""
    lines = wrap(text, figure.get_figwidth() - 0.2, size)
    _grow(figure, height(lines, size) - height("", size))
    figure.suptitle(lines, size=size)


def _grow(figure: Figure, inches: float) -> None:
    figure.set_figheight(figure.get_figheight() + inches)


def legend_below(figure: Figure, handles: Sequence[Any]) -> None:
    """A legend under the axes, in as many columns as fit the figure's width; beyond three rows the figure grows."""
    size = 8.0
    em, room = size / 72, figure.get_figwidth() - 0.15
    for handle in handles:
        handle.set_label(wrap(str(handle.get_label()), room - 4 * em, size))
    widths = [width(str(handle.get_label()), size) + 2.8 * em for handle in handles]

    def taken(columns: int) -> float:
        parts = np.array_split(np.array(widths), columns)  # as matplotlib fills a legend: column by column
        return sum(part.max() for part in parts) + 2 * em * (columns - 1) + em

    columns = max((k for k in range(1, len(handles) + 1) if taken(k) < room), default=1)
    if handles:
        _grow(figure, max(0, -(-len(handles) // columns) - 3) * LINE * 1.2 * em)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def name_axes(axis: Axes, text: str, inches: float, *, size: float = 9, **options: Any) -> None:
    """A title over axes of that width."""
    axis.set_title(wrap(text, inches, size), size=size, **options)


@dataclass(frozen=True)
class Labels:
    """Names below columns: level where every one fits its column in two lines, else upright."""

    texts: Sequence[str]
    upright: bool
    height: float

    @classmethod
    def of(cls, names: Sequence[str], room: float, *, size: float = 8) -> Labels:
        """`room`: inches from column to column."""
        level = [wrap(name, 0.92 * room, size) for name in names]
        whole = all(width(word, size) <= 0.92 * room for name in names for word in name.split())
        if whole and all(text.count("\n") < 2 for text in level):
            return cls(level, upright=False, height=max((height(text, size) for text in level), default=0.0))
        texts = [shorten(" ".join(name.split()), LONGEST, size) for name in names]
        return cls(texts, upright=True, height=max(width(text, size) for text in texts))

    def put(self, axis: Axes, places: Sequence[float]) -> None:
        """As the ticks of the axis."""
        axis.set_xticks(places, self.texts, rotation=90 if self.upright else 0)
        axis.tick_params(axis="x", length=0)


def name_rows(axis: Axes, names: Sequence[str], places: Sequence[float]) -> None:
    """Names beside rows, as the ticks of the axis."""
    axis.set_yticks(places, [shorten(name, LONGEST, 8) for name in names])
    axis.tick_params(axis="y", length=0)


def widest(names: Sequence[str], *, size: float = 8) -> float:
    """Inches that names beside rows take."""
    return max((min(width(name, size), LONGEST) for name in names), default=0.0)
