"""How the cost of methods and of the store grows: the tables of growth.md.

``python docs/growth.py --write`` measures growth.csv anew (half an hour, one thread) and prints the tables, ``--write
seeds,methods`` only what grows along these axes; without it, prints those of the file.
"""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scmbench import datasets
from scmbench.benchmarks.records.record import Identity, Record
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.reporting.report import Report
from scmbench.benchmarks.running.estimate import estimate
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import collect
from scmbench.benchmarks.suites.suite import Suite, parse
from scmbench.datasets import Score
from scmbench.models import load

FILE = Path(__file__).with_name("growth.csv")
COLUMNS = ["axis", "what", "size", "part", "value"]
FEW = 1_000
"""Rows to train on, and rows to answer, wherever they are not what grows."""
AXES: Mapping[str, Sequence[int]] = {
    "nodes": (5, 10, 20, 50, 100, 200),
    "parents": (1, 2, 4, 8, 16, 32),
    "rows": (1_000, 10_000, 100_000, 1_000_000),
    "answers": (1_000, 10_000, 100_000),
    "interventions": (1, 10, 100, 1_000),
}
METHODS = ("linear", "anm", "nsf", "flow-matching", "dcm", "vaca", "carefl", "causal-nf", "dscm")
RECORDS = (1_000, 10_000, 100_000)
SUITES: Mapping[str, Sequence[int]] = {"seeds": (10, 100, 1_000, 10_000), "methods": (10, 100, 1_000)}
"""What grows of a suite of two worlds: seeds of one method, or methods at one seed."""

SET = 100
"""Rows drawn under every intervention, where interventions are what grows."""
PATIENCE = 60.0
"""CPU seconds after which an axis goes no further."""
LAST = 3
"""Sizes, the largest measured, that an exponent is fitted to: at small ones what is fixed hides what grows."""


def world(nodes: int, parents: int) -> datasets.SCM:
    """Linear, additive: node j is its noise and the mean of up to so many nodes before it."""
    equations: dict[str, Any] = {}
    for j in range(nodes):
        before = tuple(f"x{i}" for i in range(max(0, j - parents), j))
        equations[f"x{j}"] = (before, _mean)
    return datasets.SCM(equations)


def _mean(u: torch.Tensor, *parents: torch.Tensor) -> torch.Tensor:
    return u + sum(parents) / len(parents) if parents else u


def fan(parents: int) -> datasets.SCM:
    """One node with so many parents, which have none."""
    roots = {f"x{j}": ((), _mean) for j in range(parents)}
    return datasets.SCM({**roots, "y": (tuple(roots), _mean)})


def posed(axis: str, size: int) -> tuple[datasets.SCM, int, int]:
    """The world, the rows to train on and the rows to answer, at a size of what grows."""
    scm = world(size, 2) if axis == "nodes" else fan(size) if axis == "parents" else world(3, 2)
    return scm, size if axis == "rows" else FEW, size if axis == "answers" else FEW


def measured(axis: str, method: str, sizes: Sequence[int]) -> Iterator[tuple[int, str, float]]:
    """CPU seconds of a fit and of counterfactuals, and the peak of memory above the start, at every size.

    The training is cut as short as for the conformance kit: exponents do not depend on the number of epochs.
    """
    cls = load(method)
    for before in (True, False):  # once for what is compiled and imported
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for size in sizes[:1] if before else sizes:
            scm, train, asked = posed(axis, size)
            data, factual = scm.sample(train, seed=0), scm.sample(asked, seed=1)
            root = next(iter(scm.graph))
            model = cls(**cls.conformance_options)
            fit = _seconds(lambda m=model, s=scm, d=data: m.fit(s.graph, d, seed=0))
            if axis == "interventions":
                answer = _seconds(partial(_set, model, root, size))
            else:
                answer = _seconds(lambda m=model, f=factual, r=root: m.counterfactual(f, {r: 1.0}, seed=0))
            if before:
                continue
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            yield size, "fit", fit
            yield size, "answer", answer
            yield size, "memory", max(peak - start, 0) / 1024
            if fit + answer > PATIENCE:
                return


def _set(model: Any, node: str, count: int) -> None:
    for value in torch.linspace(-1, 1, count).tolist():
        model.sample(SET, {node: value}, seed=0)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def stored(counts: Sequence[int] = RECORDS) -> Iterator[tuple[int, str, float]]:
    """CPU seconds to write and to read so many records of thirty scores, and their megabytes."""
    scores = [("", Score("counterfactual", "rmse", i / 7, "x1", float(i))) for i in range(30)]
    identity = Identity("dcm/chain/nlin", 1, 0, "linear", 1, {}, "standard", 2, {"rmse": 1})
    record = Record(identity, "ok", scores=scores, provenance={"cpu_s": 1.0, "commit": "0" * 40})
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            keys = []
            start = time.process_time()
            for seed in range(count):
                one = replace(record, identity=replace(identity, seed=seed))
                keys.append(one.identity.key)
                store.write(one)
            yield count, "write", time.process_time() - start
            yield count, "read", _seconds(lambda s=store, k=keys: sum(1 for _ in s.find(k)))
            yield count, "size", sum(store.path(key).stat().st_size for key in keys) / 2**20


def suite(axis: str, size: int) -> Suite:
    """A suite of two worlds with so many seeds of one method, or so many methods at one seed."""
    seeds, count = (size, 1) if axis == "seeds" else (1, size)
    lines = "".join(
        f'[[models]]\nname = "linear"\nlabel = "m{i}"\noptions = {{ridge = {i / 1e3}}}\n' for i in range(count)
    )
    text = f'protocol = "paper"\nseeds = {seeds}\ndatasets = ["dcm/chain/nlin", "dcm/triangle/nlin"]\n{lines}'
    return parse(text, name="grown", file="grown.toml")


def asked(axis: str, sizes: Sequence[int]) -> Iterator[tuple[int, str, float]]:
    """CPU seconds to plan a suite of every size on an empty store, again where all is finished, and to report on it.

    What is finished are records of twelve scores each, made up: nothing is trained.
    """
    estimate(plan(suite(axis, 1), Store(tempfile.gettempdir())))  # once for what is imported
    for size in sizes:
        grown = suite(axis, size)
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            first = _seconds(lambda g=grown, s=store: estimate(plan(g, s)))
            stream = np.random.default_rng(0)
            for trial in plan(grown, store).lacking:
                values = stream.uniform(1, 2, 12)
                scores = [("", Score("interventional", "mmd", v, "x1", float(i))) for i, v in enumerate(values)]
                store.write(Record(trial.identity, "ok", scores=scores, provenance={"cpu_s": 1.0, "commit": "0" * 40}))
            yield size, "plan", first
            yield size, "plan again", _seconds(lambda g=grown, s=store: estimate(plan(g, s)))
            yield size, "report", _seconds(lambda g=grown, s=store: Report.of(g, collect(g, s).results()).terminal())


def computed(axes: Sequence[str]) -> pd.DataFrame:
    """Measurements of these axes, each method and axis in a process of its own, whose peak of memory is its own."""
    parts = []
    for axis in (axis for axis in AXES if axis in axes):
        for method in METHODS:
            run = [sys.executable, __file__, "--one", axis, method]
            done = subprocess.run(run, capture_output=True, text=True, check=True)
            parts.append(pd.read_csv(StringIO(done.stdout), names=COLUMNS))
            sys.stderr.write(f"{axis} {method}\n")
    lines = [("records", "store", *line) for line in stored()] if "records" in axes else []
    lines += [(axis, "suite", *line) for axis, sizes in SUITES.items() if axis in axes for line in asked(axis, sizes)]
    return pd.concat([*parts, pd.DataFrame(lines, columns=COLUMNS)], ignore_index=True)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of log value in log size over the last sizes, by least squares; NaN of fewer than two, or of a 0."""
    x, y = (np.asarray(part, float)[-LAST:] for part in (sizes, values))
    if len(x) < 2 or not (y > 0).all():
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def table(frame: pd.DataFrame, axis: str, part: str) -> str:
    """A line a method (or the store): the value at every size, and the exponent."""
    own = frame[(frame["axis"] == axis) & (frame["part"] == part)]
    sizes = sorted(own["size"].unique())
    lines = [["", *(f"{size:,}" for size in sizes), "exponent"], ["---", *["---:"] * (len(sizes) + 1)]]
    for what, rows in own.groupby("what", sort=False):
        values = dict(zip(rows["size"], rows["value"], strict=True))
        slope = exponent(list(values), list(values.values()))
        cells = [f"{values[size]:.3g}" if size in values else "–" for size in sizes]
        lines.append([f"`{what}`" if what in METHODS else part, *cells, "–" if math.isnan(slope) else f"{slope:.2f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


SHOWN = (
    ("nodes", "fit"),
    ("nodes", "answer"),
    ("parents", "fit"),
    ("rows", "fit"),
    ("rows", "memory"),
    ("answers", "answer"),
    ("interventions", "answer"),
    ("records", "write"),
    ("records", "read"),
    ("records", "size"),
    *((axis, part) for axis in SUITES for part in ("plan", "plan again", "report")),
)
"""The tables of the page, in its order."""


def main() -> None:
    """Print the tables; with ``--write`` after measuring anew, with ``--one AXIS METHOD`` the lines of one process."""
    if "--one" in sys.argv:
        axis, method = sys.argv[-2:]
        torch.set_num_threads(1)
        for line in measured(axis, method, AXES[axis]):
            sys.stdout.write(",".join(map(str, (axis, method, *line))) + "\n")
        return
    if "--write" in sys.argv:
        every = [*AXES, "records", *SUITES]
        axes = sys.argv[2].split(",") if len(sys.argv) > 2 else every
        if unknown := set(axes) - set(every):
            sys.exit(f"no axis {sorted(unknown)[0]!r}; there are {', '.join(every)}")
        kept = pd.read_csv(FILE) if axes != every else pd.DataFrame(columns=COLUMNS)
        found = pd.concat([kept[~kept["axis"].isin(axes)], computed(axes).round(4)])
        found.sort_values("axis", key=lambda own: own.map(every.index), kind="stable").to_csv(FILE, index=False)
    frame = pd.read_csv(FILE)
    for axis, part in SHOWN:
        sys.stdout.write(f"\n{axis}, {part}\n\n{table(frame, axis, part)}\n")


if __name__ == "__main__":
    main()
