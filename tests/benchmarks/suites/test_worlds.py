"""Worlds from outside in suites and on the command line, and in the processes that compute."""

from __future__ import annotations

import sys

import pytest
from scmbench import benchmarks
from scmbench.benchmarks.suites import papers
from scmbench.benchmarks.suites import suite as suites
from scmbench.benchmarks.suites.suite import SuiteError
from scmbench.datasets import addresses, names, registry

WORLDS = """
from scmbench.datasets import register


@register("near/a")
def a():
    return {"x": lambda u: u, "y": lambda u, x: x + u}


@register("near/b")
def b():
    return {"x": lambda u: u, "y": lambda u, x: x - u}


def c():
    return {"x": lambda u: u, "y": lambda u, x: x * u}
"""
SUITE = """protocol = "paper"
seeds = 1
datasets = ["near_of_mine.py:a", "check/sine", "near_of_mine.py:c"]
[[models]]
name = "linear"
[[models]]
name = "identity"
datasets = ["near_of_mine.py:a"]
[models.by_dataset]
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    names()
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    for memory in ("_HOMES", "_GIVEN"):
        monkeypatch.setattr(addresses, memory, {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/near_of_mine.py").write_text(WORLDS)
    (tmp_path / "suites/near.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("near_of_mine", None)


def test_a_suite_names_worlds_by_the_file_beside_it(place):
    suite = suites.load("suites/near.toml")
    assert suite.datasets == ["near/a", "check/sine", "near_of_mine/c"]
    assert suite.models[1].datasets == ("near/a",)
    for short in ("a", "near_of_mine.py:a", "suites/near_of_mine.py:a"):
        assert suite.narrow(scms=[short]).datasets == ["near/a"]
    with pytest.raises(SuiteError, match=r"does not have 'near/b'; --add-scm near_of_mine.py adds it"):
        suite.narrow(scms=["near_of_mine.py"])


def test_added_worlds_are_asked_of_every_model_and_stay(place):
    worlds = addresses.resolve("suites/near_of_mine.py")
    suite = suites.load("suites/near.toml").narrow(scms=["sine"], worlds=worlds)
    assert suite.datasets == ["check/sine", "near/a", "near/b"]
    assert all(entry.wants("near/b") for entry in suite.models)
    assert suites.load("paper").narrow(scms=["near/b"], worlds=worlds).datasets == worlds
    with pytest.raises(SuiteError, match=r"does not have 'cnf/fork/lin'; --add-scm cnf/fork/lin adds it"):
        suite.narrow(scms=["cnf/fork/lin"])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("near_of_mine.py:c", "none.py", "near.toml:3: no file 'none.py' with worlds"),
        ("near_of_mine.py:c", "near_of_mine.py:d", "near.toml:3: .*has no world and no function 'd'"),
        ("[models.by_dataset]", '[models.by_dataset]\n"none.py" = {}', "by_dataset: .*no file 'none.py'"),
    ],
)
def test_a_wrong_address_is_told_with_its_line(place, old, new, line):
    path = place / "suites/near.toml"
    path.write_text(SUITE.replace(old, new))
    with pytest.raises(SuiteError, match=line):
        suites.load(str(path))


def test_processes_that_compute_find_them(place):
    run = benchmarks.run("suites/near.toml", store="store", workers=1, only=["linear"], add_scms=["near/b"])
    assert run.provenance[["dataset", "status"]].to_numpy().tolist() == [
        ["near/a", "ok"],
        ["check/sine", "ok"],
        ["near_of_mine/c", "ok"],
        ["near/b", "ok"],
    ]


def test_the_command_adds_them(place, monkeypatch, capsys):
    from scmbench.benchmarks.cli import app

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["scmbench", *words])
        with pytest.raises(SystemExit) as done:
            app.main()
        return done.value.code or 0, capsys.readouterr()

    words = ["--seeds", "1", "--only", "linear", "--scms", "near/a", "--add-scm", "suites/near_of_mine.py"]
    code, said = call("run", "smoke", *words, "--dry-run")
    assert (code, "2 records wanted" in said.out) == (0, True)
    code, said = call("report", "smoke", *words)
    assert code == 2
    assert f"scmbench run smoke --seeds 0 {' '.join(words[4:])} --only linear computes them" in said.err
    code, said = call("run", "smoke", "--add-scm", "none.py", "--dry-run")
    assert (code, "Traceback" in said.err) == (2, False)
    assert "--add-scm none.py: no file 'none.py' with worlds" in said.err


def test_a_world_with_one_thing_changed_rests_on_the_papers_of_the_world():
    whole = papers.of_dataset("dcm/chain/nlin")
    assert whole
    assert papers.of_dataset("sized/250/misspecified/dropped/dcm/chain/nlin") == whole
    assert papers.of_dataset("misspecified/hidden/drawn/5/2/mlp/additive") == []
    assert papers.of_dataset("sized/250/swapped/tmscm/fork") == papers.of_dataset("tmscm/fork") != []
