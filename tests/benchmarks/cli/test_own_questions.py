"""Questions about one's own table on the command line: what is said, what is written, what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from click import ClickException
from scmbench.benchmarks.cli.assignments import asked
from scmbench.benchmarks.records.spreadsheet import to_csv
from scmbench.models.keeping.frames import FrameModel


def world(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 2 * x + 0.5 * rng.normal(size=n)
    frame = pd.DataFrame({"dose [mg]": x, "Y": y, "Z": 3 * y - x + 0.5 * rng.normal(size=n)})
    return frame.assign(id=[f"=p{i}" for i in range(n)])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world(300).to_csv("own.csv", index=False)
    world(4, seed=1).to_csv("rows.csv", index=False)
    (tmp_path / "g.dot").write_text('digraph { subgraph cluster_0 { x [label="dose [mg]"]; x -> Y } Y -> Z; x -> Z }')
    graph = nx.DiGraph([("dose [mg]", "Y"), ("Y", "Z"), ("dose [mg]", "Z")])
    FrameModel("linear").fit(graph, world(5000)).save("fitted/model")
    return tmp_path


def test_fit_shows_the_graph_that_it_read_and_keeps_the_model_of_few_rows(folder, scmbench):
    world(5).to_csv("few.csv", index=False)
    code, out, err = scmbench("fit", "few.csv", "--graph", "g.dot", "--model", "linear", "--out", "o")
    assert code == 0
    assert "g.dot: 3 nodes, 3 edges; without causes: 'dose [mg]' 'Y' <- 'dose [mg]' 'Z' <- 'Y', 'dose [mg]'" in out
    assert "1 of 3 nodes are called by their label" in err
    assert "not diagnosed: 5 rows leave 1 to judge by" in out
    assert sorted(path.name for path in (folder / "o").iterdir()) == ["model", "samples.csv"]


def test_shifts_effects_and_ids(folder, scmbench):
    code, out, err = scmbench(
        *("ask", "fitted/model", "--do", "dose [mg]+=0.1", "--counterfactual", "rows.csv"),
        *("--effect", "Z", "--versus", "dose [mg]*=1", "--out", "o"),
    )
    assert (code, err) == (0, "")
    assert "4 counterfactuals under do(dose [mg] += 0.1)" in out
    rows, answer = pd.read_csv("rows.csv"), pd.read_csv("o/counterfactuals.csv")
    assert answer["id"].tolist() == [f"'=p{i}" for i in range(4)]  # what a spreadsheet would run is text
    np.testing.assert_allclose(answer["Z"] - rows["Z"], 0.5, atol=0.02)
    effect = pd.read_csv("o/effects.csv").iloc[0]
    np.testing.assert_allclose(effect[["difference", "low", "high"]].astype(float), 0.5, atol=0.02)


def test_answers_of_one_call_come_together_or_not_at_all(folder, scmbench, monkeypatch):
    ask = ("ask", "fitted/model", "--do", "dose [mg]=1", "--counterfactual", "rows.csv", "--out", "o")
    assert scmbench(*ask)[0] == 0
    before = {path.name: path.read_bytes() for path in (folder / "o").iterdir()}
    write = Path.write_bytes

    def full(path, data):
        if path.name == "counterfactuals.csv":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = scmbench(*ask, "--do", "Y=0")
    assert (code, err.count("note: ")) == (2, 1)
    assert err.endswith("Error: cannot write o: No space left on device")
    assert {path.name: path.read_bytes() for path in (folder / "o").iterdir()} == before


def test_a_value_a_row_and_a_missing_outcome(folder, scmbench):
    pd.DataFrame({"dose [mg]": [0.0, 1.0, 2.0, 60.0]}).to_csv("do.csv", index=False)
    world(4, seed=1).drop(columns="Z").to_csv("rows.csv", index=False)
    code, _, err = scmbench("ask", "fitted/model", "--do-file", "do.csv", "--counterfactual", "rows.csv", "--out", "o")
    assert code == 0
    assert "note: do('dose [mg]' = 60, 1 of 4 rows) is outside the training rows [" in err
    answer = pd.read_csv("o/counterfactuals.csv")
    assert answer["dose [mg]"].tolist() == pd.read_csv("o/samples.csv")["dose [mg]"].tolist() == [0, 1, 2, 60]
    assert answer["Z"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ask", "fitted"], "scmbench ask fitted/model asks the one in it"),
        (["ask", "fitted/model", "--effect", "Z", "--do", "Y=1"], "give all three"),
        (["ask", "fitted/model", "--effect", "W", "--do", "Y=1", "--versus", "Y=0"], "the graph has no node 'W'"),
        (["ask", "fitted/model", "--do", "Y*=high"], "--do Y*=high: expected a number"),
        (["ask", "fitted/model", "--do-file", "own.csv", "--n", "3"], "--n 3, but own.csv has 300 rows"),
        (
            ["fit", "own.csv", "--graph", "g.dot", "--model", "dcm", "--option", "device=cuda:7"],
            "device='cuda:7' is not",
        ),
        (["fit", "own.csv", "--graph", "g.pdf", "--model", "linear"], "g.pdf: there is no such file"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(folder, scmbench, arguments, complaint):
    code, _, err = scmbench(*arguments, "--out", "o")
    assert code == 2
    assert complaint in err
    assert not (folder / "o").exists()


def test_names_that_hold_what_divides(folder):
    nodes = ["a", "a=b", "X+"]
    assert asked(["a=b=1"], None, nodes).do == {"a=b": 1}
    assert asked(["X+ = 2", "a /= 4"], None, nodes).do["a"](2.0) == 0.5
    with pytest.raises(ClickException, match="is it 'X' or 'X\\+'"):
        asked(["X+=1"], None, ["X", "X+"])
    with pytest.raises(ClickException, match="'a' is given twice"):
        asked(["a=1", "a=2"], None, nodes)


def test_formulas_are_defused_in_text_only():
    frame = pd.DataFrame({"n": [-1.5, 2], "id": ["-5", "+6"], "note": ["-5", "@cmd"], "plain": ["a", "b=c"]})
    assert to_csv(frame).splitlines()[1:] == ["-1.5,-5,'-5,a", "2.0,+6,'@cmd,b=c"]


@pytest.fixture
def patients(tmp_path, monkeypatch):
    """age -> income, age -> sick; sick as 0 and 1, as truth values, as words, as three words."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    age = rng.integers(20, 60, 300)
    sick = age + 20 * rng.normal(size=300) > 45
    frame = pd.DataFrame({"id": range(300), "age": age, "income": 2 * age + rng.normal(size=300)})
    columns = {
        "ints": sick.astype(int),
        "truths": sick,
        "words": np.where(sick, "yes", "no"),
        "stages": np.where(sick, "bad", np.where(age > 40, "mild", "fine")),
    }
    for name, column in columns.items():
        frame.assign(sick=column).to_csv(f"{name}.csv", index=False)
    frame.assign(sick=pd.Categorical(columns["words"]), age=age.astype("uint8")).to_parquet("words.parquet")
    frame.assign(sick=sick).to_parquet("truths.parquet")
    (tmp_path / "g.txt").write_text("age -> income\nage -> sick\n")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "levels"),
    [
        ("ints.csv", {0, 1}),
        ("truths.csv", {False, True}),
        ("words.csv", {"no", "yes"}),
        ("words.parquet", {"no", "yes"}),
        ("truths.parquet", {False, True}),
    ],
)
def test_a_binary_outcome_is_answered_by_its_values(patients, scmbench, file, levels):
    asking = ("--do", "age=30", "--counterfactual", file, "--n", 500)
    code, _, err = scmbench("fit", file, "--graph", "g.txt", "--model", "linear", *asking, "--out", "o")
    assert code == 0, err
    for name in ("samples", "counterfactuals"):
        answer = pd.read_csv(f"o/{name}.csv")
        assert set(answer["sick"]) == levels
        assert (answer["age"] == 30).all()
    level = max(levels)
    code, out, _ = scmbench("ask", "o/model", "--do", f"sick={level}", "--n", 5, "--out", "again")
    assert (code, f"5 samples under do(sick = {level})" in out) == (0, True)
    assert pd.read_csv("again/samples.csv")["sick"].tolist() == [level] * 5


def test_categories_are_answered_by_models_that_know_them(patients, scmbench):
    fit = ("fit", "stages.csv", "--graph", "g.txt", "--out", "o", "--do", "sick=bad", "--counterfactual", "stages.csv")
    code, _, err = scmbench(*fit, "--model", "linear")
    assert code == 2
    assert "linear cannot model this table: LinearGaussian models numbers, and the column 'sick' is a category" in err
    assert "labels ['bad', 'fine', 'mild']: encode it as columns of 0 and 1" in err
    assert not (patients / "o").exists()
    code, _, err = scmbench(*fit, "--model", "marginal")
    assert code == 0, err
    assert set(pd.read_csv("o/counterfactuals.csv")["sick"]) == {"bad"}
    scmbench("ask", "o/model", "--n", 200, "--out", "again")
    assert set(pd.read_csv("again/samples.csv")["sick"]) == {"bad", "fine", "mild"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--do", "sick=maybe"], "--do sick=maybe: write NODE=LABEL, one of ['no', 'yes']"),
        (["--do", "sick=1"], "--do sick=1: write NODE=LABEL, one of ['no', 'yes']"),
        (["--do", "sick*=2"], "write NODE=LABEL"),
        (["--do", "age=yes"], "--do age=yes: expected a number"),
        (["--do", "age*=1.1"], "'age' takes integers, the value has fractions: round it"),
        (["--do", "age=30", "--versus", "age=40", "--effect", "sick"], "its labels ['no', 'yes'] have no mean"),
        (["--do", "age=30", "--counterfactual", "stages.csv"], "is none of its labels ['no', 'yes']"),
    ],
)
def test_questions_about_labels_that_are_refused(patients, scmbench, arguments, complaint):
    scmbench("fit", "words.csv", "--graph", "g.txt", "--model", "linear", "--out", "o")
    code, _, err = scmbench("ask", "o/model", *arguments, "--out", "again")
    assert code == 2
    assert complaint in err
    assert "Traceback" not in err
