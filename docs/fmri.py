"""The numbers of fmri.md that no suite computes: how much signal there is, and how little of it carries over.

Needs the data (`scmbench data fetch fmri`); prints a table a direction. Run it as ``python docs/fmri.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scmbench import datasets
from scmbench.benchmarks.judging.members import difference, estimate
from scmbench.benchmarks.questions import protocols

SLOPES = np.linspace(-1.5, 1.5, 601)


def series(name: str) -> dict[str, tuple[NDArray, NDArray, NDArray, NDArray]]:
    """By patient: cause and effect in the training run, cause and effect in the run that is asked about."""
    found = {}
    for problem in datasets.get(name).problems(protocols.get("standard"), seed=0):
        (query,) = problem.queries
        ((effect, measured),) = query.measured.items()  # type: ignore[attr-defined]
        train = problem.train[query.node], problem.train[effect]  # type: ignore[attr-defined]
        found[problem.member] = tuple(x.numpy() for x in (*train, query.values, measured))  # type: ignore[attr-defined]
    return found


def slope(x: NDArray, y: NDArray) -> float:
    """Of the regression of standardised series, with ridge penalty 1."""
    return float((x * y).sum() / ((x * x).sum() + 1))


def best_slope(x: NDArray, y: NDArray) -> float:
    """The slope with the lowest median absolute error on these very rows."""
    return float(min(SLOPES, key=lambda b: np.median(np.abs(y - b * x))))


def autocorrelation(x: NDArray, lag: int) -> float:
    """Of a series, at a lag."""
    z = x - x.mean()
    return float((z[:-lag] * z[lag:]).mean() / (z * z).mean())


def main() -> None:
    """Print what there is to say about both directions."""
    console = Console()
    for name in ("fmri/hg-cg", "fmri/cg-hg"):
        found = series(name)
        errors = {
            "slope learned in the training run": {m: y - slope(a, b) * x for m, (a, b, x, y) in found.items()},
            "slope fitted to the asked run itself": {m: y - slope(x, y) * x for m, (_, _, x, y) in found.items()},
            "best slope for this very score": {m: y - best_slope(x, y) * x for m, (_, _, x, y) in found.items()},
            "zero": {m: y for m, (_, _, _, y) in found.items()},
        }
        absolute = {what: {m: np.abs(e)[None] for m, e in own.items()} for what, own in errors.items()}
        table = Table(title=name, title_justify="left")
        for column in ("prediction", "error", "s.e.", "minus zero, 95 %"):
            table.add_column(column)
        for what, own in absolute.items():
            e, d = estimate(own), difference(own, absolute["zero"])
            table.add_row(what, f"{e.mean:.3f}", f"{e.se:.3f}", f"{d.both[0]:+.3f} to {d.both[1]:+.3f}")
        console.print(table)
        train, asked = (np.array([np.corrcoef(r[i], r[i + 1])[0, 1] for r in found.values()]) for i in (0, 2))
        console.print(
            f"correlation of both, training run {train.mean():.2f} ({train.min():.2f} to {train.max():.2f}), "
            f"asked run {asked.mean():.2f} ({asked.min():.2f} to {asked.max():.2f}); "
            f"of the two over patients {np.corrcoef(train, asked)[0, 1]:.2f}"
        )
        first = absolute["slope learned in the training run"].values()
        lags = {lag: np.mean([autocorrelation(e[0], lag) for e in first]) for lag in (1, 2, 5, 10, 20)}
        console.print("autocorrelation of its errors: " + ", ".join(f"lag {lag} {r:.2f}" for lag, r in lags.items()))


if __name__ == "__main__":
    main()
