"""GraphML, with the labels of yEd and igraph, which stand in ``<data>`` elements.

Source: Brandes, Eiglsperger, Lerner and Pich, "Graph Markup Language (GraphML)", 2013. The parser of networkx does not
serve: it calls nodes by their id (``n0``) and keeps no lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from .draft import Draft, is_hidden

_LABELS = ("label", "name", "nodelabel")


@dataclass
class _Element:
    """An XML element: its local name, its line, what is in it."""

    name: str
    attributes: dict[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)
    text: str = ""

    def all(self, name: str) -> Iterator[_Element]:
        """The elements of this name at any depth below."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)


def read_graphml(text: str, draft: Draft) -> None:
    """Read a file of one directed graph; refuses undirected and hyperedges, ports and nested graphs by line."""
    root = _parse(text, draft)
    if root.name != "graphml":
        draft.fail(root.line, f"<{root.name}> is not GraphML")
    keys = {key.attributes.get("id", ""): key for key in root.all("key")}
    graphs = [child for child in root.children if child.name == "graph"]
    if len(graphs) != 1:
        draft.fail(graphs[1].line if graphs else None, f"the file holds {len(graphs)} graphs; expected one")
    for element in graphs[0].children:
        if element.name not in ("node", "edge", "data", "desc"):
            draft.fail(element.line, f"<{element.name}> is not read; expected nodes and edges")
        if element.name == "node":
            _node(element, keys, draft)
    directed = graphs[0].attributes.get("edgedefault", "undirected")
    edges = [element for element in graphs[0].children if element.name == "edge"]
    for element in edges:
        if element.attributes.get("directed", "true" if directed == "directed" else "false") not in ("true", "1"):
            what = "edge" if "directed" in element.attributes else "graph"
            draft.fail(element.line, f"the {what} is undirected; a causal graph has edges from cause to effect")
        _edge(element, keys, draft)
    if directed != "directed" and not edges:
        draft.fail(graphs[0].line, "the graph is undirected; a causal graph has edges from cause to effect")


def _node(element: _Element, keys: dict[str, _Element], draft: Draft) -> None:
    node = _attribute(element, "id", draft)
    if node in draft.ids:
        draft.fail(element.line, f"the node id {node!r} stands twice, first in line {draft.ids[node]}")
    draft.node(node, element.line)
    _plain(element, draft)
    data = _data(element, "node", keys)
    if is_hidden({name: value.strip().lower() for name, value in data.items()}):
        draft.fail(element.line, f"{node!r} is hidden (latent): every node needs a column of the table")
    drawn = [label.text for label in element.all("NodeLabel") if label.text.strip()]
    if len(drawn) > 1:
        draft.label(node, drawn[0], element.line, unusable=f"the node {node!r} has the labels {drawn}")
        return
    found = [data[name] for name in _LABELS if data.get(name, "").strip()] + drawn
    if found:
        label = found[0].strip()
        why = f"the label of {node!r}, {label!r}, has more than one line" if "\n" in label else ""
        draft.label(node, label, element.line, unusable=why)


def _edge(element: _Element, keys: dict[str, _Element], draft: Draft) -> None:
    ends = [_attribute(element, key, draft) for key in ("source", "target")]
    what = f"the edge {ends[0]!r} -> {ends[1]!r}"
    for node in ends:
        if node not in draft.ids:
            draft.fail(element.line, f"{what} names a node {node!r} that there is not")
    if ports := sorted({"sourceport", "targetport"} & set(element.attributes)):
        draft.fail(element.line, f"{what} has {ports}: ports are not read")
    _plain(element, draft)
    for arrows in element.all("Arrows"):
        if arrows.attributes.get("source", "none") != "none" or arrows.attributes.get("target", "standard") == "none":
            draft.fail(element.line, f"{what} is drawn with a head at its start, or without one at its end")
    for name in {"weight", "value"} & set(_data(element, "edge", keys)):
        draft.note(f"edges have the attribute {name!r}, which is ignored", element.line)
    draft.edge(ends[0], ends[1], element.line)


def _plain(element: _Element, draft: Draft) -> None:
    for child in element.children:
        if child.name not in ("data", "desc"):
            what = f"<{child.name}> inside of a {element.name}"
            draft.fail(child.line, f"{what}: nested graphs, ports and hyperedges are not read")


def _data(element: _Element, owner: str, keys: dict[str, _Element]) -> dict[str, str]:
    """Attribute name, in small letters, to its text: what the element says, else the default of the key."""
    texts = {child.attributes.get("key", ""): child.text for child in element.children if child.name == "data"}
    found = {identity.lower(): text for identity, text in texts.items() if identity not in keys}
    for identity, key in keys.items():
        if key.attributes.get("for", "all") not in (owner, "all"):
            continue
        default = next((child.text for child in key.children if child.name == "default"), None)
        text = texts.get(identity, default)
        if text is not None:
            found[key.attributes.get("attr.name", identity).lower()] = text
    return found


def _attribute(element: _Element, name: str, draft: Draft) -> str:
    if name not in element.attributes:
        draft.fail(element.line, f"<{element.name}> has no {name!r}")
    return element.attributes[name]


def _parse(text: str, draft: Draft) -> _Element:
    """The root element, namespaces taken off."""
    top = _Element("", {}, 0)
    stack = [top]
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, attributes: dict[str, str]) -> None:
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = _Element(name.rpartition(" ")[2], plain, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def characters(data: str) -> None:
        stack[-1].text += data

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: stack.pop()
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        draft.fail(error.lineno, f"this is not GraphML: {expat.errors.messages[error.code]}")
    return top.children[0]
