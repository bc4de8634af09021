"""Learning curves, from the committed run of `learning`: a table and a figure of the page on the arena.

``python docs/catalogue.py`` writes them. Where there is no such run, the table is the sentence that says so, and no
figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from arena import named_leaders
from experiments import by_seed
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from queries import run
from rankings import rungs
from scmbench import datasets
from scmbench.benchmarks.judging.cells import Method
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.questions import protocols
from scmbench.benchmarks.reporting.figures.fitting import legend_below
from scmbench.benchmarks.reporting.figures.style import (
    PAPER,
    described,
    log_axis,
    method_colours,
    method_markers,
    new_figure,
    save,
    styled,
)
from scmbench.benchmarks.reporting.render import DASH, number
from scmbench.benchmarks.suites import suite as suites
from scmbench.datasets.sized import Sized
from shown import not_run, plain, table, there, write

SUITE = "learning"
HERE = Path(__file__).parent / "numbers" / "which"
ERRORS: Mapping[str, tuple[str, str]] = {
    "under do, energy": ("interventional", "energy"),
    "rows, RMSE": ("counterfactual", "rmse"),
}
FLOORS = ("marginal", "identity")
CEILINGS = ("oracle",)
MARGIN = 1.6
"""Around the medians of a panel: one seed at which a method diverges, a billion times off, leaves it."""


def main() -> None:
    """Write the tables, and the figure where there is a run."""
    write(tables(), HERE / "tables")
    if there(SUITE):
        save(curves(run(SUITE).rows), HERE / "figures", "learning")


@cache
def world_and_rows(dataset: str, suite: str = SUITE) -> tuple[str, int]:
    """What was asked, and how many rows were there to learn from: the protocol's, where the name does not say."""
    one = datasets.get(dataset)
    if isinstance(one, Sized):
        return one.world.name, one.n_rows
    return dataset, protocols.get(suites.load(suite).protocol).n_train


def tables() -> dict[str, str]:
    """Markdown by name: who leads at each size, and every error."""
    if not there(SUITE):
        return {"learning": not_run(SUITE), "leading": not_run(SUITE)}
    return {"learning": errors(run(SUITE).rows), "leading": leading()}


def leading() -> str:
    """A line a number of rows: who may be the best there, by rung."""
    found = rungs(SUITE)
    lines = []
    for size in sorted({world_and_rows(world.name)[1] for rung in found.values() for world in rung.worlds}):
        parts = [
            replace(rung, worlds=[w for w in rung.worlds if world_and_rows(w.name)[1] == size])
            for rung in found.values()
        ]
        lines.append([f"{size:,}", *(named_leaders(part) or DASH for part in parts)])
    return table(["training rows", *found], lines, left=1 + len(found))


def medians(rows: pd.DataFrame, query: str, metric: str) -> pd.DataFrame:
    """Columns ``world, rows, model, variant, median, low, high``: over seeds, with their least and greatest."""
    scores = by_seed(rows, query, metric).reset_index()
    scores[["world", "rows"]] = [world_and_rows(name) for name in scores["dataset"]]
    groups = scores.groupby(["world", "rows", "model", "variant"], sort=False)["score"]
    found = groups.agg(median="median", low="min", high="max")
    return found.reset_index().sort_values("rows", kind="stable")


def _methods(found: pd.DataFrame) -> list[Method]:
    return list(dict.fromkeys(zip(found["model"], found["variant"], strict=True)))


def errors(rows: pd.DataFrame) -> str:
    """A line an error, world and method: the median over seeds, a column a number of training rows."""
    lines, sizes = [], list[int]()
    for words, (query, metric) in ERRORS.items():
        found = medians(rows, query, metric)
        sizes = sorted(found["rows"].unique())
        for (world, model, variant), part in found.groupby(["world", "model", "variant"], sort=False):
            if (part["median"] == 0).all():
                continue  # the oracle's counterfactual rows
            at = dict(zip(part["rows"], part["median"], strict=True))
            shown = [number(at[size]) if size in at else DASH for size in sizes]
            lines.append([words, plain(str(world)), plain(title(str(model), str(variant))), *shown])
    return table(["error", "world", "method", *(f"{size:,} rows" for size in sizes)], lines, left=3)


def curves(rows: pd.DataFrame) -> Figure:
    """Errors over the number of training rows: a row of panels an error, a column a world; floors in grey."""
    found = {words: medians(rows, *asked) for words, asked in ERRORS.items()}
    worlds = list(dict.fromkeys(next(iter(found.values()))["world"]))
    everyone = _methods(pd.concat(found.values()))
    methods = [m for m in everyone if m[0] not in (*FLOORS, *CEILINGS)]
    colours, markers = method_colours(methods), method_markers(methods)
    with styled():
        figure, axes = new_figure(8.6, 5.4, len(ERRORS), len(worlds), sharex=True)
        for row, (words, lines) in zip(axes, found.items(), strict=True):
            for axis, world in zip(row, worlds, strict=True):
                mine = lines[lines["world"] == world]
                sizes = sorted(mine["rows"].unique())
                _references(axis, mine)
                for method in methods:
                    part = mine[(mine["model"] == method[0]) & (mine["variant"] == method[1])]
                    kind = {"color": colours[method], "marker": markers[method], "markersize": 4, "linewidth": 1.2}
                    axis.plot(part["rows"], part["median"], **kind)
                    axis.fill_between(part["rows"], part["low"], part["high"], color=colours[method], alpha=0.12, lw=0)
                axis.set_xscale("log")
                axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
                axis.minorticks_off()
                shown = mine[mine["median"] > 0]["median"]
                log_axis(axis, shown.tolist())
                axis.set_ylim(float(shown.min()) / MARGIN, float(shown.max()) * MARGIN)
            row[0].set_ylabel(words)
        for axis, world in zip(axes[0], worlds, strict=True):
            axis.set_title(world)
        for axis in axes[-1]:
            axis.set_xlabel("training rows")
        points = [
            Line2D([], [], color=colours[m], marker=markers[m], markersize=4, linewidth=1.2, label=title(*m))
            for m in methods
        ]
        grey = [Line2D([], [], color=PAPER, linestyle=style, label=name) for name, style in _GREY.items()]
        legend_below(figure, [*points, *grey])
    return described(
        figure,
        "Errors under interventions and of counterfactual rows over the number of training rows, a column a world: "
        "medians over seeds, from the least to the greatest (a band that leaves its panel is a seed that diverged); "
        "in grey the oracle and the better floor.",
    )


_GREY: Mapping[str, Any] = {"oracle": (0, (1, 1.5)), "the better floor": (0, (4, 2))}


def _references(axis: Axes, mine: pd.DataFrame) -> None:
    """The oracle and the better floor, which learn nothing from rows or next to nothing, as lines in grey."""
    for names, style in zip((CEILINGS, FLOORS), _GREY.values(), strict=True):
        best = mine[mine["model"].isin(names)].groupby("rows")["median"].min()
        if (best > 0).any():
            axis.plot(best.index, best, color=PAPER, linestyle=style, linewidth=1.2)
