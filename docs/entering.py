"""The table on how parents enter a network, from the committed run of `parents`: ``python docs/catalogue.py``.

Where there is no such run, the table is the sentence that says so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from experiments import by_seed, over, ratio
from queries import run
from scmbench.benchmarks.judging.cells import Method, text_columns
from scmbench.benchmarks.judging.mechanisms import ALPHA, ERROR, mechanisms
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.reporting.render import DASH, number
from shown import not_run, plain, table, there, write

OUT = Path(__file__).parent / "numbers" / "questions" / "tables"
SUITE = "parents"
CONCAT: Method = ("concat", "")
KINDS = {
    "additive": ("dcm/chain/nlin", "dcm/triangle/nlin"),
    "nonadditive": ("dcm/chain/nadd", "dcm/triangle/nadd"),
}
"""Worlds of the suite, by whether noise is added."""
PARTS = {"hsic": ("abduction", "hsic"), ERROR: ("counterfactual", ERROR)}
"""Dependence of noise and parents, and the true error: query and metric."""


def main() -> None:
    """Write the table."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: that of the suite."""
    return {SUITE: entries(run(SUITE).rows, run(SUITE).provenance) if there(SUITE) else not_run(SUITE)}


def entries(rows: pd.DataFrame, provenance: pd.DataFrame) -> str:
    """A line a kind of world and method: dependence and true error, both over those of `CONCAT`, size and time."""
    lines, told = mechanisms(rows), []
    cost = text_columns(provenance, ["model", "variant", "dataset"])
    for kind, worlds in KINDS.items():
        here = lines[lines["dataset"].isin(worlds)]
        for who in dict.fromkeys(zip(here["model"], here["variant"], strict=True)):
            own = here[_of(here, who)]
            p, hsic = own["hsic_p"].dropna(), own["hsic"].median()
            small = f"{int((p < ALPHA).sum())} of {len(p)}" if len(p) else DASH
            beside = [DASH if who == CONCAT else _over(rows, who, kind, part) for part in PARTS]
            paid = cost[_of(cost, who) & cost["dataset"].isin(worlds)]
            size, seconds = (_middle(paid, name) for name in ("parameters", "fit_cpu_s"))
            shown = (
                number(hsic) if np.isfinite(hsic) else DASH,
                beside[0],
                small,
                number(own[ERROR].median()),
                beside[1],
            )
            told.append([kind, plain(title(*who)), *shown, f"{size:,.0f}" if size > 0 else DASH, number(seconds)])
    head = ["worlds", "entry", "HSIC", "over concat", f"p < {ALPHA}", "true error", "over concat"]
    return table([*head, "parameters", "CPU-seconds a fit"], told, left=2)


def median(rows: pd.DataFrame, who: Method, kind: str, part: str) -> float:
    """The median of ``hsic`` or ``rmse`` over a method's mechanisms and seeds, in worlds of a kind."""
    lines = mechanisms(rows)
    own = lines[_of(lines, who) & lines["dataset"].isin(KINDS[kind])]
    if own.empty:
        raise ValueError(f"no mechanism of {title(*who)} in {kind} worlds")
    return float(own[part].median())


def over_concat(rows: pd.DataFrame, who: Method, kind: str, part: str) -> tuple[float, float, float]:
    """A method's ``hsic`` or ``rmse`` over concatenation's, with a 95 % interval; paired by world and seed.

    A pair is the mean over the nodes of a world, of one seed.
    """
    return ratio(*_pairs(rows, who, kind, part))


def _over(rows: pd.DataFrame, who: Method, kind: str, part: str) -> str:
    return over(*_pairs(rows, who, kind, part))


def _pairs(rows: pd.DataFrame, who: Method, kind: str, part: str) -> tuple[pd.Series, pd.Series]:
    scores = by_seed(rows, *PARTS[part])
    index = scores.index.to_frame()
    mine, other = (scores[_of(index, one) & index["dataset"].isin(KINDS[kind])] for one in (who, CONCAT))
    return mine.droplevel(["model", "variant"]), other.droplevel(["model", "variant"])


def _of(lines: pd.DataFrame, who: Method) -> pd.Series:
    return (lines["model"] == who[0]) & (lines["variant"] == who[1])


def _middle(lines: pd.DataFrame, column: str) -> float:
    return float(pd.to_numeric(lines[column], errors="coerce").median()) if column in lines else float("nan")


if __name__ == "__main__":
    main()
