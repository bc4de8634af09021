"""GML: nested lists of keys and values, ``graph [ directed 1 node [ id 0 label "x" ] edge [ source 0 target 1 ] ]``.

Source: Himsolt, "GML: A portable graph file format", 1997. The parser of networkx does not serve: it turns the label
``"[]"`` into a list, takes a `directed` that stands twice for true, and keeps no lines.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from .draft import Draft, is_hidden

_TOKEN = re.compile(
    r'\s+|#[^\n]*|(?P<key>[^\W\d]\w*)|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?)|"(?P<string>[^"]*)"|[\[\]]'
)


@dataclass(frozen=True)
class _Entry:
    """A key with its value, a text or the entries of a list."""

    key: str
    value: str | list[_Entry]
    line: int

    def entries(self, draft: Draft) -> list[_Entry]:
        if isinstance(self.value, str):
            draft.fail(self.line, f"{self.key!r} is {self.value!r}; expected '['")
        return self.value


def read_gml(text: str, draft: Draft) -> None:
    """Read a file of one directed graph; refuses nested graphs and edges that are drawn with other than one head."""
    graphs = [entry for entry in _parse(text, draft) if entry.key == "graph"]
    if len(graphs) != 1:
        draft.fail(graphs[1].line if graphs else None, f"the file holds {len(graphs)} graphs; expected one")
    content = graphs[0].entries(draft)
    if _text(content, "directed", graphs[0], draft, default="0") != "1":
        what = "the graph is undirected (no `directed 1`)"
        draft.fail(graphs[0].line, f"{what}; a causal graph has edges from cause to effect")
    for entry in content:
        if entry.key == "node":
            _node(entry, draft)
        elif entry.key != "edge":
            _flat(entry, draft)
    for entry in content:
        if entry.key == "edge":
            _edge(entry, draft)


def _node(entry: _Entry, draft: Draft) -> None:
    fields = entry.entries(draft)
    node = _text(fields, "id", entry, draft)
    if node in draft.ids:
        draft.fail(entry.line, f"the node id {node!r} stands twice, first in line {draft.ids[node]}")
    draft.node(node, entry.line)
    for each in fields:
        _flat(each, draft)
    flat = {each.key.lower(): each.value.lower() for each in fields if isinstance(each.value, str)}
    if is_hidden(flat):
        draft.fail(entry.line, f"{node!r} is hidden (latent): every node needs a column of the table")
    if flat.get("isgroup", "0") not in ("0", "false"):
        draft.fail(entry.line, f"{node!r} is a group of nodes: nested graphs are not read")
    if "label" in flat:
        draft.label(node, _text(fields, "label", entry, draft), entry.line)


def _edge(entry: _Entry, draft: Draft) -> None:
    fields = entry.entries(draft)
    ends = [_text(fields, key, entry, draft) for key in ("source", "target")]
    for node in ends:
        if node not in draft.ids:
            draft.fail(entry.line, f"the edge names a node {node!r} that there is not")
    what = f"the edge {ends[0]!r} -> {ends[1]!r}"
    for each in fields:
        _flat(each, draft)
        if each.key.lower() in ("weight", "value"):
            draft.note(f"edges have the attribute {each.key!r}, which is ignored", entry.line)
        if each.key == "directed" and each.value not in ("1", "true"):
            draft.fail(entry.line, f"{what} is undirected")
        drawn = {e.key: e.value for e in each.value} if each.key == "graphics" and isinstance(each.value, list) else {}
        if drawn.get("arrow", "last") != "last" or str(drawn.get("sourceArrow", "none")).lower() != "none":
            draft.fail(entry.line, f"{what} is drawn with a head at its start, or with none")
        if str(drawn.get("targetArrow", "standard")).lower() == "none":
            draft.fail(entry.line, f"{what} is drawn without a head")
    draft.edge(ends[0], ends[1], entry.line)


def _flat(entry: _Entry, draft: Draft) -> None:
    """Refuse a graph, nodes or edges inside of what only describes."""
    if entry.key in ("graph", "hyperedge", "port") or (
        isinstance(entry.value, list) and any(each.key in ("node", "edge") for each in entry.value)
    ):
        draft.fail(entry.line, f"{entry.key!r} inside of the graph: nested graphs, ports and hyperedges are not read")
    if isinstance(entry.value, list):
        for each in entry.value:
            _flat(each, draft)


def _text(fields: list[_Entry], key: str, of: _Entry, draft: Draft, default: str | None = None) -> str:
    """The value of a key that stands once."""
    found = [each for each in fields if each.key == key]
    if not found and default is not None:
        return default
    if len(found) != 1:
        draft.fail(of.line, f"the {of.key} has {len(found)} of the key {key!r}; expected one")
    if not isinstance(found[0].value, str):
        draft.fail(found[0].line, f"{key!r} is a list; expected a value")
    return found[0].value


def _parse(text: str, draft: Draft) -> list[_Entry]:
    """The entries of a file, lists nested."""
    open_lists: list[tuple[str, int, list[_Entry]]] = [("", 0, [])]
    key: str | None = None
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            draft.fail(line, f"{text[at : at + 20].splitlines()[0]!r} is no GML")
        word, value = match["key"], next((match[g] for g in ("number", "string") if match[g] is not None), None)
        if match[0] == "[":
            if key is None:
                draft.fail(line, "'[' without a key before it")
            open_lists.append((key, line, []))
            key = None
        elif match[0] == "]":
            if key is not None or len(open_lists) == 1:
                draft.fail(line, "found ']'; " + (f"expected a value of {key!r}" if key else "no list is open"))
            name, start, entries = open_lists.pop()
            open_lists[-1][2].append(_Entry(name, entries, start))
        elif key is None and word is not None:
            key = word
        elif key is None and value is not None:
            draft.fail(line, f"found {value!r}; expected a key")
        elif word is not None or value is not None:
            spelt = html.unescape(value) if match["string"] is not None and value else value
            open_lists[-1][2].append(_Entry(key or "", (word if spelt is None else spelt) or "", line))
            key = None
        line += match[0].count("\n")
        at = match.end()
    if key is not None or len(open_lists) > 1:
        draft.fail(line, f"the file ends inside of {key or open_lists[-1][0]!r}")
    return open_lists[0][2]
