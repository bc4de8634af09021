"""The critical difference diagram: mean ranks on a line, and bars over those that the test does not tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from matplotlib.figure import Figure

from ...judging.contests import Friedman
from ...judging.methods import Method, named
from .fitting import LONGEST, headline, shorten, widest
from .style import described, new_figure, styled

LINE, BAR = 0.22, 0.13
"""Inches from label to label, and from bar to bar."""


def difference_diagram(test: Friedman, called: Mapping[Method, str] = MappingProxyType({})) -> Figure:
    """Demšar's diagram of `Friedman`: the better half of the methods is named on the left, the others on the right.

    Every label has a line of its own on its side, so that none lies on another however close the ranks are. No bars are
    drawn where nothing may be marked. Methods are named as `called`.
    """
    names, ranks = [named(called, m) for m in test.ranks], list(test.ranks.values())
    bars = [[test.ranks[m] for m in clique] for clique in test.cliques] if test.marked else []
    half = math.ceil(len(names) / 2)
    low, high = 1, max(len(names), 2)
    depth = (len(bars) + 1) * BAR
    labels = [shorten(f"{name}  {rank:.2f}", LONGEST, 8) for name, rank in zip(names, ranks, strict=True)]
    wide = max(3.4 + widest(labels[:half]) + widest(labels[half:]), 4.5)
    with styled():
        figure, ((axis,),) = new_figure(wide, 0.75 + depth + half * LINE)
        room = (high - low) / 3.0  # data per inch, roughly: the line is three inches wide
        axis.plot([low, high], [0, 0], color="black", linewidth=1)
        for tick in range(low, high + 1):
            axis.plot([tick, tick], [0, 0.06], color="black", linewidth=1)
            axis.text(tick, 0.09, str(tick), ha="center", va="bottom", fontsize=8)
        for i, (label, rank) in enumerate(zip(labels, ranks, strict=True)):
            left = i < half
            y = -(depth + ((i if left else len(names) - 1 - i) + 0.5) * LINE)
            end = low - 0.1 * room if left else high + 0.1 * room
            axis.plot([rank, rank, end], [0, y, y], color="#606060", linewidth=0.8)
            side = end - 0.05 * room if left else end + 0.05 * room
            axis.text(side, y, label, ha="right" if left else "left", va="center", fontsize=8)
        for j, bar in enumerate(bars, start=1):
            ends = min(bar) - 0.03 * room, max(bar) + 0.03 * room
            axis.plot(ends, [-j * BAR] * 2, color="black", linewidth=3, solid_capstyle="butt")
        if test.marked:
            axis.plot([low, min(low + test.distance, high)], [0.38, 0.38], color="black", linewidth=1.5)
            axis.text(low, 0.42, f"critical difference {test.distance:.2f}", ha="left", va="bottom", fontsize=8)
        axis.set_xlim(low - 0.15 * room, high + 0.15 * room)
        axis.set_ylim(-(depth + half * LINE), 0.6)
        axis.axis("off")
        headline(figure, f"Mean rank, {test.rung}, {test.worlds} worlds (1 is best)")
    order = ", ".join(f"{name} {rank:.2f}" for name, rank in zip(names, ranks, strict=True))
    return described(figure, f"Mean ranks of the {test.rung} rung over {test.worlds} worlds: {order}")
