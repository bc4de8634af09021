"""The figures of the page on open questions, from committed runs: ``python docs/catalogue.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from experiments import by_seed
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from queries import run
from scmbench.benchmarks.judging.cells import Method
from scmbench.benchmarks.judging.mechanisms import ERROR, FAR, mechanisms, passes, split
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.reporting.figures.fitting import legend_below
from scmbench.benchmarks.reporting.figures.style import (
    PALETTE,
    described,
    log_axis,
    method_colours,
    method_markers,
    new_figure,
    save,
    styled,
)
from scmbench.datasets.confounded import STRENGTHS
from theory import MONOTONE

OUT = Path(__file__).parent / "numbers" / "questions" / "figures"
LOST = ("violations/flat-0.6", "violations/sine-1.0")
"""Worlds in which several noises give one value, and nothing is lost by it."""
GROUPS: Mapping[str, Sequence[str]] = {
    "mechanisms rise": MONOTONE,
    "noise is flat or oscillates": LOST,
    "folds": ("dcm/chain/nadd", "dcm/triangle/nadd", "check/sine"),
    "a mirror": ("violations/ctf2",),
}


def main() -> None:
    """Write every figure as PNG and PDF."""
    theory = run("theory")
    save(instrument(mechanisms(theory.rows)), OUT, "instrument")
    save(parts(split(mechanisms(theory.rows), theory.provenance)), OUT, "split")
    save(confounding(run("confounding").rows), OUT, "confounding")
    save(inversion(run("inversion").rows), OUT, "inversion")


def _methods(lines: pd.DataFrame) -> list[Method]:
    return list(dict.fromkeys(zip(lines["model"], lines["variant"].fillna(""), strict=True)))


def instrument(lines: pd.DataFrame) -> Figure:
    """True error over dependence, a point a fitted mechanism, a panel a kind of world; hollow where a check fails."""
    shown = lines.dropna(subset=["hsic"])
    methods, good = _methods(shown), passes(shown)
    colours, markers = method_colours(methods), method_markers(methods)
    with styled():
        figure, axes = new_figure(9.2, 3.3, 1, len(GROUPS), sharex=True, sharey=True)
        for axis, (name, worlds) in zip(axes.flat, GROUPS.items(), strict=True):
            for method in methods:
                own = (shown["model"] == method[0]) & (shown["variant"] == method[1]) & shown["dataset"].isin(worlds)
                for chosen, face in ((own & good, colours[method]), (own & ~good, "none")):
                    axis.scatter(
                        *(shown[chosen][c] for c in ("hsic", ERROR)),
                        s=14, marker=markers[method], facecolors=face, edgecolors=[colours[method]], linewidths=0.7,
                    )  # fmt: skip
            axis.axhline(FAR, color="#606060", linestyle=(0, (4, 2)), linewidth=0.9)
            axis.set(title=name, xlabel="HSIC of noise and parents")
            for which, column in (("x", "hsic"), ("y", ERROR)):
                log_axis(axis, shown[column].tolist(), which=which)
        axes.flat[0].set_ylabel("true error, standard deviations")
        handles = [_point(colours[m], markers[m], title(*m)) for m in methods]
        legend_below(figure, handles)
    told = "filled where all that is seen is as Theorem 1 assumes; dashed: half a standard deviation"
    return described(figure, f"True counterfactual error over dependence of each fitted mechanism, {told}.")


def _point(colour: object, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, markersize=4, linestyle="", label=label)


def parts(found: pd.DataFrame) -> Figure:
    """The three parts of every method's mean squared error, a panel a world in which not all is estimation."""
    floors = ("identity", "marginal")
    worlds = [w for name in ("folds", "a mirror") for w in GROUPS[name] if (found["dataset"] == w).any()]
    pieces = {"unavoidable": PALETTE[7], "price": PALETTE[1], "estimation": PALETTE[0]}
    names = {"price": "price of assuming that mechanisms rise"}
    with styled():
        figure, axes = new_figure(9.2, 2.9, 1, len(worlds), sharey=True)
        for axis, world in zip(axes.flat, worlds, strict=True):
            part = found[(found["dataset"] == world) & ~found["model"].isin(floors)].iloc[::-1]
            labels = [title(m, v) for m, v in zip(part["model"], part["variant"], strict=True)]
            start = np.zeros(len(part))
            for piece, colour in pieces.items():
                width = part[piece].clip(lower=0).to_numpy(dtype=float)
                axis.barh(labels, width, left=start, color=colour, height=0.7)
                start += width
            axis.set(title=world, xlabel="mean squared error")
            axis.grid(visible=False, axis="y")
        handles = [
            Line2D([], [], color=c, marker="s", markersize=6, linestyle="", label=names.get(p, p))
            for p, c in pieces.items()
        ]
        legend_below(figure, handles)
    told = "; ".join(f"{names.get(p, p)}" for p in pieces)
    return described(figure, f"Parts of each method's counterfactual error where mechanisms fold or mirror: {told}.")


def confounding(rows: pd.DataFrame) -> Figure:
    """Errors over the strength of confounding, with and without adjustment."""
    scores = by_seed(rows, "counterfactual", "rmse")
    methods = [
        m for m in dict.fromkeys(key[1:3] for key in scores.index) if m[0] not in ("oracle", "identity", "marginal")
    ]
    colours, markers = method_colours(methods), method_markers(methods)
    strengths = [float(s) for s in STRENGTHS]
    with styled():
        figure, axes = new_figure(7.0, 3.1, 1, 2, sharey=True)
        for axis, kind, name in zip(axes.flat, ("closed", "open"), ("z observed", "z hidden"), strict=True):
            for method in methods:
                seeds = [scores.loc[(f"confounded/{kind}-{s}", *method)] for s in STRENGTHS]
                middle = [float(x.median()) for x in seeds]
                low, high = ([float(x.quantile(q)) for x in seeds] for q in (0.25, 0.75))
                axis.plot(strengths, middle, color=colours[method], marker=markers[method], markersize=4, linewidth=1.2)
                axis.fill_between(strengths, low, high, color=colours[method], alpha=0.15, linewidth=0)
            axis.set(title=name, xlabel="strength s, the correlation of x and z")
        axes.flat[0].set_ylim(bottom=0)
        axes.flat[0].set_ylabel("error of rows, standard deviations")
        legend_below(figure, [_point(colours[m], markers[m], title(*m)) for m in methods])
    return described(
        figure, "Counterfactual errors over the strength of confounding: flat and low where z is observed."
    )


def inversion(rows: pd.DataFrame) -> Figure:
    """The error of DDIM's inversion over the number of steps, and what the exact inverse has of it."""
    errors = by_seed(rows, "counterfactual", "mse_first")
    worlds = list(dict.fromkeys(errors.index.get_level_values("dataset")))
    steps = sorted(
        {int(x.partition("T=")[2]) for x in errors.index.get_level_values("model") if x.startswith("ddim T=")}
    )
    colours, markers = method_colours([(w, "") for w in worlds]), method_markers([(w, "") for w in worlds])
    with styled():
        figure, axes = new_figure(7.0, 3.1, 1, 2)
        first, second = axes.flat
        medians: list[float] = []
        for world in worlds:
            key, look = (world, ""), {"markersize": 4, "linewidth": 1.2}
            ddim = [errors.loc[(world, f"ddim T={t}", "reference")] for t in steps]
            exact = [errors.loc[(world, f"implicit T={t}", "reference")] for t in steps]
            kind = {"color": colours[key], "marker": markers[key], **look}
            middle = [100 * float(x.median()) for x in ddim]
            first.plot(steps, middle, **kind)
            medians += middle
            second.plot(steps, [float(np.exp(np.log(a / b).mean())) for a, b in zip(exact, ddim, strict=True)], **kind)
        second.axhline(1, color="#606060", linestyle=(0, (4, 2)), linewidth=0.9)
        first.set(title="DDIM inversion", ylabel="MSE (×10⁻²)")
        log_axis(first, medians)
        second.set(title="exact inverse / DDIM inversion", ylabel="ratio of MSE")
        for axis in (first, second):
            axis.set(xlabel="diffusion steps T", xscale="log")
            axis.set_xticks(steps, [str(t) for t in steps])
            axis.minorticks_off()
        legend_below(figure, [_point(colours[w, ""], markers[w, ""], w) for w in worlds])
    return described(
        figure, "DCM's error over the number of diffusion steps, and the exact inverse's over that of DDIM's."
    )


if __name__ == "__main__":
    main()
