"""The table of the page on costs, from the committed run of the suite `methods`: ``python docs/catalogue.py``.

Where there is no such run, it is the sentence that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from committed_runs import runs
from rankings import ranked
from scmbench.benchmarks.judging.blocks import RUNGS
from scmbench.benchmarks.judging.cells import Method, text_columns
from scmbench.benchmarks.judging.methods import METHOD
from scmbench.benchmarks.reporting.render import DASH, number
from shown import link, method_page, not_run, table, there, write

OUT = Path(__file__).parent / "numbers" / "costs" / "tables"
SUITE = "methods"
HEAD = [
    "method",
    "to fit, CPU s",
    "to answer, CPU s",
    "parameters",
    "gradient steps",
    "memory, MB",
    *(f"rank, {rung}" for rung in RUNGS),
]


def main() -> None:
    """Write the table."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: `costs`."""
    if not there(SUITE):
        return {"costs": not_run(SUITE)}
    (one,) = (one for one in runs() if one.name == SUITE)
    methods = one.methods(METHOD)
    names = {m: link(f"methods/{method_page(one.registered.get(m, m[0]))}", one.layout.method(m)) for m in methods}
    return {"costs": costs(one.provenance, ranked(SUITE), names)}


def costs(provenance: pd.DataFrame, ranks: pd.DataFrame, names: Mapping[Method, str]) -> str:
    """A line a method, the cheapest first: medians over problems of what it took, the least and most behind them."""
    told = text_columns(provenance, ["model", "variant", "status"])
    told = told[told["status"] == "ok"]
    lines = []
    for method, name in names.items():
        mine = told[(told["model"] == method[0]) & (told["variant"] == method[1])]
        if mine.empty:
            continue
        fit, answer = _numbers(mine, "fit_cpu_s"), _numbers(mine, "query_cpu_s")
        sizes = [_numbers(mine, part).median() for part in ("parameters", "gradient_steps", "peak_mb")]
        whole = [DASH if np.isnan(x) else f"{x:,.0f}" for x in sizes]
        places = [_rank(ranks, rung, method) for rung in RUNGS]
        lines.append((fit.median() + answer.median(), [name, _span(fit), number(answer.median()), *whole, *places]))
    return table(HEAD, [line for _, line in sorted(lines, key=lambda pair: pair[0])])


def _numbers(lines: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(lines[column], errors="coerce") if column in lines else pd.Series([np.nan], dtype=float)


def _span(seconds: pd.Series) -> str:
    return f"{number(seconds.median())} [{number(seconds.min())}, {number(seconds.max())}]"


def _rank(ranks: pd.DataFrame, rung: str, method: Method) -> str:
    line = ranks[(ranks["rung"] == rung) & (ranks["model"] == method[0]) & (ranks["variant"] == method[1])]
    return number(float(line["rank"].item())) if len(line) else DASH


if __name__ == "__main__":
    main()
