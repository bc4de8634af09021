"""JSON in networkx's node-link format: ``{"directed": true, "nodes": [{"id": …}], "edges": [{"source": …}]}``."""

from __future__ import annotations

import json
from typing import Any

from .draft import Draft, is_hidden

_KEYS = {"directed", "multigraph", "graph", "nodes", "edges", "links"}


def read_node_link(text: str, draft: Draft) -> None:
    """Read one directed graph; refuses by line what is no JSON, by place what is no node or edge."""
    try:
        content = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, draft))
    except json.JSONDecodeError as error:
        draft.fail(error.lineno, f"this is no JSON: {error.msg}")
    lists = [key for key in ("edges", "links") if isinstance(content, dict) and key in content]
    if len(lists) != 1 or not isinstance(content.get("nodes"), list) or not isinstance(content[lists[0]], list):
        draft.fail(None, 'expected a node-link graph: {"directed": true, "nodes": […], "edges": […]}')
    if unknown := sorted(set(content) - _KEYS):
        draft.fail(None, f"the keys {unknown} are not understood; known are {sorted(_KEYS)}")
    if content.get("directed") is not True:
        draft.fail(None, 'the graph is undirected (no "directed": true); a causal graph has edges from cause to effect')
    names: dict[Any, str] = {}
    for i, node in enumerate(content["nodes"]):
        identity = _name(node, "id", f"nodes[{i}]", draft)
        if identity in names:
            draft.fail(None, f"nodes[{i}]: the id {identity!r} stands twice")
        names[identity] = draft.node(identity, 0)
        if is_hidden({str(key).lower(): str(value).lower() for key, value in node.items()}):
            draft.fail(None, f"nodes[{i}]: {identity!r} is hidden (latent): every node needs a column of the table")
        if "label" in node:
            draft.label(identity, _name(node, "label", f"nodes[{i}]", draft), 0)
    for i, edge in enumerate(content[lists[0]]):
        where = f"{lists[0]}[{i}]"
        cause, effect = (_name(edge, key, where, draft) for key in ("source", "target"))
        for name in (cause, effect):
            if name not in names:
                draft.fail(None, f"{where}: there is no node {name!r}")
        for key in sorted({"weight", "value"} & set(edge)):
            draft.note(f"edges have the attribute {key!r}, which is ignored", 0)
        draft.edge(cause, effect, 0)


def _name(of: Any, key: str, where: str, draft: Draft) -> str:
    value = of.get(key) if isinstance(of, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        draft.fail(None, f"{where} is {of!r}; expected an object with {key!r}, a name or a number")
    return str(value)


def _once(pairs: list[tuple[str, Any]], draft: Draft) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        doubled = sorted({key for key, _ in pairs if [k for k, _ in pairs].count(key) > 1})
        draft.fail(None, f"an object has the key(s) {doubled} more than once")
    return found
