"""The text of Tetrad and causal-learn (``Graph Nodes:``, ``1. X --> Y``), and bnlearn's string ``[X][Y|X]``."""

from __future__ import annotations

import re

from .draft import Draft
from .lines import bare_name

_EDGE = re.compile(r"(?:\d+\.\s+)?(?P<left>.+?)\s+(?P<arrow>[<ox*]?-[-][>ox*-]?|[<ox*]-[>ox*-]|--)\s+(?P<right>.+)")
_NODES, _EDGES = "graph nodes", "graph edges"
_IGNORED = {"graph attributes", "graph node attributes", "graph edge attributes"}
_MEANINGS = {
    "---": "undirected",
    "--": "undirected",
    "o-o": "of unknown direction",
    "o->": "of unknown kind: its start may have a hidden common cause",
    "<->": "a hidden common cause of both ends",
}


def read_tetrad(text: str, draft: Draft) -> None:
    """Read sections of nodes and edges; ``-->`` and ``<--`` are edges, every other mark is refused by line."""
    section = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line:
            continue
        title, colon, rest = line.partition(":")
        if colon and title.strip().lower() in {_NODES, _EDGES, *_IGNORED}:
            section, line = title.strip().lower(), rest.strip()
            if not line:
                continue
        elif line.endswith(":") and section != _NODES:
            section = title.lower()
            continue
        if section == _NODES:
            _nodes(line, number, draft)
        elif section == _EDGES:
            _edge(line, number, draft)
        elif section not in _IGNORED:
            draft.fail(number, f"{line!r} stands in a section {section!r}, which is not understood")


def _nodes(line: str, number: int, draft: Draft) -> None:
    for name in re.split(r"[;,]", line):
        name = name.strip()
        if re.fullmatch(r"\(.*\)", name):
            draft.fail(number, f"{name!r} is hidden (latent): every node needs a column of the table")
        if name in draft.ids:
            draft.fail(number, f"the node {name!r} stands twice")
        draft.node(name, number)


def _edge(line: str, number: int, draft: Draft) -> None:
    found = _EDGE.fullmatch(line)
    if not found:
        draft.fail(number, f"{line!r} is no edge; expected `1. X --> Y`")
    if found["arrow"] not in ("-->", "<--"):
        meaning = _MEANINGS.get(found["arrow"], "not understood")
        draft.fail(number, f"the edge {line!r} is {meaning}; a causal graph has edges --> alone")
    ends = [found["left"].strip(), found["right"].strip()]
    for name in ends:
        if name not in draft.ids:
            draft.fail(number, f"{name!r} is none of the graph's nodes {sorted(draft.ids)}")
    cause, effect = ends if found["arrow"] == "-->" else reversed(ends)
    draft.edge(cause, effect, number)


BNLEARN = re.compile(r"(?:\s*\[[^\[\]]*\])+\s*")


def read_bnlearn(text: str, draft: Draft) -> None:
    """Read ``[A][B|A][C|A:B]``: a node in brackets, its parents after the bar, as R's ``modelstring`` writes it."""
    found = [(m[1], text.count("\n", 0, m.start(1)) + 1) for m in re.finditer(r"\[([^\[\]]*)\]", text)]
    nodes = [(*content.partition("|"), line) for content, line in found]
    for name, _, _, line in nodes:
        if not name.strip() or set(name) & set(',"'):
            draft.fail(line, f"[{name}] names no node")
        bare_name(name.strip(), line, draft)
        if name.strip() in draft.ids:
            draft.fail(line, f"the node {name.strip()!r} stands twice")
        draft.node(name.strip(), line)
    for name, bar, causes, line in nodes:
        for cause in (part.strip() for part in causes.split(":") if bar):
            if cause not in draft.ids:
                draft.fail(line, f"{cause!r} is a parent of {name.strip()!r}, but no node of the graph")
            draft.edge(cause, name.strip(), line)
