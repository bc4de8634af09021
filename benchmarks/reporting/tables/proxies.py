"""The table of proxies: how each ranks methods compared with the truth, and what its choice costs."""

from __future__ import annotations

import math

import pandas as pd

from ...judging.proxies import TRUTH
from ..layout import Layout, metric_name
from ..render import DASH, Table, Text, number


def agreement_table(told: pd.DataFrame, layout: Layout, dataset: str) -> Table:
    """One line a proxy of `judging.proxies.agreement`, best rank correlation first."""
    rows = []
    for line in told.sort_values("rho", ascending=False, kind="stable", na_position="last").to_dict("records"):
        rho = DASH if math.isnan(line["rho"]) else f"{line['rho']:.2f}"
        ends = DASH if math.isnan(line["low"]) else f"{line['low']:.2f} to {line['high']:.2f}"
        right = line["chosen"] == line["best"]
        rows.append(
            [
                metric_name(line["proxy"]),
                *(rho, ends, str(line["n"])),
                layout.method(line["chosen"]),
                Text(number(line["chosen_error"]), bold=right),
                number(line["best_error"]),
            ]
        )
    return Table(
        name=f"proxies_{dataset.replace('/', '_')}",
        title=f"Which proxy would have chosen the right method? {layout.dataset(dataset)}",
        columns=["proxy", "rank correlation", "95 %", "methods", "its choice", "true error of it", "least true error"],
        rows=rows,
        notes=[
            f"Errors are {metric_name(TRUTH)}: 1 for the factual image, 0 for the oracle; medians over seeds. A proxy "
            "of which higher is better is turned round, so that 1 means the order of the truth. Bold: the right choice."
        ],
    )
