"""Graphs from files: the three formats, and complaints that name file and line."""

from __future__ import annotations

import sys

import networkx as nx
import pytest
from scmbench.datasets import ValuesError
from scmbench.datasets.files.graphs import read_graph

EDGES = {("age", "dose"), ("age", "blood pressure"), ("dose", "blood pressure")}


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.txt", "# who causes whom\nage -> dose\nage -> blood pressure\n\ndose -> blood pressure  # strong\n"),
        ("g.csv", "source,target\nage,dose\nage,blood pressure\ndose,blood pressure\n"),
        ("g.tsv", "cause\teffect\nage\tdose\nage\tblood pressure\ndose\tblood pressure\n"),
        ("g.edges", '"age";"dose"\n"age";"blood pressure"\n"dose";"blood pressure"\n'),
        ("g.dot", 'digraph { age -> dose -> "blood pressure"; age -> "blood pressure" }'),
        (
            "g.gv",
            "\ufeffdigraph G { age -> {dose \"blood pressure\"}; dose -> 'x' }".replace("'x'", '"blood pressure"'),
        ),
    ],
)
def test_the_same_graph_in_every_way_of_writing_it(write, name, text):
    assert set(read_graph(write(name, text)).edges) == EDGES


def test_graphml_with_nodes_that_have_no_edges(tmp_path):
    graph = nx.DiGraph(EDGES)
    graph.add_node("noise")
    nx.write_graphml(graph, tmp_path / "g.graphml")
    again = read_graph(tmp_path / "g.graphml")
    assert set(again.edges) == EDGES
    assert set(again) == set(graph)


def test_a_name_alone_is_a_node(write):
    graph = read_graph(write("g.txt", "a b\nc\n"))
    assert list(graph) == ["a", "b", "c"]
    assert list(graph.edges) == [("a", "b")]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("g.txt", "a -> b\na -> b -> c\n", r"g\.txt, line 2: 'a -> b -> c' is no edge; write cause -> effect"),
        ("g.csv", "a,b\nb,\n", r"g\.csv, line 2: 'b,' is no edge"),
        ("g.txt", "a -> b\nb -> a\n", r"g\.txt: the graph has a cycle: . -> . -> .; a causal graph must not"),
        ("g.txt", "# nothing\n", r"g\.txt holds no node"),
        ("g.graphml", "<graphml", r"g\.graphml is not GraphML: "),
        ("g.graphml", "a -> b", r"g\.graphml is not GraphML: "),
        (
            "g.dot",
            "graph { a -- b }",
            r"g\.dot: the graph is undirected; a causal graph has edges from cause to effect",
        ),
        ("g.dot", "digraph { a -> ", r"g\.dot is not DOT: .*line:1"),
        ("g.dot", "", r"g\.dot is not DOT"),
    ],
)
def test_what_is_wrong_is_told(write, name, text, complaint, capsys):
    with pytest.raises(ValuesError, match=complaint):
        read_graph(write(name, text))
    assert capsys.readouterr().out == ""


def test_an_undirected_graphml_is_refused(tmp_path):
    nx.write_graphml(nx.Graph([("a", "b")]), tmp_path / "g.graphml")
    with pytest.raises(ValuesError, match="the graph is undirected"):
        read_graph(tmp_path / "g.graphml")


def test_missing_and_binary_files_are_told(tmp_path):
    with pytest.raises(ValuesError, match="there is no such file"):
        read_graph(tmp_path / "g.txt")
    (tmp_path / "g.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValuesError, match="cannot be read as text"):
        read_graph(tmp_path / "g.txt")


def test_without_pydot_the_extra_is_named(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ValuesError, match=r"pip install 'scmbench\[dot\]'"):
        read_graph(write("g.dot", "digraph { a -> b }"))
