"""One's own table on the command line: fit, ask, data, as a user runs them; their errors are sentences."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from scmbench.datasets import registry
from scmbench.datasets.files import download
from scmbench.datasets.values import to_frame

SCM = registry.get("dcm/triangle/nadd").scm()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a table, rows to ask about, and a graph."""
    monkeypatch.chdir(tmp_path)
    to_frame(SCM.sample(300, seed=0)).assign(note="n/a").to_csv("own.csv", index=False)
    to_frame(SCM.sample(5, seed=1)).to_csv("rows.csv", index=False)
    (tmp_path / "graph.txt").write_text("x1 -> x2\nx1 -> x3\nx2 -> x3\n")
    return tmp_path


def test_fit_diagnoses_answers_and_saves(folder, scmbench):
    asked = ["--do", "x1=1.5", "--counterfactual", "rows.csv", "--n", 20]
    code, out, _ = scmbench("fit", "own.csv", "--graph", "graph.txt", "--model", "linear", *asked)
    assert code == 0
    assert "fitted on 240 rows, judged on 60 held out" in out
    samples, answers = (pd.read_csv(folder / "fitted" / f"{name}.csv") for name in ("samples", "counterfactuals"))
    assert list(samples) == ["x1", "x2", "x3"]
    assert (len(samples), len(answers)) == (20, 5)
    assert (samples["x1"] == 1.5).all()
    assert (answers["x1"] == 1.5).all()
    found = json.loads((folder / "fitted" / "diagnosis.json").read_text())
    assert found["distances"]["energy"].keys() == {"model", "training rows", "shuffled columns"}
    assert found["distances"]["energy"]["training rows"] < found["distances"]["energy"]["shuffled columns"]
    assert found["nll"] > 0
    x1, x2, x3 = found["nodes"]
    assert (x1["p"], x1["round_trip"]) == (None, 0)
    assert x2["round_trip"] < 1e-6
    assert (x1["reconstruction"], x1["hsic"], x1["monotone_share"]) == (None, None, None)
    assert x2["reconstruction"] < 1e-6
    assert x2["monotone_share"] == x3["monotone_share"] == 1  # a linear model rises with its noise, right or wrong
    assert x3["hsic"] > 0
    assert x3["p"] < 0.05  # a linear model is wrong here, and the noise that it infers shows it


def test_a_mirror_world_passes_every_check_and_that_is_said(tmp_path, monkeypatch, scmbench):
    """x2's noise is turned around where x1 is negative: the data of a linear world, and other counterfactuals."""
    monkeypatch.chdir(tmp_path)
    to_frame(registry.get("violations/ctf2").scm().sample(400, seed=0)).to_csv("mirror.csv", index=False)
    (tmp_path / "graph.txt").write_text("x1 -> x2\nx1 -> x3\nx2 -> x3\n")
    code, out, _ = scmbench("fit", "mirror.csv", "--graph", "graph.txt", "--model", "linear")
    assert code == 0
    assert "node ┃ round trip ┃ own error ┃ HSIC ┃ p ┃ in order" in out
    assert "Passing proves nothing right: where a cause turns the noise of its effect around (a mirror)" in out
    for node in json.loads((tmp_path / "fitted" / "diagnosis.json").read_text())["nodes"][1:]:
        assert node["p"] > 0.01
        assert node["reconstruction"] < 1e-6
        assert node["monotone_share"] == 1


def test_a_saved_model_is_asked_again(folder, scmbench):
    scmbench("fit", "own.csv", "--graph", "graph.txt", "--model", "linear", "--do", "x2=0", "--n", 20)
    code, out, _ = scmbench("ask", "fitted/model", "--do", "x2=0", "--n", 20, "--out", "again")
    assert code == 0
    assert "again/samples.csv: 20 samples under do(x2 = 0)" in out
    assert (folder / "again" / "samples.csv").read_text() == (folder / "fitted" / "samples.csv").read_text()


UNSAVED = """
from scmbench.models import Mechanism, NodewiseModel


class Copy(Mechanism):
    def fit(self, task):
        self.rows = task.x
        return self

    def encode(self, x, parents):
        return x

    def decode(self, u, parents):
        return u

    def noise(self, n, generator):
        return self.rows[:1].expand(n, -1)


class Unsaved(NodewiseModel):
    def mechanism(self):
        return Copy()
"""


def test_what_a_model_cannot_do_is_said_and_the_rest_goes_on(folder, scmbench, monkeypatch):
    (folder / "unsaved_of_mine.py").write_text(UNSAVED)
    monkeypatch.syspath_prepend(folder)
    code, out, _ = scmbench("fit", "own.csv", "--graph", "graph.txt", "--model", "unsaved_of_mine:Unsaved")
    assert code == 0, out
    assert "not saved: " in out
    assert "density: Unsaved has no density" in out
    assert (folder / "fitted" / "samples.csv").exists()
    assert not (folder / "fitted" / "model").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.csv"], "none.csv: there is no such file"),
        (["own.csv", "--graph", "none.txt"], "none.txt: there is no such file"),
        (["graph.txt"], "graph.txt has no column 'x1', which the graph has"),
        (["own.csv", "--model", "liner"], "no model 'liner'"),
        (["own.csv", "--option", "width=3"], "linear could not be fitted: LinearGaussian has no option ['width']"),
        (["own.csv", "--option", "width"], "linear could not be fitted: 'width' is not option=value"),
        (["own.csv", "--model", "oracle"], "oracle cannot model this table: the oracle cannot learn from data"),
        (["own.csv", "--do", "z=1"], "--do z=1: the graph has no node 'z'; it has ['x1', 'x2', 'x3']"),
        (["own.csv", "--do", "x1=high"], "--do x1=high: expected a number"),
        (["own.csv", "--do", "x1"], "write --do NODE=VALUE"),
        (["own.csv", "--counterfactual", "rows.csv"], "say under which --do NODE=VALUE"),
        (["own.csv", "--do", "x1=1", "--counterfactual", "graph.txt"], "graph.txt has no column 'x1'"),
        (["own.csv", "--out", "own.csv"], "cannot write own.csv"),
    ],
)
def test_mistakes_are_explained_never_a_traceback(folder, scmbench, arguments, complaint):
    defaults = {"--graph": "graph.txt", "--model": "linear"}
    for option, value in defaults.items():
        if option not in arguments:
            arguments = [*arguments, option, value]
    code, _, err = scmbench("fit", *arguments)
    assert code == 2
    assert complaint in err
    assert "Traceback" not in err


def test_a_folder_without_a_model_is_told(folder, scmbench):
    code, _, err = scmbench("ask", "nowhere")
    assert (code, "nowhere holds no saved model" in err) == (2, True)


def test_whole_numbers_can_be_measurements(folder, scmbench):
    frame = pd.read_csv("own.csv")
    frame.assign(x3=(100 * frame["x3"]).round().astype(int)).to_csv("whole.csv", index=False)
    scmbench("fit", "whole.csv", "--graph", "graph.txt", "--model", "linear", "--out", "counts")
    scmbench("fit", "whole.csv", "--graph", "graph.txt", "--model", "linear", "--out", "measured", "--real")
    assert pd.read_csv("counts/samples.csv")["x3"].dtype == "int64"
    assert pd.read_csv("measured/samples.csv")["x3"].dtype == "float64"


def test_data_list_tells_what_is_there_and_where_from(scmbench, tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path))
    code, out, _ = scmbench("data", "list")
    assert code == 0
    assert "fmri 7.5 MB in 29 files 29 file(s) missing" in out
    assert "Thompson et al." in out
    (tmp_path / "sachs").mkdir()
    (tmp_path / "sachs" / "cyto_full_data.csv").write_text("foreign")
    assert "sachs 0.4 MB in 1 file wrong:" in scmbench("data", "list")[1]


def test_data_fetch_refuses_a_foreign_file_and_unknown_names(scmbench, tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path))
    (tmp_path / "sachs").mkdir()
    (tmp_path / "sachs" / "cyto_full_data.csv").write_text("foreign")
    code, _, err = scmbench("data", "fetch", "sachs")
    assert code == 1
    assert "is not the expected file: sha256" in err
    code, _, err = scmbench("data", "fetch", "weather")
    assert code == 2
    assert "'weather' is not one of" in err


@pytest.mark.skipif(bool(download.missing("fmri")), reason=f"the real files: {download.ENV} has none")
def test_data_fetch_keeps_what_is_there(scmbench):
    code, out, _ = scmbench("data", "fetch", "fmri", "sachs")
    assert code == 0
    assert "fmri: all 29 file(s) in" in out


def test_the_suite_without_its_data_says_what_to_do_and_ends_well(scmbench, tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path / "nothing"))
    code, out, _ = scmbench("run", "fmri", "--engine", "inline", "--store", tmp_path / "store")
    assert code == 0
    assert "not run: data missing fmri/hg-cg: 29 files" in out
    assert "`scmbench data fetch fmri`" in out
