"""Knocks that a run has to take: kills, full disks, damaged records, two commands at once."""

from __future__ import annotations

import os
import random
import signal
import time

import psutil
import pytest
from knocking import SUITE, command, finished, records, table, trials, wait_for
from scmbench.benchmarks.records.store import PROBE


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "knocks.toml"
    path.write_text(SUITE.format(seeds=8))
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The table of a run that nobody knocks at."""
    folder = tmp_path_factory.mktemp("undisturbed")
    suite = folder / "knocks.toml"
    suite.write_text(SUITE.format(seeds=8))
    assert finished(command("run", suite, "--engine", "inline", "--store", folder)) == 0
    return table(suite, folder)


def kill_often(suite, store, *, kills, engine, seed):
    """Kill runs at random moments, most of them between, before and during writes, until the last kill; then finish."""
    draw, done = random.Random(seed), 0
    while done < kills:
        process = command("run", suite, "--engine", engine, "--workers", 2, "--store", store)
        target = min(len(records(store)) + draw.choice([0, 0, 1, 1, 2]), trials(suite))
        wait_for(lambda: len(records(store)) >= target or not process.is_alive())  # noqa: B023 - called at once
        time.sleep(draw.choice([0, 0.01, 0.1, 0.5]) * draw.random())
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            done += 1
        process.join()
        if len(records(store)) == trials(suite) and done < kills:
            for path in records(store):  # all done before the last kill: take some away again
                if draw.random() < 0.7:
                    path.unlink()
    assert finished(command("run", suite, "--engine", engine, "--store", store)) == 0


def test_thirty_kills_at_random_moments_leave_the_table_as_it_would_have_been(tmp_path, suite, undisturbed):
    kill_often(suite, tmp_path / "killed", kills=30, engine="inline", seed=0)
    assert table(suite, tmp_path / "killed").equals(undisturbed)


@pytest.mark.slow
def test_so_do_thirty_kills_of_a_run_in_a_pool(tmp_path, suite, undisturbed):
    kill_often(suite, tmp_path / "killed", kills=30, engine="pool", seed=1)
    assert table(suite, tmp_path / "killed").equals(undisturbed)


def test_a_killed_command_takes_its_hanging_workers_along(tmp_path):
    suite = tmp_path / "hangs.toml"
    suite.write_text(SUITE.format(seeds=1).replace('"linear"', '"rogues:Hangs"\nlabel = "hangs"'))
    process = command("run", suite, "--workers", 2, "--store", tmp_path / "store")
    assert wait_for(lambda: records(tmp_path / "store")), "the healthy model's record never came"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.join()
    assert psutil.wait_procs(children, timeout=60)[1] == []


@pytest.mark.parametrize("engine", ["inline", pytest.param("pool", marks=pytest.mark.slow)])
def test_a_disk_that_fills_up_is_exit_code_3_and_the_run_goes_on_when_there_is_room(
    tmp_path, suite, undisturbed, engine
):
    store, log = tmp_path / "store", tmp_path / "log"
    assert finished(command("run", suite, "--engine", "inline", "--seeds", 2, "--store", store)) == 0
    kept = records(store)
    assert min(path.stat().st_size for path in kept) > 2 * PROBE
    for limit, what in ((PROBE // 2, "cannot write in"), (2 * PROBE, "nothing half-written is left")):
        process = command("run", suite, "--engine", engine, "--store", store, log=log, file_limit=limit)
        assert finished(process) == 3
        assert what in log.read_text().replace("\n", " ")
        assert "Traceback" not in log.read_text()
        assert records(store) == kept
        assert list(store.glob("records/**/.*")) == []
    assert finished(command("run", suite, "--engine", engine, "--store", store)) == 0
    assert table(suite, store).equals(undisturbed)


def test_a_results_folder_that_cannot_be_written_is_exit_code_3_before_anything_is_computed(tmp_path, suite):
    (tmp_path / "file").write_text("in the way")
    log = tmp_path / "log"
    assert finished(command("run", suite, "--engine", "inline", "--store", tmp_path / "file", log=log)) == 3
    assert "cannot" in log.read_text()
    assert str(tmp_path / "file") in log.read_text().replace("\n", "")
    assert "Traceback" not in log.read_text()


def test_a_report_that_cannot_be_written_is_exit_code_3_and_no_traceback(tmp_path, suite):
    store, log = tmp_path / "store", tmp_path / "log"
    store.mkdir()
    (store / "reports").write_text("in the way")
    assert finished(command("run", suite, "--engine", "inline", "--store", store, log=log)) == 3
    assert "reports" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_damaged_records_are_told_in_one_line_and_computed_again(tmp_path, suite, undisturbed):
    store, log = tmp_path / "store", tmp_path / "log"
    assert finished(command("run", suite, "--engine", "inline", "--store", store)) == 0
    first, *rest = records(store)[:5]
    first.write_text(first.read_text()[:-100])
    for path in rest:
        path.write_text(path.read_text().replace('"seed":', '"seed": '[:7] + "1", 1))
    assert finished(command("run", suite, "--engine", "inline", "--store", store, log=log)) == 0
    told = [line for line in log.read_text().splitlines() if "refused" in line]
    assert len(told) == 1
    assert "5 record files count as missing" in told[0]
    assert any(path.name in told[0] for path in (first, *rest))
    assert "5 to compute" in log.read_text()
    assert len(list(store.glob("records/*/*.corrupt"))) == 5
    assert table(suite, store).equals(undisturbed)


def test_two_commands_on_one_store_at_once_do_not_harm_each_other(tmp_path, suite, undisturbed):
    store = tmp_path / "store"
    both = [command("run", suite, "--engine", "inline", "--store", store) for _ in range(2)]
    assert [finished(process) for process in both] == [0, 0]
    assert len(records(store)) == trials(suite)
    assert table(suite, store).equals(undisturbed)


def of_the_rogue():
    """The processes that `rogues:BreedsAndHangs` has started by name, dead ones that nobody buried aside."""
    found = psutil.process_iter(["cmdline", "status"])
    return [p for p in found if p.info["cmdline"] == ["sleep", "86397"] and p.info["status"] != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("engine", ["pool", "inline"])
def test_a_killed_command_takes_along_what_its_adapters_have_started(tmp_path, engine):
    suite = tmp_path / "breeds.toml"
    suite.write_text(SUITE.format(seeds=1).replace('"linear"', '"rogues:BreedsAndHangs"\nlabel = "breeds"'))
    process = command("run", suite, "--workers", 1, "--engine", engine, "--store", tmp_path / "store")
    try:
        assert wait_for(lambda: len(of_the_rogue()) == 3), "the adapter never came to start its processes"
        time.sleep(1)  # the forked one, too, and the guardian has had a look
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.join()
        assert wait_for(lambda: not of_the_rogue(), seconds=30)
        assert psutil.wait_procs(below, timeout=30)[1] == []  # with the one that is forked
    finally:
        for child in of_the_rogue():
            child.kill()
