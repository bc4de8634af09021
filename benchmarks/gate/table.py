"""The gate's tables: cells with what they were, what they are, how far they moved and may move; drifts of methods."""

from __future__ import annotations

import pandas as pd

from ..judging.methods import title as name_of_method
from ..reporting.render import Table, Text, number
from . import moves, pooled


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


def drifts_of(judged: pd.DataFrame, title: str) -> Table:
    """Methods and rungs with how far their cells drifted together and may drift, in tolerances of a cell."""
    rows = []
    for line in judged.sort_values("used", ascending=False, na_position="first").to_dict("records"):
        red = line["state"] in pooled.RED
        model = f"{line['model']} ({line['variant']})" if line["variant"] else line["model"]
        shares = [
            moves.percent(line["drift"], sign=True),
            moves.percent(line["tolerance"]),
            moves.percent(line["used"]),
        ]
        state = Text(line["state"], bold=red, word="worse" if red else "")
        rows.append([state, model, line["query"], str(line["moves"]), *shares])
    return Table("drifts", title, ["", "model", "rung", "moves", "drift", "tolerance", "used"], rows, left=3)
