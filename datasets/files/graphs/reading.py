"""A graph from a file: which format it has, and what the reader of that format makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

import networkx as nx

from ...values import ValuesError
from .dot import dagitty, read_dot
from .draft import Draft
from .edge_list import read_edge_list
from .gml import read_gml
from .graphml import read_graphml
from .node_link import read_node_link
from .tetrad import BNLEARN, read_bnlearn, read_tetrad

_BY_SUFFIX: dict[str, Callable[[str, Draft], None]] = {
    ".graphml": read_graphml,
    ".xml": read_graphml,
    ".dot": read_dot,
    ".gv": read_dot,
    ".dagitty": read_dot,
    ".dag": read_dot,
    ".gml": read_gml,
    ".json": read_node_link,
}
_TEXTS = ("", ".txt", ".csv", ".tsv", ".edges", ".edgelist", ".list", ".dat", ".tetrad", ".bn")
"""Suffixes that say little: the first words of the text tell its format."""

FORMATS = (
    "edge lists (a -> b, CSV), adjacency matrices, DAGitty, Tetrad and bnlearn text (.txt .csv .tsv .edges .edgelist), "
    "DOT (.dot .gv), GML (.gml), GraphML (.graphml .xml), node-link JSON (.json)"
)


def read_graph(path: Path | str, columns: Collection[str] | None = None) -> nx.DiGraph:
    """The graph in a file, by its suffix, or by its first words where that is ``.txt``, ``.csv``, ``.edges`` or none.

    Read are edge lists and adjacency matrices (`edge_list.read_edge_list`), DOT and DAGitty, GML, GraphML, Tetrad's and
    causal-learn's text, bnlearn's model strings, and node-link JSON. A file is read completely or refused: never is
    something left out that could be a node or an edge. What is ignored for a reason (weights), or taken to mean
    something (which way a matrix goes), stands in ``graph.graph["notes"]``, a list of sentences. `columns`, the names
    of the table that the graph is for, settle whether ids or labels are the nodes' names.

    Raises `ValuesError` that names the file, and the line where there is one: unreadable or malformed files, undirected
    or bidirected edges, hidden nodes, nested graphs, names that may be more than a name, cycles, no node at all.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValuesError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError(f"{path} cannot be read as text: {error}") from None
    if "\0" in text:
        raise ValuesError(f"{path} cannot be read as text: it holds the character NUL")
    draft = Draft(path)
    suffix = path.suffix.lower()
    if suffix in _BY_SUFFIX:
        _BY_SUFFIX[suffix](text, draft)
    elif suffix not in _TEXTS:
        raise ValuesError(f"{path}: graphs are not read from {suffix!r} files; read are {FORMATS}")
    elif reader := _recognised(text):
        reader(text, draft)
    else:
        read_edge_list(text, draft, columns)
    return draft.graph(columns)


def _recognised(text: str) -> Callable[[str, Draft], None] | None:
    """The reader for a text that begins as one format alone does."""
    start = re.sub(r"\A(?:\s+|#[^\n]*\n|//[^\n]*\n)*", "", text)
    if start.startswith("<"):
        return read_graphml
    if re.match(r"(?i)(?:strict\s+)?(?:digraph|graph)\b[^\n\[{]*\{", start) or (
        dagitty(start) and re.match(r"(?i)\w+[^\n{]*\{", start)
    ):
        return read_dot
    if re.match(r"graph\s*\[|Creator\s+\"|Version\s+\d", start):
        return read_gml
    if re.match(r"(?i)graph nodes\s*:", start):
        return read_tetrad
    if re.match(r"\{\s*[\"}]", start):
        return read_node_link
    if BNLEARN.fullmatch(start):
        return read_bnlearn
    return None
