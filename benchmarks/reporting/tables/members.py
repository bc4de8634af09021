"""Tables of problems with members: the error of each method over members, with intervals, and each member's own."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from numpy.typing import NDArray

from ...judging.cells import Method
from ...judging.members import Estimate, difference, estimate, member_scores, series
from ...judging.paired import LEAST
from ..layout import Layout, question_name
from ..render import DASH, Row, Table, Text, number


def errors_table(rows: pd.DataFrame, layout: Layout, base: Method | None = None) -> Table:
    """A line a method: mean over members, standard error, two intervals, and the difference to `base`.

    `rows` are of one dataset, query and metric. The base is the floor ``marginal`` unless another one is named; without
    it there is no column of differences.
    """
    found = series(rows)
    base = base or next((m for m in found if m[0] == "marginal" and (m in layout.bounds or not layout.bounds)), None)
    methods = [m for m in layout.methods if m in found]
    best = _leaders({m: found[m] for m in methods if m not in layout.floors()})
    lines: list[Row] = []
    for method in methods:
        e = estimate(found[method])
        line = [
            layout.method(method) + layout.mark(method, rows.iloc[0]["dataset"]),
            Text(number(e.mean), bold=method in best),
            number(e.se),
            *_intervals(e),
        ]
        if base:
            line += [DASH] if method == base else [_difference(difference(found[method], found[base]))]
        lines.append(line)
    first = rows.iloc[0]
    columns = ["method", "error", "s.e.", "interval, these members", "interval, others too"]
    name = layout.method(base) if base else ""
    notes = ["Mean over members of the median over rows, averaged over seeds; s.e.: standard error over members."]
    if any(line[3] != DASH for line in lines):
        notes.append("95 % intervals: blocks of rows resampled within the given members; members resampled too.")
        resampled = "blocks and members"
    else:
        notes.append("95 % intervals: Student's t over members; a committed run does not keep their rows.")
        resampled = "members alone"
    count = max(len(errors) for errors in found.values())
    if count < LEAST:
        notes.append(f"n = {count} members: below {LEAST}, nothing is bold or starred.")
    else:
        notes.append(f"Bold: the best and all that n = {count} members cannot tell from it, floors aside.")
    if base:
        notes.append(f"minus {name}: the difference, its interval over {resampled}; * where that leaves out 0.")
    return Table(
        name=f"members_{_file(first['dataset'])}",
        title=f"{layout.dataset(first['dataset'])}: {question_name((first['query'], first['metric']))}",
        columns=[*columns, f"minus {name}"] if base else columns,
        rows=lines,
        notes=[*notes, *layout.marks()],
    )


def each_member_table(rows: pd.DataFrame, layout: Layout) -> Table:
    """A line a member, a column a method. Nothing is bold: one number a member has no interval."""
    scores = member_scores(rows)
    methods = [m for m in layout.methods if m in scores.columns]
    lines: list[Row] = [[str(member), *(number(line[m]) for m in methods)] for member, line in scores.iterrows()]
    first = rows.iloc[0]
    return Table(
        name=f"each_member_{_file(first['dataset'])}",
        title=f"{layout.dataset(first['dataset'])}: {question_name((first['query'], first['metric']))} of every member",
        columns=["member", *(layout.method(m) + layout.mark(m, first["dataset"]) for m in methods)],
        rows=lines,
        notes=["Median over rows, averaged over seeds.", *layout.marks()],
    )


def _leaders(found: Mapping[Method, Mapping[str, NDArray]]) -> set[Method]:
    """The method with the lowest error and all whose difference to it may be 0; nobody below five members."""
    if len(found) < 2 or min(map(len, found.values())) < LEAST:
        return set()
    best = min(found, key=lambda m: estimate(found[m]).mean)
    told = {m: difference(found[m], found[best]).both for m in found if m != best}
    return {best, *(m for m, (low, high) in told.items() if low <= 0 <= high)}


def _file(dataset: str) -> str:
    return dataset.replace("/", "_")


def _intervals(e: Estimate) -> list[str]:
    return [DASH if math.isnan(low) else f"{number(low)} to {number(high)}" for low, high in (e.rows, e.both)]


def _difference(e: Estimate) -> str:
    low, high = e.both
    star = " *" if e.members >= LEAST and (low > 0 or high < 0) else ""
    return f"{e.mean:+.3f} [{low:+.3f}, {high:+.3f}]{star}"
