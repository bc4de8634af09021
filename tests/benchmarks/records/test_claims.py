"""Who computes a record: one run at a time, and never one that is gone."""

import json
import os
import time
from pathlib import Path

import pytest
from scmbench.benchmarks.records import claims
from scmbench.benchmarks.records.claims import Claims, claiming


def other(folder: Path, run: str = "other", **where: object) -> Claims:
    """Another run's claims; by default it is this process, and lives."""
    (folder / "claims").mkdir(exist_ok=True)
    here = {"machine": claims._machine(), "process": os.getpid(), "started": claims._started(os.getpid())}
    (folder / "claims" / f"{run}.run").write_text(json.dumps(here | where))
    return Claims(folder / "claims", run)


def test_what_another_run_has_is_left_alone_until_it_is_given_up(tmp_path):
    theirs = other(tmp_path)
    with claiming(tmp_path, {}) as mine:
        assert theirs.take(["a", "b"])
        assert not mine.take(["c", "b"])
        assert theirs.take(["c"]), "nothing of what could not be had as a whole is kept"
        assert mine.elsewhere("a")
        assert not theirs.elsewhere("a")
        mine.release(["a"])  # not mine
        assert not mine.take(["a"])
        theirs.release(["a", "b"])
        assert mine.take(["a", "b"])
        assert mine.take(["a"]), "a run may take twice"


@pytest.mark.parametrize(
    "where", [{"process": 2**22 + 1}, {"process": "x"}, {"started": 1.0}, {"process": -1}, {"process": 10**30}]
)
def test_what_a_run_that_is_gone_had_is_taken_over(tmp_path, where):
    theirs = other(tmp_path, **where)
    assert theirs.take(["a"])
    with claiming(tmp_path, {}) as mine:
        assert not mine.elsewhere("a")
        assert mine.take(["a"])
        assert (tmp_path / "claims" / "a").read_text() == mine.run


@pytest.mark.parametrize("text", ["", "[]", "\0", "{"])
def test_a_damaged_file_of_a_run_holds_nothing_for_ever(tmp_path, text):
    theirs = other(tmp_path)
    assert theirs.take(["a"])
    (tmp_path / "claims" / "other.run").write_text(text)
    os.utime(tmp_path / "claims" / "other.run", (1, 1))
    with claiming(tmp_path, {}) as mine:
        assert mine.take(["a"])


def test_a_run_on_another_machine_lives_while_its_file_is_touched(tmp_path):
    theirs = other(tmp_path, machine="elsewhere", process=1)
    assert theirs.take(["a"])
    with claiming(tmp_path, {}) as mine:
        assert not mine.take(["a"])
        long_ago = time.time() - claims.SILENCE - 2 * claims.BEAT
        os.utime(tmp_path / "claims" / "other.run", (long_ago, long_ago))
        assert mine.take(["a"])


def test_a_run_leaves_nothing_behind_but_the_claims_of_those_that_live(tmp_path):
    living, gone = other(tmp_path, "living"), other(tmp_path, "gone", process=2**22 + 1)
    assert living.take(["a"])
    assert gone.take(["b"])
    (tmp_path / "claims" / "c").write_text("one whose file is gone")
    for run in ("living", "gone"):
        (tmp_path / "claims" / f"{run}-a{claims.AT}").touch()
    with claiming(tmp_path, {}) as mine:
        assert mine.take(["d"])
        (tmp_path / "claims" / f"{mine.run}-d{claims.AT}").touch()
    assert sorted(os.listdir(tmp_path / "claims")) == ["a", "living-a.at", "living.run"]


def test_a_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.01)
    with claiming(tmp_path, {}) as mine:
        file = tmp_path / "claims" / f"{mine.run}.run"
        os.utime(file, (1, 1))
        deadline = time.monotonic() + 30
        while file.stat().st_mtime < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert file.stat().st_mtime > 2
