"""Which method when, from the committed run of `arena`: tables of a page (``python docs/catalogue.py``) and the README.

``python docs/arena.py --write`` puts the short one between its marks in the README, as ``make numbers`` does; a test
compares the two. Where there is no such run, a table is the sentence that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import marks
import pandas as pd
from queries import run
from rankings import rungs
from scmbench.benchmarks.judging.blocks import RUNGS, Rung
from scmbench.benchmarks.judging.cells import Method
from scmbench.benchmarks.judging.contests import costs
from scmbench.benchmarks.judging.methods import title
from scmbench.benchmarks.judging.ranking import ranks
from scmbench.benchmarks.judging.where import Lacking, Where
from scmbench.benchmarks.reporting.render import DASH, number
from scmbench.datasets.attributes import attributes
from shown import not_run, plain, table, there, write

SUITE = "arena"
BUDGET = "budget"
OUT = Path(__file__).parent / "numbers" / "which" / "tables"
README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- which: python docs/arena.py --write -->\n\n", "\n<!-- elsewhere: docs/arena.py, held by a test -->"

GROUPS: Mapping[str, str] = {
    "all worlds": "n > 0",
    "worlds of papers": "paper != 'drawn'",
    "linear mechanisms": "mechanism == 'linear'",
    "smooth mechanisms": "mechanism in ('mlp', 'gp', 'periodic')",
    "mechanisms in steps (trees)": "mechanism == 'tree'",
    "additive noise": "noise == 'additive'",
    "additive noise, heavy tails": "noise == 'heavy'",
    "noise whose scale the causes set": "noise in ('heteroscedastic', 'multiplicative')",
    "effects not monotone in the noise": "noise == 'nonmonotone'",
}
"""What is known of a problem, as the condition of ``scmbench rank --where``; the last seven are of drawn worlds."""

CHANCE, SURE = 0.05, 0.95
"""Shares of bootstrap draws with the lowest mean rank: from which on a method may be the best, and is."""


def main() -> None:
    """Write the tables of the page."""
    write(tables(), OUT)


def tables() -> dict[str, str]:
    """Markdown by name: a table a rung, and `budget`."""
    if not there(SUITE):
        return dict.fromkeys((*RUNGS, BUDGET), not_run(SUITE))
    found = rungs(SUITE)
    return {name: ahead(rung) for name, rung in found.items()} | {BUDGET: budget(found, run(SUITE).provenance)}


def budget(found: Mapping[str, Rung], provenance: pd.DataFrame) -> str:
    """A line a method on a Pareto front: none that takes less CPU time has as low a mean rank; cheapest first."""
    fronts = {name: costs(rung, provenance) for name, rung in found.items()}
    on = {name: table[table["front"].astype(bool)] for name, table in fronts.items()}
    spent = {method: seconds for front in on.values() for method, seconds, _ in _lines(front)}
    placed = {name: {method: rank for method, _, rank in _lines(front)} for name, front in on.items()}
    lines = []
    for method, seconds in sorted(spent.items(), key=lambda pair: pair[1]):
        places = [f"{placed[name][method]:.1f}" if method in placed[name] else DASH for name in placed]
        lines.append([f"`{title(*method)}`", number(seconds), *places])
    return table(["method", "CPU s a world", *(f"mean rank, {name}" for name in placed)], lines)


def _lines(front: pd.DataFrame) -> list[tuple[Method, float, float]]:
    return [((r["model"], r["variant"]), r["cpu_s"], r["rank"]) for r in front.to_dict("records")]


def ahead(rung: Rung) -> str:
    """A line a group of worlds: who may be the best there, how often in the bootstrap, with mean ranks and skills."""
    lines = []
    for name, condition in GROUPS.items():
        part = within(rung, condition)
        for i, line in enumerate(leaders(part)):
            group, worlds = (plain(name), str(len(part.worlds))) if i == 0 else ("", "")
            skill = f"{line['skill']:.2f} [{line['skill_low']:.2f}, {line['skill_high']:.2f}]".replace("-", "−")
            told = [f"{line['rank']:.1f}", DASH if pd.isna(line["skill"]) else skill, f"{100 * line['best']:.0f} %"]
            lines.append([group, _named(line), worlds, *told])
    return table(["worlds", "may be the best", "how many", "mean rank", "skill", "best in"], lines, left=2)


def within(rung: Rung, condition: str) -> Rung:
    """The rung on the worlds that meet a condition; one that does not know what decides is left out."""
    where = Where(condition)
    return replace(rung, worlds=[world for world in rung.worlds if _meets(where, world.name)])


def _meets(where: Where, name: str) -> bool:
    try:
        return where(attributes(name))
    except Lacking:
        return False


def leaders(rung: Rung) -> Sequence[Mapping[str, float]]:
    """The lines of the ranking that may be the best, by mean rank; nobody without worlds."""
    if not rung.worlds:
        return []
    ranked = ranks([rung])
    return ranked[ranked["best"] >= CHANCE].to_dict("records")


def named_leaders(rung: Rung) -> str:
    """All that may be the best, in a line; bold where that is one alone. Nothing without worlds."""
    return ", ".join(map(_named, leaders(rung)))


def _named(line: Mapping[str, object]) -> str:
    method: Method = (str(line["model"]), str(line["variant"]))
    name = f"`{title(*method)}`"
    return f"**{name}**" if float(str(line["best"])) >= SURE else name


INTRODUCTION = """Of the methods of `arena`, these may be the best ([by how much, and how sure](docs/arena.md)); bold is
the best in nineteen of twenty bootstrap draws:

"""
UNKNOWN = """The suite `arena` asks it of many worlds and has no committed run yet ([what it will say](docs/arena.md));
until then [choose](docs/choosing.md) by what the run of `paper` says.
"""


def short() -> str:
    """What the README says: by group and rung, all that may be the best; bold where that is one alone."""
    return INTRODUCTION + best() if there(SUITE) else UNKNOWN


def best() -> str:
    """Its table."""
    found = rungs(SUITE)
    lines = []
    for name, condition in GROUPS.items():
        cells = [named_leaders(within(found[rung], condition)) for rung in RUNGS if rung in found]
        if any(cells):
            lines.append([plain(name), *(cell or DASH for cell in cells)])
    return table(["worlds", *(rung for rung in RUNGS if rung in found)], lines, left=4)


BLOCK = marks.Block(README, START, END, short)

if __name__ == "__main__":
    BLOCK.main()
