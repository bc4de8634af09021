"""The gate: has a reproduced number moved? A run against a committed one, seed by seed, with a tolerance per cell.

With s the score of a cell at a seed, b the committed one, and B the median of |b| over the cell's seeds, the *move* of
a seed is (s - b) / max(|b|, B): a relative change, which a single committed score near zero does not blow up. A cell
*holds* while no seed moved by more than the cell's tolerance, which `tolerance.py` takes from measured harmless
variation, never from taste.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..judging.cells import CELL
from ..judging.methods import title
from ..judging.published import Published
from ..judging.verdict import verdicts

HELD, MOVED, LOST, UNKNOWN, UNMEASURED = "held", "moved", "lost", "unknown", "unmeasured"
RED = (MOVED, LOST, UNKNOWN, UNMEASURED)
"""States that stop a change; `WHY` explains each."""

WHY = {
    MOVED: "a seed moved by more than the tolerance",
    LOST: "a seed that has a committed score has none now",
    UNKNOWN: "the committed run lacks the cell or a seed of it: scmbench committed update takes it in",
    UNMEASURED: "the cell has no tolerance: scmbench committed tolerances measures it",
}

NOT_JUDGED = "not judged"
"""What stands for the verdict of a cell that one side lacks."""


def moves(scores: pd.DataFrame, committed: pd.DataFrame) -> pd.DataFrame:
    """Every cell and seed that either side has: columns ``CELL + [seed, score, committed, move]``.

    Both are of `cells.seed_scores`. A side that lacks the seed, or has no finite score, gives NaN; two zeros have not
    moved, and a score beside a cell whose committed ones are all zero has moved by ±∞.
    """
    on = [*CELL, "seed"]
    old = committed.rename(columns={"score": "committed"})
    both = old[[*on, "committed"]].merge(scores[[*on, "score"]], on=on, how="outer", sort=False)
    finite = both[["score", "committed"]].apply(lambda x: x.where(np.isfinite(x)))
    both[["score", "committed"]] = finite
    typical = both["committed"].abs().groupby([both[name] for name in CELL]).transform("median")
    unit = np.maximum(both["committed"].abs(), typical)
    change = both["score"] - both["committed"]
    with np.errstate(divide="ignore", invalid="ignore"):
        both["move"] = np.where(change == 0, 0.0, change / unit)
    return both[[*on, "score", "committed", "move"]]


def judge(moved: pd.DataFrame, tolerances: pd.DataFrame) -> pd.DataFrame:
    """One line per cell of `moves`: `state`, and the seed that moved most against its tolerance.

    `tolerances` has ``CELL + [tolerance]``. Columns: ``CELL``, `state` (this module's names), `seeds`, `seed`,
    `score`, `committed`, `move`, `tolerance`, and `used`, the part of the tolerance that the move takes (above 1 is
    red; what is left of 1 is the headroom).
    """
    allowed = tolerances.set_index(CELL)["tolerance"].to_dict()
    lines = []
    for key, group in moved.groupby(CELL, sort=False):
        key = tuple(key)
        tolerance = allowed.get(key, math.nan)
        size = group["move"].abs()
        worst = group.iloc[int(size.fillna(-1.0).to_numpy().argmax())]
        lost = group["committed"].notna() & group["score"].isna()
        unknown = group["committed"].isna() & group["score"].notna()
        if lost.any():
            state, worst = LOST, group[lost].iloc[0]
        elif unknown.any():
            state, worst = UNKNOWN, group[unknown].iloc[0]
        elif math.isnan(tolerance):
            state = UNMEASURED
        else:
            state = MOVED if abs(worst["move"]) > tolerance else HELD
        used = abs(worst["move"]) / tolerance if tolerance else math.nan
        shown = [worst[name] for name in ("seed", "score", "committed", "move")]
        lines.append([*key, state, len(group), *shown, tolerance, used])
    names = ["state", "seeds", "seed", "score", "committed", "move", "tolerance", "used"]
    return pd.DataFrame(lines, columns=[*CELL, *names]).astype({"seed": int})


def is_red(judged: pd.DataFrame) -> bool:
    """Whether any cell is in one of the states `RED`. A table without a cell is red too: nothing was checked."""
    return judged.empty or bool(judged["state"].isin(RED).any())


def verdict_table(
    scores: pd.DataFrame, published: Sequence[Published], provenance: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What the verdict on every published cell is: columns ``[published] + CELL + [verdict]``."""
    parts = []
    for numbers in published:
        table = verdicts(scores, numbers, provenance)
        table = table.loc[table["form"] != "", [*CELL, "verdict"]]
        parts.append(table.assign(published=numbers.name))
    names = ["published", *CELL, "verdict"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def changed_verdicts(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Cells on which `now` and `before` do not say the same word: columns ``[published] + CELL + [verdict, before]``.

    A gained verdict counts as a fallen one does: a rule that became lenient is found by what it lets pass. A cell that
    one side lacks is `NOT_JUDGED` there.
    """
    on = ["published", *CELL]
    old = before[[*on, "verdict"]].rename(columns={"verdict": "before"})
    both = now[[*on, "verdict"]].merge(old, on=on, how="outer", sort=False)
    both[["verdict", "before"]] = both[["verdict", "before"]].fillna(NOT_JUDGED)
    return both[both["verdict"] != both["before"]].reset_index(drop=True)


def describe(line: Mapping[Any, Any]) -> str:
    """One line of `judge` in words: the cell, what happened at which seed, and the tolerance.

    >>> describe({"dataset": "dcm/y/nlin", "query": "observational", "metric": "mmd", "model": "dcm",
    ...     "variant": "reference", "state": "moved", "seed": 1, "score": 0.015, "committed": 0.012, "move": 0.25,
    ...     "tolerance": 0.03})
    'dcm/y/nlin, observational mmd, dcm (reference): seed 1 moved by +25% (0.012 to 0.015), tolerance 3%'
    """
    cell = f"{line['dataset']}, {line['query']} {line['metric']}, {title(line['model'], line['variant'])}"
    if line["state"] in (LOST, UNKNOWN):
        return f"{cell}: {WHY[line['state']]} (seed {line['seed']})"
    moved = f"seed {line['seed']} moved by {percent(line['move'], sign=True)}"
    numbers = f"({line['committed']:.4g} to {line['score']:.4g})"
    if line["state"] == UNMEASURED:
        return f"{cell}: {moved} {numbers}; {WHY[UNMEASURED]}"
    return f"{cell}: {moved} {numbers}, tolerance {percent(line['tolerance'])}"


def percent(x: float, *, sign: bool = False) -> str:
    """A relative change as text, two digits; what is beyond ten times as a factor.

    >>> percent(0.25, sign=True), percent(1.2e-5), percent(878.74), percent(3e-9)
    ('+25%', '0.0012%', '879×', '0%')
    """
    if not math.isfinite(x):
        return "–" if math.isnan(x) else "∞"
    if abs(x) < 1e-7:
        return "0%"
    if abs(x) >= 10:
        return f"{x:{'+' if sign else ''},.0f}×"
    return f"{100 * x:{'+' if sign else ''}.2g}%" if abs(x) < 1 else f"{100 * x:{'+' if sign else ''}.0f}%"
