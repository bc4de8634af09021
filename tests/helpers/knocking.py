"""Runs in processes of their own, forked from one that has imported everything, to be killed, limited and doubled."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path

import pandas as pd
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import planner
from scmbench.benchmarks.running.run import collect
from scmbench.benchmarks.suites import suite as suites

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(
    # What the commands import when they are called, so that a knocked one starts at once.
    [f"scmbench.benchmarks.{name}" for name in ("cli.app", "reporting.report", "running.run", "running.worker")]
    + ["scmbench.models.linear", "scmbench.models.bounds.trivial", "scmbench.datasets.check", "pyro"]
)

SUITE = """title = "knocks"
protocol = "paper"
seeds = {seeds}
datasets = ["check/sine"]
[[models]]
name = "linear"
[[models]]
name = "marginal"
"""


def command(*arguments: object, log: Path | None = None, file_limit: int | None = None):
    """Start ``scmbench ARGUMENTS``, its output in `log`, no file allowed to outgrow `file_limit` bytes."""
    words = [str(argument) for argument in arguments]
    process = context.Process(target=_command, args=(words, os.fspath(log) if log else os.devnull, file_limit))
    process.start()
    return process


def _command(words: list[str], log: str, file_limit: int | None) -> None:
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    from scmbench.benchmarks.cli.app import main

    sys.argv = ["scmbench", *words]
    main()


def finished(process, seconds: float = 300.0) -> int:
    """Wait for a command and return its exit code."""
    process.join(seconds)
    assert not process.is_alive(), "the command hangs"
    return process.exitcode


def table(suite: Path, store: Path) -> pd.DataFrame:
    """The final table of a store's records, in one order; no record may be damaged."""
    kept = Store(store)
    rows = collect(suites.load(str(suite)), kept).results().rows
    assert kept.refused == []
    return rows.sort_values(["dataset", "model", "seed", "query", "metric", "node", "value"], ignore_index=True)


def records(store: Path) -> list[Path]:
    """Finished record files."""
    return sorted(store.glob("records/*/*.json"))


def trials(suite: Path) -> int:
    """How many records a suite asks for."""
    return len(planner.trials(suites.load(str(suite))))


def wait_for(condition, seconds: float = 300.0) -> bool:
    """Poll until `condition()` holds; False where it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):
            if condition():
                return True
        time.sleep(0.005)
    return False
