"""``scmbench rank``: tables of committed runs and of stores, within 80 columns, and one line where a call is wrong."""

from __future__ import annotations

import sys

import pytest
from scmbench.benchmarks.cli import app
from scmbench.benchmarks.judging.ranking import RANKS
from scmbench.benchmarks.records import committed
from scmbench.benchmarks.suites import suite as suites

SMALL = ["--scms", "chain,triangle,y"]


def test_the_committed_run_is_ranked_in_eighty_columns(monkeypatch, capsys, tmp_path):
    words = ["rank", "paper", "--from", "committed", *SMALL, "--rung", "counterfactual", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["scmbench", *words])
    with pytest.raises(SystemExit) as done:
        app.main()
    told = capsys.readouterr().out
    assert not done.value.code
    assert max(map(len, told.splitlines()[:-1])) <= 80
    lines = [line.split() for line in told.splitlines()]
    heading = next(i for i, line in enumerate(lines) if line[:2] == ["method", "mean"])
    assert lines[heading + 2][:2] == ["DCM", "(reference)"]  # as the report of the suite calls it
    assert "Observational" not in told
    names = {path.name for path in tmp_path.iterdir()}
    assert {"ranks_counterfactual.md", "critical_difference_counterfactual.png"} <= names


def test_frames_come_through_the_python_door():
    run = committed.read(committed.folder("paper")).of(suites.load("paper").narrow(scms=["chain", "triangle", "y"]))
    table = run.ranks(["counterfactual"])
    assert list(table.columns) == RANKS
    assert table.iloc[0][["model", "variant", "worlds", "seeds"]].tolist() == ["dcm", "reference", 6, 10]
    assert set(run.ranks()["rung"]) == {"observational", "interventional", "counterfactual"}
    skills = run.skills()
    ends = skills[skills["state"] != "undefined"].set_index("model")["skill"]
    assert ends["oracle"].drop_duplicates().size
    assert (skills[(skills["query"] == "counterfactual") & (skills["model"] == "posterior")]["skill"] == 1).all()


def test_worlds_are_chosen_by_their_attributes(scmbench):
    code, out, err = scmbench("rank", "paper", "--from", "committed", "--rung", "interventional", "--where", "n >= 11")
    assert code == 0
    assert "worlds, 10 seeds" in out
    assert "6 worlds" in out or ("4 worlds" in out and "their n is not known: dcm/sachs/nadd" in err)
    code, out, _ = scmbench(
        "rank", "paper", "--from", "committed", "--rung", "interventional", "--where", "kind == 'nadd'"
    )
    assert "Interventional: 7 worlds" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--where", "nose == 3"], "no world has 'nose'; there are ['degree', 'edges',"),
        (["--where", "n >="], "the condition 'n >=' cannot be read"),
        (["--where", "open('x')"], "holds \"open('x')\""),
        (["--where", "n > 1000"], "none of 2 worlds meets it"),
        (["--where", "n > 'a'"], "compares 3 with 'a'"),
        (["--rung", "fourth"], "'fourth' is not one of"),
        (["--only", "oracle"], "there is nothing to rank"),
    ],
)
def test_a_wrong_call_is_one_line(scmbench, words, told):
    code, _, err = scmbench("rank", "paper", "--from", "committed", "--scms", "chain", *words)
    assert code == 2
    assert told in err
    assert "Traceback" not in err


def test_a_store_is_read_like_a_committed_run(scmbench, tmp_path):
    suite = tmp_path / "toy.toml"
    suite.write_text(
        'protocol = "paper"\nseeds = 1\ndatasets = ["check/sine"]\n'
        + "".join(f'[[models]]\nname = "{name}"\n' for name in ("linear", "oracle", "marginal", "identity"))
    )
    store = tmp_path / "store"
    code, _, err = scmbench("run", suite, "--store", store, "--engine", "inline")
    assert code == 0, err
    code, out, err = scmbench("rank", suite, "--from", store)
    assert code == 0, err
    assert "Fewer than 5 worlds or seeds: nothing is marked as surely better." in out
    code, _, err = scmbench("rank", suite, "--from", tmp_path / "nowhere")
    assert code == 2
    assert "no committed run" in err
