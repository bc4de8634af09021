"""The measured protein network: its graph, logarithms, and a split that leaves no cell out and none in both."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import torch
from scmbench.benchmarks.questions import protocols
from scmbench.datasets import registry, sachs
from scmbench.datasets.files import cytometry, download
from scmbench.datasets.files.sources import SOURCES, File

PROTOCOL = protocols.get("standard")


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """A table of 50 cells in the format of the real one, each entry different, which the registry takes for it."""
    stream = torch.Generator().manual_seed(0)
    table = torch.exp(4 * torch.rand(50, 11, generator=stream, dtype=torch.float64))
    text = ",".join(cytometry.COLUMNS) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in table.tolist())
    (tmp_path / "sachs").mkdir()
    (tmp_path / "sachs" / "cyto_full_data.csv").write_text(text)
    file = File("cyto_full_data.csv", len(text), hashlib.sha256(text.encode()).hexdigest(), "")
    monkeypatch.setitem(SOURCES, "sachs", replace(SOURCES["sachs"], files=(file,)))
    monkeypatch.setenv(download.ENV, str(tmp_path))
    return table


def test_the_graph_has_the_17_edges_between_molecules():
    graph = sachs.graph()
    assert (len(graph), graph.number_of_edges()) == (11, 17)
    assert set(graph) == set(cytometry.COLUMNS)
    assert {("plcg", "PIP3"), ("PKA", "p44/42"), ("praf", "pmek")} <= set(graph.edges)
    assert [v for v in graph if not graph.in_degree(v)] == ["plcg", "PKC"]


def test_training_and_held_out_cells_are_all_cells_once_and_follow_the_seed(cells):
    dataset = registry.get("sachs/real")
    (a,), (b,), (c,) = (dataset.problems(PROTOCOL, seed=s) for s in (0, 0, 1))
    held_out = a.queries[0].rows
    assert (len(a.train["praf"]), len(held_out["praf"])) == (40, 10)
    together = torch.cat([a.train["praf"], held_out["praf"]]).sort().values
    assert torch.allclose(together, cells[:, 0].log().sort().values)
    assert torch.equal(a.train["PKA"], b.train["PKA"])
    assert not torch.equal(a.train["PKA"], c.train["PKA"])
    whole = {tuple(row) for row in cells.log().tolist()}
    assert {tuple(float(a.train[v][i]) for v in cytometry.COLUMNS) for i in range(40)} <= whole


def test_it_asks_for_distance_and_likelihood_and_knows_no_truth(cells):
    (problem,) = registry.get("sachs/real").problems(PROTOCOL, seed=0)
    assert [q.kind for q in problem.queries] == ["observational", "likelihood"]
    assert problem.scm is None


def test_missing_files_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv(download.ENV, str(tmp_path))
    assert "`scmbench data fetch sachs`" in (registry.get("sachs/real").missing() or "")
