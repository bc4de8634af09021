"""How many rows each distance needs to tell a slightly wrong world from the true one: the table of power.md.

``python docs/power.py --write`` computes power.csv anew (half an hour) and prints the table; without it, prints the
table of the file.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pandas as pd
from scmbench import datasets, metrics
from scmbench.benchmarks.questions.power import FAULTS, Distance, powers, rows_needed

FILE = Path(__file__).with_name("power.csv")
WORLDS = ("dcm/triangle/nlin", "cnf/simpson/nlin", "drawn/10/2/mlp/additive")
ROWS = (100, 200, 500, 1000, 2000)
REPETITIONS, SEED = 50, 0
DISTANCES: dict[str, Distance] = {
    "mmd_paper": metrics.mmd_paper,
    "mmd_unbiased": metrics.mmd_unbiased,
    "energy": metrics.energy_distance,
    "sliced_wasserstein": metrics.sliced_wasserstein,
    "ks": metrics.ks,
    "w1": metrics.w1,
}
NAMES = {
    "mmd_paper": "MMD of `paper`",
    "mmd_unbiased": "MMD of `standard`",
    "energy": "energy",
    "sliced_wasserstein": "sliced W",
    "ks": "KS",
    "w1": "W1",
}


def computed(worlds: tuple[str, ...] = WORLDS, rows: tuple[int, ...] = ROWS) -> pd.DataFrame:
    """A line a world, fault, distance and number of rows."""
    lines = []
    for world in worlds:
        scm = datasets.get(world).scm(SEED)
        for n in rows:
            found = powers(scm, DISTANCES, n, repetitions=REPETITIONS, seed=SEED)
            lines += [(world, fault, name, n, round(x, 4)) for (name, fault), x in found.items()]
    return pd.DataFrame(lines, columns=["world", "fault", "distance", "rows", "power"])


def table(frame: pd.DataFrame) -> str:
    """Rows needed for a power of 0.8, a line a world and fault, a column a distance; bracketed: the power at most."""
    head = ["world", "fault", *NAMES.values()]
    lines = [head, ["---"] * 2 + ["---:"] * len(NAMES)]
    for world in WORLDS:
        for fault in FAULTS:
            part = frame[(frame["world"] == world) & (frame["fault"] == fault)]
            needed = map(partial(_needed, part), NAMES)
            lines.append([f"`{world}`", fault, *needed])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _needed(part: pd.DataFrame, distance: str) -> str:
    own = part[part["distance"] == distance]
    curve = dict(zip(own["rows"], own["power"], strict=True))
    n = rows_needed(curve)
    return f"({curve[max(ROWS)]:.2f})" if n == float("inf") else f"{n:,}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        computed().to_csv(FILE, index=False)
    sys.stdout.write(table(pd.read_csv(FILE)) + "\n")
