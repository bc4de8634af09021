"""Tables of problems with members: the error of each method over members, with intervals, and each member's own."""

from __future__ import annotations

import math

import pandas as pd

from ...judging.cells import Method
from ...judging.members import Estimate, difference, estimate, member_scores, series
from ..layout import Layout, question_name
from ..render import DASH, Row, Table, Text, number


def errors_table(rows: pd.DataFrame, layout: Layout, reference: Method | None = None) -> Table:
    """A line a method: mean over members, standard error, two intervals, and the difference to `reference`.

    `rows` are of one dataset, query and metric. The reference is the floor ``marginal`` unless another one is named;
    without it there is no column of differences.
    """
    found = series(rows)
    reference = reference or next((m for m in found if m[0] == "marginal"), None)
    methods = [m for m in layout.methods if m in found]
    best = min((m for m in methods if m not in layout.floors()), key=lambda m: estimate(found[m]).mean, default=None)
    lines: list[Row] = []
    for method in methods:
        e = estimate(found[method])
        line = [layout.method(method), Text(number(e.mean), bold=method == best), number(e.se), *_intervals(e)]
        if reference:
            line += [DASH] if method == reference else [_difference(difference(found[method], found[reference]))]
        lines.append(line)
    first = rows.iloc[0]
    columns = ["method", "error", "s.e.", "interval, these members", "interval, others too"]
    name = layout.method(reference) if reference else ""
    notes = ["Mean over members of the median over rows, averaged over seeds; s.e.: standard error over members."]
    if any(line[3] != DASH for line in lines):
        notes.append("95 % intervals: blocks of rows resampled within the given members; members resampled too.")
        resampled = "blocks and members"
    else:
        notes.append("95 % intervals: members resampled, not their rows, which a committed run does not keep.")
        resampled = "members alone"
    if reference:
        notes.append(f"minus {name}: the difference, its interval over {resampled}; * where that leaves out 0.")
    return Table(
        name=f"members_{_file(first['dataset'])}",
        title=f"{layout.dataset(first['dataset'])}: {question_name((first['query'], first['metric']))}",
        columns=[*columns, f"minus {name}"] if reference else columns,
        rows=lines,
        notes=notes,
    )


def each_member_table(rows: pd.DataFrame, layout: Layout) -> Table:
    """A line a member, a column a method; the lowest is bold, floors aside."""
    scores = member_scores(rows)
    methods = [m for m in layout.methods if m in scores.columns]
    real = [m for m in methods if m not in layout.floors()]
    lines: list[Row] = []
    for member, line in scores.iterrows():
        lowest = min((line[m] for m in real), default=math.nan)
        entries = [Text(number(line[m]), bold=m in real and line[m] == lowest) for m in methods]
        lines.append([str(member), *entries])
    first = rows.iloc[0]
    return Table(
        name=f"each_member_{_file(first['dataset'])}",
        title=f"{layout.dataset(first['dataset'])}: {question_name((first['query'], first['metric']))} of every member",
        columns=["member", *map(layout.method, methods)],
        rows=lines,
        notes=["Median over rows, averaged over seeds; the lowest of the methods is bold, floors aside."],
    )


def _file(dataset: str) -> str:
    return dataset.replace("/", "_")


def _intervals(e: Estimate) -> list[str]:
    return [DASH if math.isnan(low) else f"{number(low)} to {number(high)}" for low, high in (e.rows, e.both)]


def _difference(e: Estimate) -> str:
    low, high = e.both
    star = " *" if low > 0 or high < 0 else ""
    return f"{e.mean:+.3f} [{low:+.3f}, {high:+.3f}]{star}"
