"""What all figures share: palette, fonts, saving as PNG and PDF; and the map of verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.colors import hsv_to_rgb, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ...judging.cells import Method
from ..layout import Layout

PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"]
"""Okabe and Ito's colours, which colour-blind readers tell apart."""

FURTHER = ["#332288", "#882255", "#117733", "#999933", "#AA4499", "#DDCC77", "#661100", "#FF9DA7"]
"""Colours of Paul Tol's, for the ninth model to the sixteenth; shapes and hatches tell apart what colours do not."""

MARKERS = "oDs^vPX<>p*hdH8"
"""Shapes of points, one a method."""

HATCHES = ("", "/////", ".....", "xxxxx", "-----")
"""Of boxes, by variant: shades alone are lost in print."""

DPI = 150
"""Pixels an inch of a figure that is saved."""

PAPER = "#9A9A9A"
"""Grey: what the paper says."""

STYLE: dict[Any, Any] = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("paper"),
    "grid.color": "#E5E5E5",
    "axes.edgecolor": "#808080",
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "figure.dpi": 150,
    "pdf.fonttype": 42,
    "svg.hashsalt": "scmbench",
    "text.parse_math": False,  # a `$` in a label is a dollar
}


@contextmanager
def styled() -> Iterator[None]:
    """The report's style, for this block only: a caller's own settings are left as they are."""
    with mpl.rc_context(STYLE):
        yield


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure (inches) with a grid of axes, apart from pyplot's global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def described(figure: Figure, text: str) -> Figure:
    """The figure, with `text` for those who cannot see it."""
    figure.set_label(text)
    return figure


def description(figure: Figure, name: str) -> str:
    """What a figure says of itself to those who cannot see it, else its title, else its file's name in words."""
    title = figure.get_suptitle().strip()
    return str(figure.get_label() or "") or " ".join(filter(None, [name.replace("_", " "), title and f"({title})"]))


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``name.png`` and ``name.pdf`` into `folder`; the same figure gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png", folder / f"{name}.pdf"]
    canvas, resolution = figure.canvas, figure.dpi
    try:
        with styled():
            figure.dpi = DPI
            raster = FigureCanvasAgg(figure)
            # `savefig` finds the layout within a drawing that it throws away, each time, and draws once more.
            if (engine := figure.get_layout_engine()) is not None:
                engine.execute(figure)
            figure.set_layout_engine("none")
            raster.print_png(paths[0], metadata={"Software": None})
            pages = FigureCanvasPdf(figure)
            pages.print_pdf(paths[1], metadata={"CreationDate": None, "Producer": None, "Creator": None})
    finally:
        figure.dpi = resolution
        figure.set_canvas(canvas)
    return paths


def method_colours(methods: Sequence[Method]) -> dict[Method, tuple[float, float, float]]:
    """A colour per model; further variants of a model are lighter shades of it."""
    models = list(dict.fromkeys(model for model, _ in methods))
    colours = {}
    for model, variant in methods:
        variants = [v for m, v in methods if m == model]
        base = np.array(_colour(models.index(model)))
        share = 0.55 * variants.index(variant) / max(len(variants) - 1, 1)
        colours[model, variant] = tuple(base + share * (1 - base))
    return colours


def _colour(i: int) -> tuple[float, float, float]:
    known = [*PALETTE, *FURTHER]
    if i < len(known):
        return to_rgb(known[i])
    k = i - len(known)  # the golden ratio never comes to the same hue again
    red, green, blue = hsv_to_rgb(((0.618034 * k) % 1, 0.85 - 0.3 * (k % 3) / 2, 0.85 - 0.35 * (k % 2)))
    return float(red), float(green), float(blue)


def method_markers(methods: Sequence[Method]) -> dict[Method, str]:
    """A shape a method, so that no method is told by its colour alone."""
    return {method: MARKERS[i % len(MARKERS)] for i, method in enumerate(methods)}


def method_hatches(methods: Sequence[Method]) -> dict[Method, str]:
    """A hatch a variant: none for a model's first."""
    order = {model: [v for m, v in methods if m == model] for model, _ in methods}
    return {(m, v): HATCHES[order[m].index(v) % len(HATCHES)] for m, v in methods}


def ink(colour: Any) -> str:
    """Black or white, whichever is easier to read on `colour` (the contrast of WCAG)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "white"


_STEPS = [(2.5, (1.0,)), (1.5, (1.0, 3.0)), (0.9, (1.0, 2.0, 5.0)), (0.4, (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0))]
_SPARSE = [(2.0, (1.0,)), (1.2, (1.0, 3.0)), (0.6, (1.0, 2.0, 5.0))]
"""Along a line of text, where labels stand side by side, fewer fit."""


def log_axis(axis: Axes, values: Sequence[float], *, which: str = "y") -> None:
    """A logarithmic axis labelled with plain numbers, finely where it spans little."""
    decades = np.log10(max(values) / min(values)) if len(values) else 1.0
    getattr(axis, f"set_{which}scale")("log")
    line = getattr(axis, f"{which}axis")
    ranges = _STEPS if which == "y" else _SPARSE
    steps = next((steps for least, steps in ranges if decades > least), None)
    few, ticks = (20, 5) if which == "y" else (6, 4)
    line.set_major_locator(LogLocator(subs=steps, numticks=few) if steps else MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    line.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x >= 1e-4 else f"{x:.0e}"))
    line.set_minor_formatter(NullFormatter())


def short_name(method: Method, among: Sequence[Method], layout: Layout) -> str:
    """A method's name, without its variant where `among` has no other variant of it."""
    name = layout.method(method)
    only = [m for m in among if m[0] == method[0]] == [method]
    return name.replace(f" ({method[1]})", "") if only else name.replace(" (", "\n(")
