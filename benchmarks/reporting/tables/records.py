"""Tables of records: what each method costs, where the numbers come from, what failed and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from ...judging.cells import FAILED, UNSUPPORTED, text_columns
from ...judging.notes import DOUBTS, notes_of
from ...records import staleness
from ..layout import Layout
from ..render import DASH, Table, Text, number


def cost_table(provenance: pd.DataFrame, layout: Layout) -> Table:
    """What each method takes: CPU-seconds a problem, parameters, gradient steps, memory; medians and ranges."""
    provenance = text_columns(provenance, ["model", "variant"])

    def span(column: str, of: pd.DataFrame, show: Callable[[float], str] = number) -> str:
        x = pd.to_numeric(of[column], errors="coerce").dropna() if column in of.columns else pd.Series(dtype=float)
        if x.empty:
            return DASH
        low, middle, high = x.min(), x.median(), x.max()
        return show(middle) if low == high else f"{show(middle)} [{show(low)}, {show(high)}]"

    def whole(x: float) -> str:
        return f"{x:,.0f}"

    rows: list[Any] = []
    for model, variant in layout.methods:
        records = provenance[(provenance["model"] == model) & (provenance["variant"] == variant)]
        ok = records[records["status"] == "ok"]
        if records.empty:
            continue
        rows.append(
            [
                layout.method((model, variant)) + layout.mark((model, variant)),
                f"{len(ok)}/{len(records)}",
                span("cpu_s", ok),
                span("query_cpu_s", ok),
                span("parameters", ok, whole),
                span("gradient_steps", ok, whole),
                span("peak_mb", ok, whole),
            ]
        )
    return Table(
        name="cost",
        title="Cost of a problem (one SCM at one seed): median [least, most]",
        columns=[
            "method",
            "finished",
            "CPU-seconds",
            "of these, queries",
            "parameters",
            "gradient steps",
            "peak memory, MB",
        ],
        rows=rows,
        notes=[
            "Problems differ in size, hence the ranges. Variants that share a fit each show all of its cost; what a "
            "batch of problems trained together takes is shared out among them.",
            *layout.marks(),
        ],
        left=1,
    )


def provenance_table(provenance: pd.DataFrame) -> Table:
    """Where the numbers come from: records by status, seeds, hardware, versions, commits, CPU time."""

    def distinct(column: str) -> Iterable[tuple[str, int]]:
        return text_columns(provenance, [column])[column].replace("", DASH).value_counts().items()  # type: ignore[return-value]

    rows: list[Any] = [["records", ", ".join(f"{n} {status}" for status, n in distinct("status"))]]
    seeds = sorted(set(provenance["seed"]))
    rows.append(["seeds", f"{len(seeds)}: {', '.join(map(str, seeds))}"])
    for column in ("cpu_s", "wall_s"):
        if column in provenance.columns:
            hours = pd.to_numeric(provenance[column], errors="coerce").sum() / 3600
            rows.append(["CPU time" if column == "cpu_s" else "wall time of all records", f"{number(hours)} hours"])
    for column in ("hardware", "device", "threads", "python", "packages", "commit", "dirty"):
        if column in provenance.columns:
            rows += [[column, f"{value} ({n} records)"] for value, n in distinct(column)]
    return Table("provenance", "Where these numbers come from", ["", ""], rows, left=2)


def dirty_table(provenance: pd.DataFrame) -> Table:
    """A red line on records that a changed checkout made: no commit holds the code behind them. Empty without such."""
    rows: list[Any] = []
    if "dirty" in provenance.columns:
        made = text_columns(provenance, ["dirty", "commit"])
        dirty = made[made["dirty"] == "True"]
        if len(dirty):
            commits = ", ".join(sorted({commit[:10] or "no commit" for commit in dirty["commit"]}))
            told = f"⚠ {len(dirty)} of {len(made)} records were made by a changed checkout on top of {commits}"
            rows.append([Text(told, word="dirty")])
    return Table("dirty", "Not from a commit: no commit holds the code that made these numbers", [""], rows, left=1)


def stale_table(provenance: pd.DataFrame, suite: str) -> Table:
    """A line on records that other code made than there is now. Empty without such."""
    rows: list[Any] = []
    if len(made := staleness.of(provenance)):
        whose = staleness.told(zip(made["model"], made["stale"], strict=True))
        told = f"⚠ {len(made)} of {len(provenance)} records ({whose}): scmbench run {suite} --stale computes them again"
        rows.append([Text(told, word="dirty")])
    return Table("stale", "Made by other code than there is now, its versions the same", [""], rows, left=1)


def failures(provenance: pd.DataFrame, layout: Layout, *, unsupported: bool = True) -> Table:
    """What has no score and why: records that are not ok and queries that went unanswered, gathered by reason.

    Without `unsupported`, what a method cannot answer by design is left out.
    """
    reasons: dict[tuple[str, str, str], list[str]] = {}
    lines = text_columns(provenance, ["dataset", "model", "variant", "status", "message"])
    for line in lines.to_dict("records"):
        notes = [note for note in notes_of(line) if note.status not in DOUBTS]
        why = line["message"] if line["status"] != "ok" else "; ".join(map(str, notes))
        said = {line["status"], *(note.status for note in notes if line["status"] == "ok")}
        by_design = FAILED not in said and said <= {"ok", UNSUPPORTED}
        if (why or line["status"] != "ok") and (unsupported or not by_design):
            key = (line["status"].replace("ok", "in part"), layout.method((line["model"], line["variant"])), why)
            reasons.setdefault(key, []).append(f"{layout.dataset(line['dataset'])} seed {line['seed']}")
    rows: list[Any] = [
        [Text(status, word=status), method, str(len(where)), ", ".join(where[:3]) + (", …" if where[3:] else ""), why]
        for (status, method, why), where in sorted(reasons.items())
    ]
    return Table(
        "failures", "What has no score, and why", ["status", "method", "records", "where", "why"], rows, left=5
    )
