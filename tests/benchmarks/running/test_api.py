"""The door in Python gives what the command gives: same records, same frames, and it says what it left out."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from scmbench import benchmarks
from scmbench.benchmarks import Entry, NoResults, Results, Suite
from scmbench.benchmarks.records.store import Store
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import SuiteError

TOML = """
protocol = "paper"
seeds = 2
datasets = ["check/sine"]
[[models]]
name = "identity"
[[models]]
name = "marginal"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a suite file, and a store in which it was run."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "own.toml").write_text(TOML)
    results = benchmarks.run(folder / "own.toml", store=folder / "store", engine="inline")
    return folder, results


def test_a_suite_runs_by_path_and_reads_back_the_same(place, capsys):
    folder, results = place
    assert isinstance(results, Results)
    assert len(results.provenance) == 4
    assert set(results.provenance["status"]) == {"ok"}
    again = benchmarks.load(str(folder / "own.toml"), source=folder / "store")
    for name in ("rows", "provenance", "examples"):
        pd.testing.assert_frame_equal(getattr(results, name), getattr(again, name))
    before = sorted((folder / "store").rglob("*.json"))
    benchmarks.run(suites.load(str(folder / "own.toml")), store=folder / "store", engine="inline")
    assert sorted((folder / "store").rglob("*.json")) == before
    assert capsys.readouterr().out == "", "quiet"


def test_a_part_of_it_and_a_model_more(place):
    folder, _ = place
    more = Entry("resample", "rows-again")
    results = benchmarks.run(
        folder / "own.toml", store=folder / "store", seeds=1, only=["marginal"], add_models=[more], engine="inline"
    )
    assert results.provenance[["model", "seed"]].to_numpy().tolist() == [["marginal", 0], ["rows-again", 0]]
    assert benchmarks.load(folder / "own.toml", source=folder / "store", seeds=[1]).provenance["seed"].unique() == [1]


def test_rows_become_scores_and_cells(place):
    _, results = place
    scores, cells = results.scores(), results.cells()
    assert set(scores["seed"]) == {0, 1}
    assert len(scores) == 2 * len(cells[cells["state"] == "ok"])
    with pytest.raises(ValueError, match="'own' names no published numbers"):
        results.verdicts()
    with pytest.raises(ValueError, match=r"belong to no suite; results.of\(suite\)"):
        Results(results.rows, results.provenance, results.examples).scores()


def test_the_committed_run_of_the_paper_has_verdicts():
    results = benchmarks.load("paper", source="committed", scms=["chain/nlin"], only=["dcm", "anm"])
    assert isinstance(results.suite, Suite)
    judged = results.verdicts()
    ours = judged[(judged["form"] != "") & (judged["n"] > 0)]
    assert set(ours["model"]) == {"dcm", "anm"}
    assert (ours["verdict"] == "reproduced").any()


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(NoResults, match="has no results of 'smoke'"):
        benchmarks.load("smoke", source=tmp_path)
    with pytest.raises(SuiteError, match="no suite 'papr'"):
        benchmarks.load("papr")
    with pytest.raises(SuiteError, match="has no model 'dmc'"):
        benchmarks.run("paper", only=["dmc"], store=tmp_path)
    with pytest.raises(TypeError, match=r"only='dcm'; expected a list of names: \['dcm'\]"):
        benchmarks.run("paper", only="dcm", store=tmp_path)
    with pytest.raises(ValueError, match="engine='ray'"):
        benchmarks.run("paper", engine="ray", store=tmp_path)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_missing_data_and_damaged_records_are_warned_about(place, tmp_path, monkeypatch):
    folder, _ = place
    monkeypatch.setenv("SCMBENCH_DATA", str(tmp_path / "none"))
    with pytest.warns(UserWarning, match="not run: data missing: sachs/real"):
        benchmarks.run("sachs", store=tmp_path / "store", seeds=1, only=["marginal"], engine="inline")
    Store(folder / "store").path(place[1].provenance["key"].iloc[0]).write_text("{}")
    with pytest.warns(UserWarning, match="counts as missing"):
        results = benchmarks.run(folder / "own.toml", store=folder / "store", engine="inline")
    assert len(results.provenance) == 4


def test_a_script_that_its_own_pool_would_run_again_is_told(tmp_path):
    call = 'benchmarks.run("smoke", store="runs", seeds=1, scms=["check/sine"], only=["identity"], workers=1)'
    (tmp_path / "bare.py").write_text(f"from scmbench import benchmarks\n{call}\n")
    done = subprocess.run([sys.executable, "bare.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "bare.py:2: the pool's processes import this script; call run below if __name__ ==" in done.stderr
    assert not (tmp_path / "runs").exists()
    (tmp_path / "guarded.py").write_text(
        f'from scmbench import benchmarks\nif __name__ == "__main__":\n    print(len({call}.provenance))\n'
    )
    done = subprocess.run([sys.executable, "guarded.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
