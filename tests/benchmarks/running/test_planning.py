"""Planning takes time in proportion to what is asked: counted in calls, not in seconds."""

from __future__ import annotations

import cProfile
import importlib.metadata
import pstats
import time
from collections import Counter

import pytest
from rich.console import Console
from scmbench.benchmarks.cli import app, arguments
from scmbench.benchmarks.records.record import Record
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.running import engine, planner
from scmbench.benchmarks.running.estimate import estimate
from scmbench.benchmarks.running.run import compute
from scmbench.benchmarks.suites.suite import Entry, parse
from scmbench.datasets import SCMDataset, plugins
from scmbench.models.contract import registry

HEAD = 'protocol = "paper"\ndatasets = ["check/sine", "dcm/random/nlin"]\n'
LINEAR = 2.25
"""Calls of twice the work over calls of the work: 2 where they grow with it, 4 with its square."""


def text(models, seeds):
    tables = (f'[[models]]\nname = "linear"\nlabel = "m{i}"\n' for i in range(models))
    return f"seeds = {seeds}\n{HEAD}{''.join(tables)}"


def suite(models=1, seeds=1):
    return parse(text(models, seeds), name="t", file="t.toml")


def calls(function):
    with cProfile.Profile() as profile:
        function()
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined]


def planned(folder, models, seeds):
    def work():
        estimate(planner.plan(suite(models, seeds), Store(folder)))

    return work


def computed(folder, models, seeds):
    """A run whose batches cost nothing, so that what is counted is the runner's own."""
    todo, store = planner.plan(suite(models, seeds), Store(folder)), Store(folder)
    cost = {"fit_cpu_s": 1.0, "query_cpu_s": 1.0, "mechanisms": 1}
    kept = {one.key: Record(one.identity, "ok", provenance=cost) for one in todo.trials}
    store.read, store.stamp = kept.get, lambda key: (0, 0)  # type: ignore[method-assign]
    done = [engine.Done(batch) for batch in todo.batches]

    def work():
        finished = compute(todo, store, lambda *_: iter(done), workers=1, console=Console(quiet=True))
        assert finished.lacking == []

    return work


@pytest.mark.parametrize("what", [planned, computed])
@pytest.mark.parametrize(("models", "seeds"), [(100, 2), (1, 600)])
def test_twice_the_models_or_seeds_take_twice_the_calls(tmp_path, what, models, seeds):
    what(tmp_path, 2, 2)()  # what is imported and cached once is no matter of size
    more = (2 * models, seeds) if models > 1 else (models, 2 * seeds)
    assert calls(what(tmp_path, *more)) < LINEAR * calls(what(tmp_path, models, seeds))


def test_a_plan_builds_each_model_once_and_looks_at_few_worlds_and_at_packages_once(tmp_path, monkeypatch):
    asked, count = suite(models=3, seeds=500), Counter()

    def counting(owner, name):
        original = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, **k: count.update([name]) or original(*a, **k))

    counting(importlib.metadata, "entry_points")
    counting(Entry, "build")
    counting(SCMDataset, "size")
    plugins._points.cache_clear()
    todo = planner.plan(asked, Store(tmp_path))
    assert len(todo.trials) == 3 * 2 * 500
    assert count["build"] == 3
    assert count["size"] == 2 * planner.SIZED
    assert count["entry_points"] <= 2  # once more where a folder of the path changes meanwhile


def test_sizes_of_late_seeds_bound_batches_and_workers_count_for_themselves(tmp_path):
    seeds = (*range(planner.SIZED), 1000, 1001)
    part = suite(seeds=1001).narrow(seeds=seeds, scms=["dcm/random"])
    batches = planner.plan(part, Store(tmp_path)).batches
    sizes = {fit.seed: fit.size for batch in batches for fit in batch.fits}
    world = planner.datasets.get("dcm/random/nlin")
    assert [sizes[seed] for seed in range(planner.SIZED)] == [world.size(seed) for seed in range(planner.SIZED)]
    assert sizes[1000] == max(sizes[seed] for seed in range(planner.SIZED))
    late = next(batch for batch in batches if batch.fits[0].seed == 1000)
    store = Store(tmp_path)
    list(engine.inline([late], store))
    for fit in late.fits:
        assert store.read(fit.trials[0].key).provenance["mechanisms"] == world.size(fit.seed)


def test_a_new_package_is_seen_though_packages_are_looked_up_once(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    assert "late-comer" not in registry.paths()
    info = tmp_path / "late_comer-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: late-comer\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[scmbench.models]\nlate-comer = late_comer:Model\n")
    assert registry.paths()["late-comer"] == "late_comer:Model"


@pytest.mark.parametrize("words", [("run", "sachs"), ("run", "sachs", "--dry-run"), ("regress",)])
def test_a_damaged_data_file_stops_a_command_with_one_line(tmp_path, monkeypatch, capsys, words):
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path / "data"))
    file = tmp_path / "data" / "sachs" / "cyto_full_data.csv"
    file.parent.mkdir(parents=True)
    file.write_text("x1,x2\n1,2\n")
    words = (*words, "--store", str(tmp_path / "store"))
    assert ended(monkeypatch, words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{file} is not the expected file" in line
    assert "Move it away and get the right one with `scmbench data fetch sachs`" in line
    assert not list(tmp_path.glob("store/records/*/*"))
    file.unlink()
    if words[0] == "run":  # missing is not damaged: it goes without
        assert not ended(monkeypatch, words)
        assert "not run: data missing" in capsys.readouterr().out


def ended(monkeypatch, words):
    """The exit code of ``scmbench WORDS``."""
    monkeypatch.setattr("sys.argv", ["scmbench", *words])
    with pytest.raises(SystemExit) as end:
        app.main()
    return end.value.code


def test_planning_that_takes_long_is_said(monkeypatch, capsys):
    monkeypatch.setattr(arguments, "PATIENCE", 0.05)
    with arguments.slowly(f"planning {arguments.counted(suite(models=3, seeds=500))}"):
        time.sleep(0.5)
    assert "planning about 3,000 records of 't' …" in capsys.readouterr().err
    monkeypatch.setattr(arguments, "PATIENCE", 60.0)
    with arguments.slowly("planning"):
        pass
    assert capsys.readouterr().err == ""
