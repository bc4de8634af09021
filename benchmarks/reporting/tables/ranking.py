"""Tables of a ranking, each within 80 columns: ranks and skills, wins, rungs, home, cost, and what more would take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

import pandas as pd

from ...judging.blocks import Rung
from ...judging.cells import Method
from ...judging.contests import Friedman, costs, home, needed, taus, wins
from ...judging.methods import named
from ...judging.paired import LEAST
from ..render import DASH, Row, Table, Text, number

MOST = 12
"""Methods of a matrix of pairs: more have no room on a line."""

Names = Mapping[Method, str]
"""What methods are called in a table (`layout.titles`); one without a name goes by model and variant."""

UNNAMED: Names = MappingProxyType({})

PAIRS = 5
"""Neighbours in a ranking of which is told what more it would take."""


def rank_table(rung: Rung, ranked: pd.DataFrame, test: Friedman, names: Names = UNNAMED) -> Table:
    """A line a method: mean rank and mean skill with intervals, probability of being best, worlds."""
    part, leads = ranked[ranked["rung"] == rung.name], set(test.leads())
    rows: list[Row] = []
    for line in part.to_dict("records"):
        method = line["model"], line["variant"]
        rows.append(
            [
                Text(named(names, method), bold=method in leads),
                _between(line["rank"], line["rank_low"], line["rank_high"], 1),
                _between(line["skill"], line["skill_low"], line["skill_high"], 2),
                f"{line['best']:.2f}",
                f"{line['worlds']}/{line['of']}",
            ]
        )
    return Table(
        f"ranks_{rung.name}",
        f"{rung.name.capitalize()}: {len(rung.worlds)} worlds, {_seeds(rung)}",
        ["method", "mean rank", "skill", "P(best)", "worlds"],
        rows,
        [*_tested(rung, test, names), *_failures(part, names)],
    )


def _seeds(rung: Rung) -> str:
    counts = sorted({len(w.seeds) for w in rung.worlds})
    return f"{counts[0]} seeds" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def _tested(rung: Rung, test: Friedman, names: Names) -> list[str]:
    if not test.marked:
        return [f"Fewer than {LEAST} worlds or seeds: nothing is marked as surely better."]
    notes = [
        f"Friedman's test over {test.worlds} worlds: p = {number(test.p)}; two mean ranks differ surely (Nemenyi) "
        f"where they are {test.distance:.2f} apart."
    ]
    if leads := test.leads():
        notes.append(f"Not told from the best: {', '.join(named(names, m) for m in leads)}.")
    if lacking := [m for m in rung.methods if m not in test.ranks]:
        notes.append(f"Not tested, they answer in less than half of the worlds: {_listed(lacking, names)}.")
    return notes


def _failures(part: pd.DataFrame, names: Names) -> list[str]:
    failed = part[part["failed"] > 0]
    told = [f"{named(names, (r['model'], r['variant']))} {r['failed']}" for r in failed.to_dict("records")]
    return [f"Answers that failed, ranked last: {', '.join(told)}."] if told else []


def _listed(methods: Sequence[Method], names: Names) -> str:
    return ", ".join(named(names, m) for m in methods)


def _between(x: float, low: float, high: float, digits: int) -> str:
    if math.isnan(x):
        return DASH
    return f"{x:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]".replace("-", "−")


def wins_table(rung: Rung, order: Sequence[Method], names: Names = UNNAMED) -> Table:
    """The share of worlds and seeds in which the row is ranked before the column, in per cent."""
    shares, shown = wins(rung), order[:MOST]
    rows: list[Row] = []
    for i, a in enumerate(shown, start=1):
        values = [(b, float(shares.loc[a, b])) for b in shown]  # type: ignore[index]
        entries = ["" if a == b else DASH if math.isnan(x) else f"{100 * x:.0f}" for b, x in values]
        rows.append([f"{i} {named(names, a)}", *entries])
    notes = [f"The first {MOST} of {len(order)} methods."] if len(order) > MOST else []
    columns = ["better than", *map(str, range(1, len(shown) + 1))]
    return Table(f"wins_{rung.name}", f"{rung.name.capitalize()}: wins in per cent", columns, rows, notes)


def tau_table(rungs: Sequence[Rung]) -> Table:
    """What a rung's ranking predicts of another's."""
    rows = [
        [r["a"], r["b"], _between(r["tau"], r["low"], r["high"], 2), str(r["methods"])]
        for r in taus(rungs).to_dict("records")
    ]
    note = "1: the same order on both rungs; 0: the one tells nothing of the other; −1: the reverse."
    heading = "What one rung tells of another: Kendall's tau of the mean ranks"
    return Table("taus", heading, ["rung", "other rung", "tau", "methods"], rows, [note], left=2)


def home_table(rungs: Sequence[Rung], registered: Mapping[Method, str], names: Names = UNNAMED) -> Table:
    """Rank on the worlds of a method's own paper against rank elsewhere."""
    rows: list[Row] = []
    for rung in rungs:
        for r in home(rung, registered).to_dict("records"):
            told = _between(r["advantage"], r["low"], r["high"], 1)
            means = f"{r['home']:.1f}", f"{r['away']:.1f}"
            rows.append([rung.name, named(names, (r["model"], r["variant"])), *means, told, str(r["at_home"])])
    columns = ["rung", "method", "home", "away", "difference", "worlds"]
    note = "Below 0: ranked better on the worlds of its own paper, which number the last column, than elsewhere."
    return Table("home", "Home advantage, mean ranks", columns, rows, [note], left=2)


def cost_table(rungs: Sequence[Rung], provenance: pd.DataFrame, names: Names = UNNAMED) -> Table:
    """CPU seconds a record beside the mean rank on each rung; a star where nobody cheaper is ranked as well."""
    found = {rung.name: costs(rung, provenance) for rung in rungs}
    lines: dict[Method, dict[str, str]] = {}
    seconds: dict[Method, float] = {}
    for name, table in found.items():
        for r in table.to_dict("records"):
            method = r["model"], r["variant"]
            seconds.setdefault(method, r["cpu_s"])
            lines.setdefault(method, {})[name] = f"{r['rank']:.1f}{' *' if r['front'] else '  '}"
    rows = [
        [named(names, m), number(seconds[m]), *(lines[m].get(name, DASH + "  ") for name in found)]
        for m in sorted(lines, key=seconds.__getitem__)
    ]
    note = "CPU seconds a record: fit and answers to all rungs. *: no cheaper method is ranked as well (Pareto front)."
    return Table("cost", "Cost beside mean rank", ["method", "CPU s", *found], rows, [note])


def needed_table(rung: Rung, order: Sequence[Method], names: Names = UNNAMED) -> Table:
    """For neighbours in the ranking: how many worlds, or seeds, would tell them apart."""
    rows: list[Row] = []
    for a, b in list(pairwise(order))[:PAIRS]:
        asked = needed(rung, a, b)
        counts = ["over 1,000" if math.isinf(x) else f"{x:.0f}" for x in (asked.worlds, asked.seeds)]
        rows.append([named(names, a), named(names, b), f"{abs(asked.difference):.2f}", *counts])
    seeds = round(sum(len(w.seeds) for w in rung.worlds) / len(rung.worlds))
    note = (
        f"Worlds of {seeds} seeds, or seeds in each of the {len(rung.worlds)} worlds, that find the difference in "
        "ranks in four of five runs (t test over worlds at 5 %); over 1,000 seeds where the worlds differ too much."
    )
    heading = f"{rung.name.capitalize()}: what it takes to tell neighbours apart"
    return Table(f"needed_{rung.name}", heading, ["method", "next", "apart", "worlds", "seeds"], rows, [note], left=2)
