"""The tables of the page on open questions, from the committed run of the suite `theory`: ``python docs/catalogue.py``.

Where there is no such run, every table is the sentence that says so.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from queries import run
from scmbench.benchmarks.judging.cells import roles, text_columns
from scmbench.benchmarks.judging.mechanisms import ALPHA, ERROR, counterexamples, law, mechanisms, passes, split
from scmbench.benchmarks.judging.methods import FLOOR, title
from scmbench.benchmarks.reporting.render import DASH, number
from shown import not_run, plain, table, there, write

OUT = Path(__file__).parent / "numbers" / "questions" / "tables"
SUITE = "theory"
WORDS = {"hsic": "dependence (HSIC)", "reconstruction": "reconstruction error"}
MONOTONE = ("dcm/chain/nlin", "dcm/triangle/nlin")
"""Worlds of the suite in which every mechanism rises with its noise."""


def main() -> None:
    """Write the tables of every question that has any."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: `instrument`, `law`, `counterexamples`, `split`."""
    if not there(SUITE):
        return dict.fromkeys(("instrument", "law", "counterexamples", "split"), not_run(SUITE))
    results = run(SUITE)
    return rendered(mechanisms(results.rows), results.provenance)


def rendered(lines: pd.DataFrame, provenance: pd.DataFrame | None = None) -> dict[str, str]:
    """The tables of these mechanisms."""
    found, known = split(lines, provenance), roles(provenance)
    methods = [known.get(one) != FLOOR for one in zip(found["model"], found["variant"], strict=True)]
    return {
        "instrument": instrument(lines),
        "law": laws(lines),
        "counterexamples": exceptions(lines),
        "split": parts(found[methods]),
    }


def instrument(lines: pd.DataFrame) -> str:
    """A line a world and method that shows its noise: medians over nodes and seeds, and how many mechanisms pass."""
    shown = lines.dropna(subset=["hsic"])
    told = []
    for key, part in shown.groupby(["dataset", "model", "variant"], sort=False):
        medians = part[["hsic", "reconstruction", "monotone_share", ERROR]].median()
        small = f"{int((part['hsic_p'] < ALPHA).sum())} of {len(part)}"
        told.append(
            [*_named(*map(str, key)), *map(number, medians[:1]), small, *map(number, medians[1:]), _count(part)]
        )
    head = ["world", "method", "HSIC", f"p < {ALPHA}", "reconstruction", "in order", "true error", "pass"]
    return table(head, told, left=2)


def _count(part: pd.DataFrame) -> str:
    return f"{int(passes(part).sum())} of {len(part)}"


def laws(lines: pd.DataFrame) -> str:
    """Slopes of the log error in the logs of both terms: by method, over all, and where all mechanisms rise."""
    rising = lines[lines["dataset"].isin(MONOTONE)]
    groups = {
        "all methods, all worlds": lines,
        "all methods, worlds whose mechanisms rise": rising,
        "the same without linear": rising[rising["model"] != "linear"],
    }
    shown = lines.dropna(subset=["hsic"])
    groups |= {plain(title(*map(str, key))): part for key, part in shown.groupby(["model", "variant"], sort=False)}
    told = []
    for name, part in groups.items():
        found = law(part)
        slopes = [_interval(*map(float, line)) for line in found.loc[list(WORDS), ["slope", "low", "high"]].to_numpy()]
        told.append([name, *slopes, str(int(found["n"].iloc[0])), str(int(found["worlds"].iloc[0]))])
    return table(["of", *(f"slope in log {word}" for word in WORDS.values()), "mechanisms", "worlds"], told)


def _interval(slope: float, low: float, high: float) -> str:
    if math.isnan(slope):
        return DASH
    return f"{slope:.2f}" + ("" if math.isnan(low) else f" [{low:.2f}, {high:.2f}]")


def exceptions(lines: pd.DataFrame) -> str:
    """Mechanisms that pass and are wrong; a sentence where there is none."""
    found = counterexamples(lines).to_dict("records")
    if not found:
        return "No mechanism passes all three and is wrong.\n"
    told = []
    for row in found:
        names = plain(row["dataset"]), plain(row["node"]), plain(title(row["model"], row["variant"]))
        told.append([*names, str(row["seeds"]), number(row["error"])])
    return table(["world", "node", "method", "seeds", "true error"], told, left=3)


def parts(found: pd.DataFrame) -> str:
    """A line a world and method: the three parts of its mean squared error, and the share that nobody avoids."""
    told = []
    for row in text_columns(found, ["dataset", "model", "variant"]).to_dict("records"):
        numbers = [number(row[part]) for part in ("unavoidable", "price", "estimation", "total")]
        share = DASH if math.isnan(row["share"]) else f"{100 * row['share']:.0f} %"
        told.append([*_named(row["dataset"], row["model"], row["variant"]), *numbers, share])
    head = ["world", "method", "unavoidable", "monotone's price", "estimation", "total", "unavoidable share"]
    return table(head, told, left=2)


def _named(dataset: str, model: str, variant: str) -> list[str]:
    return [plain(dataset), plain(title(model, variant))]


if __name__ == "__main__":
    main()
