"""The engine for clusters: the same records from Dask's workers, and nothing lost where some of them are gone."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial

import psutil
import pytest
from rich.console import Console
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import cluster, engine, engines
from scmbench.benchmarks.running.planner import plan
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites.suite import parse

distributed = pytest.importorskip("distributed")

SUITE = """protocol = "paper"
seeds = 3
datasets = ["check/sine"]
[[models]]
name = "linear"
[[models]]
name = "marginal"
"""


def run(store, engine, console=None):
    suite = parse(SUITE, name="t", file="t.toml")
    return compute(plan(suite, store), store, engine, workers=2, console=console or Console(quiet=True))


def rows(finished):
    keys = ["dataset", "model", "seed", "query", "metric", "node", "value"]
    return finished.results().rows.sort_values(keys, ignore_index=True)


@pytest.fixture(scope="module")
def inline(tmp_path_factory):
    """What one process computes."""
    return rows(run(Store(tmp_path_factory.mktemp("inline")), engine.inline))


@pytest.fixture
def scheduler(tmp_path):
    """The address and process of a scheduler of its own, and a function that starts workers of it."""
    file, started = tmp_path / "scheduler.json", []

    def start(*words):
        program = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:], "--scheduler-file", str(file)]
        started.append(subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]

    process = start("dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    yield address, process, partial(start, "dask_worker", "--nthreads", "1", "--no-dashboard")
    for one in reversed(started):
        for child in [*psutil.Process(one.pid).children(recursive=True)] if one.poll() is None else []:
            child.kill()
        one.kill()
        one.wait()


def test_a_cluster_of_this_machine_computes_the_same_records(tmp_path, inline):
    finished = run(Store(tmp_path), partial(cluster.cluster, workers=2))
    assert rows(finished).equals(inline)
    assert set(finished.results().provenance["threads"]) == {1}


def test_a_scheduler_elsewhere_whose_worker_dies_loses_nothing(tmp_path, inline, scheduler):
    address, _, worker = scheduler
    first = worker("--nworkers", "1")
    knocked = []

    class Knocks(Console):
        def print(self, *args, **options):
            if not knocked and list(tmp_path.glob("s/records/*/*.json")):
                knocked.append([c.kill() for c in psutil.Process(first.pid).children(recursive=True)])
                worker("--nworkers", "1")

    finished = run(Store(tmp_path / "s"), partial(cluster.cluster, scheduler=address), Knocks(file=io.StringIO()))
    assert knocked
    assert rows(finished).equals(inline)


def test_a_scheduler_that_is_killed_stops_the_run_in_one_line_and_a_rerun_goes_on(tmp_path, inline, scheduler):
    address, process, worker = scheduler
    worker("--nworkers", "1")
    store = Store(tmp_path / "s")

    def killing(batches, store):
        for done in cluster.cluster(batches, store, scheduler=address):
            yield done
            os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(cluster.ClusterError, match=r"scheduler is gone; .* the same command goes on from there"):
        run(store, killing)
    assert 0 < len(list(store.records.glob("*/*.json"))) < 6
    assert rows(run(store, engine.inline)).equals(inline)


def test_a_worker_that_does_not_see_the_store_ends_the_run_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_marked", _elsewhere)
    store = Store(tmp_path)
    with pytest.raises(cluster.ClusterError, match=r"the Dask worker on .* does not see .*: --store has to be"):
        run(store, partial(cluster.cluster, workers=1))
    assert not list(store.records.glob("*/*.json"))


@contextmanager
def _elsewhere(store):
    store.prepare()
    yield store.folder / "of another machine"


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "tcp://localhost:1", "nowhere", "", "tcp://:x", "tcp://h:70000"]
)
def test_a_scheduler_that_does_not_answer_is_one_line(address):
    line = r"^the Dask scheduler at '.*' cannot be used: [^\n]*$|^--scheduler '.*' is no address [^\n]*$"
    with pytest.raises(cluster.ClusterError, match=line):
        engines.named("dask", workers=1, scheduler=address)


def test_a_scheduler_is_for_dask_alone():
    with pytest.raises(engines.EngineError, match="for the engine 'dask', not for 'pool'"):
        engines.named("pool", workers=1, scheduler="tcp://127.0.0.1:1")
