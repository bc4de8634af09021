"""Tables of published curves and of published numbers that ours stand beside without being judged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from ...judging.compared import WORD, Compared
from ...judging.curves import Curve, CurveVerdict
from ..layout import Layout, metric_name
from ..render import DASH, Row, Table, Text, number


def curve_table(curve: Curve, judged: Sequence[tuple[str, int, CurveVerdict]], dataset: str, layout: Layout) -> Table:
    """The verdict on every sweep that a published curve is compared with; `judged` are (name, seeds, verdict)."""
    low, high = curve.argmin
    theirs = min(zip(curve.y, curve.x, strict=True))[1]
    rows: list[Row] = []
    for name, seeds, verdict in judged:
        rho = DASH if math.isnan(verdict.rho) else f"{verdict.rho:.2f}"
        rows.append([name, number(verdict.lowest), number(theirs), rho, str(verdict.n), str(seeds), Text(verdict.word)])
    return Table(
        name=f"curve_{curve.name}_{dataset.replace('/', '_')}",
        title=f"{metric_name(curve.metric)} over {curve.option}, ours and the published: {layout.dataset(dataset)}",
        columns=[
            "sweep",
            f"lowest at {curve.option}",
            "theirs at",
            "rank correlation",
            "values",
            "seeds",
            "verdict",
        ],
        rows=rows,
        notes=[
            f"Reproduced: our lowest point from {low:g} to {high:g}, and a rank correlation of at least "
            f"{curve.rank_correlation:g} with the published curve.",
            f"{curve.title}. {curve.cite()}",
            *filter(None, [curve.how, *curve.notes]),
        ],
    )


def compared_table(compared: Compared, rows: pd.DataFrame, dataset: str, layout: Layout) -> Table:
    """The published table with a column for each method of ours, a line a score, and the word `compare`."""
    ours = {score: compared.ours(rows, dataset, score) for score in compared.scores}
    methods = [m for m in layout.methods if any(m in found for found in ours.values())]
    lines: list[Row] = []
    for score, about in compared.scores.items():
        line: list[Text | str] = [about["label"]]
        for model in compared.models:
            value, sd = compared.theirs(score, model)
            line.append(number(value) + ("" if math.isnan(sd) else f" ± {number(sd)}"))
        lines.append([*line, *(number(ours[score].get(m, math.nan)) for m in methods), WORD])
    return Table(
        name=f"{compared.name}_{dataset.replace('/', '_')}",
        title=f"{compared.title}, and ours: {layout.dataset(dataset)}",
        columns=["score", *compared.models.values(), *map(layout.method, methods), ""],
        rows=lines if methods else [],
        notes=[
            f"{', '.join(compared.models.values())}: {compared.cite()}",
            *filter(None, [compared.how, *compared.notes]),
        ],
    )
