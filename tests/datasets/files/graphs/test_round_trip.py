"""Random graphs with hostile names, written by others or by the letter of a grammar, are read back as they were."""

from __future__ import annotations

import csv
import io
import json

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scmbench.datasets.files.graphs import read_graph

NAMES = st.text("ab1 -<>=~;:,|#[]{}()\"'.+&%$/@é→", min_size=1, max_size=8).filter(lambda s: s.strip() == s)
"""Arrows, separators, quotes, brackets, blanks: what a name may hold and a reader may trip over."""


@st.composite
def graphs(draw):
    """Acyclic graphs of one to five nodes; edges go forward in a random order."""
    nodes = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    graph = nx.DiGraph()
    graph.add_nodes_from(draw(st.permutations(nodes)))
    graph.add_edges_from(pair for pair in pairs if draw(st.booleans()))
    return graph


def quoted(name):
    return '"' + name.replace('"', '\\"') + '"'


def doubled(name):
    return '"' + name.replace('"', '""') + '"'


def braces(word):
    def write(graph):
        lines = [quoted(a) for a in graph] + [f"{quoted(a)} -> {quoted(b)}" for a, b in graph.edges]
        return word + " {\n" + "\n".join(lines) + "\n}"

    return write


def clusters(graph):
    """Each node in a cluster of its own, inside of the one before; edges outside."""
    inner = "".join(f"subgraph cluster_{i} {{ {quoted(a)} " for i, a in enumerate(graph)) + "}" * len(graph)
    return f"digraph {{ {inner} " + ";".join(f"{quoted(a)}:n->{quoted(b)}" for a, b in graph.edges) + "}"


def labelled(graph):
    ids = {a: f"n{i}" for i, a in enumerate(graph)}
    labels = [f"{ids[a]} [label={quoted(a)}]" for a in graph]
    return "digraph {" + "\n".join(labels + [f"{ids[a]} -> {ids[b]}" for a, b in graph.edges]) + "}"


def arrows(graph):
    return "\n".join([doubled(a) for a in graph] + [f"{doubled(a)} -> {doubled(b)} # so" for a, b in graph.edges])


def table(delimiter):
    def write(graph):
        text = io.StringIO()
        rows = csv.writer(text, quoting=csv.QUOTE_ALL, delimiter=delimiter)
        rows.writerow(["cause", "effect"])
        rows.writerows([*graph.edges, *([a] for a in graph)])
        return text.getvalue()

    return write


def matrix(graph):
    nodes = list(graph)
    frame = pd.DataFrame(nx.to_numpy_array(graph, nodes).astype(int), nodes, nodes)
    return frame.to_csv(quoting=csv.QUOTE_NONNUMERIC)


WRITERS = {
    "a.dot": braces("digraph"),
    "b.dot": clusters,
    "c.dot": labelled,
    "a.txt": braces("dag"),
    "b.txt": arrows,
    "a.csv": table(","),
    "b.csv": table(";"),
    "a.tsv": table("\t"),
    "c.csv": matrix,
    "a.gml": lambda graph: "\n".join(nx.generate_gml(graph)),
    "a.graphml": lambda graph: "\n".join(nx.generate_graphml(graph)),
    "a.json": lambda graph: json.dumps(nx.node_link_data(graph)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(graph=graphs())
def test_a_graph_is_read_back_as_it_was(folder, name, graph):
    (folder / name).write_text(WRITERS[name](graph), encoding="utf-8")
    again = read_graph(folder / name)
    assert set(again) == set(graph)
    assert set(again.edges) == set(graph.edges)


BARE = st.text("ab1o -<>=~:|[]{}()+→", min_size=1, max_size=6).filter(lambda s: s.strip() == s)


@pytest.mark.parametrize("separator", ["->", " -> ", ",", ";", "\t", " "])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(ends=st.tuples(BARE, BARE))
def test_names_without_quotes_are_read_as_they_are_or_refused(folder, separator, ends):
    """Whatever is written, no third name comes out of it."""
    (folder / "bare.txt").write_text(separator.join(ends), encoding="utf-8")
    try:
        graph = read_graph(folder / "bare.txt")
    except ValueError:
        return
    assert list(graph.edges) == [ends]
    assert set(graph) == set(ends)
