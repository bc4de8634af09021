"""Causal graphs from files: edge lists, GraphML, DOT."""

from __future__ import annotations

import io
import re
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import networkx as nx

from ..values import ValuesError, check_graph

HEADERS = ({"source", "target"}, {"from", "to"}, {"cause", "effect"})
"""First lines of edge lists that are titles, not edges."""


def read_graph(path: Path | str) -> nx.DiGraph:
    """The graph in a file: GraphML (``.graphml``, ``.xml``), DOT (``.dot``, ``.gv``), else an edge list.

    An edge list has one edge a line, cause first: ``a -> b``, ``a,b`` or ``a b``; a name alone is a node without edges;
    ``#`` starts a comment. Raises `ValuesError` that names the file, and the line where there is one: unreadable or
    malformed files, undirected graphs, cycles, no node at all.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValuesError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError(f"{path} cannot be read as text: {error}") from None
    readers = {".graphml": _graphml, ".xml": _graphml, ".dot": _dot, ".gv": _dot}
    graph = readers.get(path.suffix.lower(), _edge_list)(text, path)
    if not graph:
        raise ValuesError(f"{path} holds no node")
    try:
        check_graph(graph)
    except ValuesError as error:
        raise ValuesError(f"{path}: {error}") from None
    return graph


def _edge_list(text: str, path: Path) -> nx.DiGraph:
    graph = nx.DiGraph()
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        separator = next((s for s in ("->", ",", ";", "\t") if s in content), None)
        nodes = [part.strip().strip("\"'") for part in content.split(separator)]
        if not graph and set(map(str.lower, nodes)) in HEADERS:
            continue
        if len(nodes) > 2 or not all(nodes):
            raise ValuesError(f"{path}, line {number}: {content!r} is no edge; write cause -> effect")
        if len(nodes) == 2:
            graph.add_edge(*nodes)
        else:
            graph.add_node(nodes[0])
    return graph


def _graphml(text: str, path: Path) -> nx.DiGraph:
    try:
        graph = nx.parse_graphml(text)
    except Exception as error:  # networkx lets the errors of its XML parser and of its own conversions through
        raise ValuesError(f"{path} is not GraphML: {error}") from None
    return _directed(graph, path)


def _dot(text: str, path: Path) -> nx.DiGraph:
    said = io.StringIO()  # pydot prints what is wrong
    with warnings.catch_warnings(), redirect_stdout(said):
        warnings.simplefilter("ignore")
        try:
            import pydot
        except ImportError:
            raise ValuesError(f"{path}: reading DOT needs the package pydot: pip install 'scmbench[dot]'") from None
        parsed = pydot.graph_from_dot_data(text)
    if not parsed:
        lines = said.getvalue().strip().splitlines()
        raise ValuesError(f"{path} is not DOT: {lines[-1] if lines else 'it holds no graph'}")
    return _directed(nx.nx_pydot.from_pydot(parsed[0]), path)


def _directed(graph: nx.Graph, path: Path) -> nx.DiGraph:
    if not graph.is_directed():
        raise ValuesError(f"{path}: the graph is undirected; a causal graph has edges from cause to effect")
    plain = nx.DiGraph()
    plain.add_nodes_from(str(node) for node in graph if not re.fullmatch(r"\\[nrl]", str(node)))
    plain.add_edges_from((str(a), str(b)) for a, b in graph.edges())
    return plain
