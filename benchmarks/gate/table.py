"""The gate's table: cells with what they were, what they are, by how much they moved and may move."""

from __future__ import annotations

import pandas as pd

from ..judging.methods import title as name_of_method
from ..reporting.render import Table, Text, number
from . import moves


def table_of(judged: pd.DataFrame, title: str) -> Table:
    """Cells with what they were, what they are, by how much they moved and may move."""
    rows = []
    for line in judged.sort_values("used", ascending=False, na_position="first").to_dict("records"):
        rows.append(
            [
                Text(
                    line["state"], bold=line["state"] in moves.RED, word="worse" if line["state"] in moves.RED else ""
                ),
                line["dataset"],
                f"{line['query']} {line['metric']}",
                name_of_method(line["model"], line["variant"]),
                str(line["seed"]),
                number(line["committed"]),
                number(line["score"]),
                moves.percent(line["move"], sign=True),
                moves.percent(line["tolerance"]),
                moves.percent(line["used"]),
            ]
        )
    columns = ["", "dataset", "score", "model", "seed", "committed", "now", "moved", "tolerance", "used"]
    return Table("gate", title, columns, rows, left=4)
