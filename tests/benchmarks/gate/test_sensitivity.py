"""The gate is worth its minutes: it turns red for each of the planted faults, and stays green without one.

``PYTHONPATH=tests/helpers python tests/benchmarks/gate/test_sensitivity.py [FAULT ...]`` plants them for real, all or
those named, and writes down beside the committed run what the gate said; docs/gate.md shows that table.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from faults import BLIND, FAULTS, OF_DCM, PLANTED, Fault
from rich.console import Console
from scmbench.benchmarks.gate import moves, pooled
from scmbench.benchmarks.gate.judgement import Judgement, examine
from scmbench.benchmarks.gate.revision import read_verdicts, verdicts_of
from scmbench.benchmarks.records import committed as records
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine
from scmbench.benchmarks.running.planner import available, plan
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites import suite
from scmbench.datasets.files.whole import replace_with

HOME = records.folder("regress")
TABLE = HOME / "faults.csv"
PAGE = Path(__file__).parents[3] / "docs" / "gate.md"
COLUMNS = ["fault", "cells", "red", "most", "differs", "verdicts"]


def judged(fault: Fault, folder: Path) -> Judgement | pd.DataFrame:
    """What the gate says of the part of its suite that a fault concerns, trained here and now; or of the verdicts."""
    if not fault.methods:
        paper = suite.load("paper")
        run = records.read(records.folder("paper"))
        return moves.changed_verdicts(verdicts_of(paper, run), read_verdicts(records.folder("paper")))
    part, store = suite.load("regress").narrow(scms=fault.scms, seeds=fault.seeds, methods=fault.methods), Store(folder)
    if missing := available(part)[1]:
        pytest.skip(f"data missing: {missing[0].message}")
    results = compute(plan(part, store), store, engine.inline, workers=1, console=Console(quiet=True)).results()
    return examine(part, results, HOME)


def is_red(judgement: Judgement | pd.DataFrame) -> bool:
    return judgement.red if isinstance(judgement, Judgement) else bool(len(judgement))


@pytest.mark.slow
def test_without_a_fault_the_gate_is_green(tmp_path):
    one = judged(Fault(lambda _: None, ["dcm (reference)"], ["dcm/triangle/nlin"], (0, 1)), tmp_path)
    assert not is_red(one), list(one.messages())
    assert len(one.cells) == 4


METHODS = ["linear", "posterior", "marginal", "identity", "resample", "persistence", "oracle"]


def test_what_needs_no_training_is_green_without_a_fault(tmp_path):
    """Cells whose data are missing are left out, as the gate does."""
    whole = suite.load("regress").narrow(methods=METHODS, seeds=[0])
    there = available(whole)[0]
    one = judged(Fault(lambda _: None, METHODS, there), tmp_path)
    assert not is_red(one), list(one.messages())
    assert set(one.cells["model"]) >= set(METHODS) - {"persistence"}
    assert not len(judged(Fault(lambda _: None), tmp_path))


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=f.name, marks=[pytest.mark.slow] if f.slow else []) for f in FAULTS.values()]
)
def test_a_planted_fault_turns_the_gate_red(tmp_path, monkeypatch, fault):
    fault.plant(monkeypatch)
    judgement = judged(fault, tmp_path)
    assert is_red(judgement), fault.plant.__doc__
    if isinstance(judgement, Judgement):  # it is seen by a number, not by a run that failed
        assert set(judgement.cells["state"]) <= {moves.HELD, moves.MOVED}
        assert not judgement.exact["now"].str.contains("failed").any()


def test_every_fault_was_planted_for_real_and_found():
    """The committed table is complete, and every line of it is red."""
    table = pd.read_csv(TABLE, keep_default_na=False)
    assert set(table["fault"]) >= {fault.name for fault in (*BLIND, *PLANTED)}
    assert ((table["red"] > 0) | (table["differs"] != "") | (table["verdicts"] > 0)).all()
    assert (len(BLIND), len(PLANTED) >= 12, len(OF_DCM)) == (8, True, 10)


def test_the_page_shows_what_was_found():
    assert shown(pd.read_csv(TABLE, keep_default_na=False)) in PAGE.read_text(encoding="utf-8")


def line_of(name: str, judgement: Judgement | pd.DataFrame) -> list[object]:
    """A line of the table, columns `COLUMNS`."""
    if isinstance(judgement, pd.DataFrame):
        return [name, 0, 0, "", "", len(judgement)]
    cells = judgement.cells
    red = int(cells["state"].isin(moves.RED).sum())
    drifted = int(judgement.drifts["state"].isin(pooled.RED).sum())
    what = list(dict.fromkeys(judgement.exact["what"]))
    differs = "; ".join([*what, *(["drift"] if drifted else [])])
    return [name, len(cells), red, f"{cells['used'].max():.3g}" if red else "", differs, 0]


def shown(table: pd.DataFrame) -> str:
    """The table as the page shows it, faults in the order of `FAULTS`."""
    lines = ["| fault | cells red | largest move, in tolerances | what else differs |", "|---|---:|---:|---|"]
    for line in table.set_index("fault").loc[[name for name in FAULTS if name in set(table["fault"])]].itertuples():
        cells = f"{line.red} of {line.cells}" if line.cells else "–"
        verdicts = f"{line.verdicts} verdicts" if line.verdicts else ""
        most = f"{float(line.most):,.3g}" if line.most else "–"
        if line.most and float(line.most) >= 1000:
            most = f"{float(line.most):,.0f}"
        lines.append(f"| {line.Index} | {cells} | {most} | {line.differs or verdicts or '–'} |")
    return "\n".join(lines) + "\n"


def record(names: list[str]) -> None:
    """Plant faults for real and write down, one after the other, what the gate says."""
    for name in names or FAULTS:
        if name not in FAULTS:
            raise SystemExit(f"no fault {name!r}; there are {list(FAULTS)}")
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            FAULTS[name].plant(monkeypatch)
            line = line_of(name, judged(FAULTS[name], Path(folder)))
        print(*line, sep=" | ", flush=True)  # noqa: T201
        new = pd.DataFrame([line], columns=COLUMNS)
        old = pd.read_csv(TABLE, keep_default_na=False) if TABLE.exists() else new.iloc[:0]
        table = pd.concat([old[old["fault"] != name], new], ignore_index=True)
        replace_with(TABLE, table.to_csv(index=False, lineterminator="\n"))
    head, _, rest = PAGE.read_text(encoding="utf-8").partition("| fault |")
    tail = rest[rest.index("\n\n") :]
    replace_with(PAGE, head + shown(pd.read_csv(TABLE, keep_default_na=False)).rstrip("\n") + tail)


if __name__ == "__main__":
    record(sys.argv[1:])
