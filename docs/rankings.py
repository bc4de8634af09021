"""What the markers of `docs/claims.py` may ask of rankings, beside what `queries` has."""

from __future__ import annotations

from functools import cache

import pandas as pd
from queries import method, run
from scmbench.benchmarks.judging.blocks import Rung
from scmbench.benchmarks.judging.contests import costs, friedman, home, needed, taus, wins
from scmbench.benchmarks.judging.ranking import ranks


@cache
def rungs(name: str) -> dict[str, Rung]:
    """The ranks of a run by rung."""
    return {rung.name: rung for rung in run(name).rungs()}


@cache
def ranked(name: str) -> pd.DataFrame:
    """Its ranking."""
    return ranks(list(rungs(name).values()))


def _line(name: str, who: str, rung: str) -> pd.Series:
    table, (model, variant) = ranked(name), method(who)
    own = table[(table["rung"] == rung) & (table["model"] == model) & (table["variant"] == variant)]
    if own.empty:
        raise ValueError(f"{who} is not ranked on {rung} in {name}")
    return own.iloc[0]


def mean_rank(name: str, who: str, rung: str) -> float:
    """Mean rank of a method on a rung."""
    return float(_line(name, who, rung)["rank"])


def skill(name: str, who: str, rung: str) -> tuple[float, float, float]:
    """Mean skill of a method on a rung, with its interval."""
    line = _line(name, who, rung)
    return float(line["skill"]), float(line["skill_low"]), float(line["skill_high"])


def chance_of_best(name: str, who: str, rung: str) -> float:
    """How often a method has the lowest mean rank in the bootstrap, in per cent."""
    return 100 * float(_line(name, who, rung)["best"])


def critical(name: str, rung: str) -> tuple[int, float]:
    """Worlds and the critical difference of Nemenyi's test."""
    test = friedman(rungs(name)[rung])
    return test.worlds, test.distance


def told_from_best(name: str, rung: str) -> tuple[int, int]:
    """How many methods are not told from the best, the best among them, of how many."""
    test = friedman(rungs(name)[rung])
    return len(test.leads()), len(test.ranks)


def rung_tau(name: str, a: str, b: str) -> tuple[float, float, float]:
    """Kendall's tau between two rungs, with its interval."""
    (line,) = taus([rungs(name)[a], rungs(name)[b]]).to_dict("records")
    return line["tau"], line["low"], line["high"]


def won(name: str, a: str, b: str, rung: str) -> float:
    """How often a is ranked before b, in per cent of worlds and seeds."""
    return 100 * float(wins(rungs(name)[rung]).loc[method(a), method(b)])  # type: ignore[arg-type]


def worlds_needed(name: str, a: str, b: str, rung: str) -> float:
    """Worlds that tell a from b in four of five runs."""
    return needed(rungs(name)[rung], method(a), method(b)).worlds


def at_home(name: str, who: str, rung: str) -> tuple[float, float]:
    """The mean rank of a method on the worlds of its own paper, and on those of others."""
    model, variant = method(who)
    table = home(rungs(name)[rung], {})
    own = table[(table["model"] == model) & (table["variant"] == variant)]
    if own.empty:
        raise ValueError(f"{who} has no worlds of its own on {rung} in {name}, or no others")
    return float(own["home"].item()), float(own["away"].item())


def lost(name: str, who: str, rung: str) -> int:
    """How many scores of a method are missing on a rung because its answers failed; a question gives several."""
    return int(_line(name, who, rung)["failed"])


def seconds(name: str, who: str, rung: str) -> float:
    """The CPU time of a method on the worlds of a rung, to fit and to answer everything: the mean over records."""
    table, (model, variant) = costs(rungs(name)[rung], run(name).provenance), method(who)
    return float(table[(table["model"] == model) & (table["variant"] == variant)]["cpu_s"].item())


def size_of(name: str) -> tuple[int, int]:
    """How many methods a run ranks, and on how many worlds: those of counterfactuals."""
    rung = rungs(name)["counterfactual"]
    return len(rung.methods), len(rung.worlds)


NAMES = {name: value for name, value in globals().items() if not name.startswith("_") and name != "annotations"}
"""What an expression may use."""
