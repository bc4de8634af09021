"""What a file says about a graph, collected by its reader: nodes with ids, labels and lines, edges with lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import networkx as nx

from ...values import ValuesError, check_graph


class Draft:
    """A graph while it is read. `fail` refuses the file by line; `graph` gives the nodes their names and checks all.

    In formats that tell a node's id from its label (DOT, GML, GraphML) the label is the name; a node without one is
    called by its id.
    """

    def __init__(self, path: Path):
        self.path = path
        self.ids: dict[str, int] = {}
        self.labels: dict[str, str] = {}
        self.unusable: dict[str, tuple[int, str]] = {}
        self.edges: dict[tuple[str, str], int] = {}
        self.notes: dict[str, list[int]] = {}

    def fail(self, line: int | None, message: str) -> NoReturn:
        """Raises `ValuesError` that names the file, the line where there is one, and what is wrong."""
        where = f"{self.path}, line {line}" if line else f"{self.path}"
        raise ValuesError(f"{where}: {message}")

    def node(self, name: str, line: int) -> str:
        """Note a node, if it is new; returns its name or id. Refuses an empty one."""
        if not name.strip():
            self.fail(line, "a node without a name")
        self.ids.setdefault(name, line)
        return name

    def label(self, node: str, text: str, line: int, *, unusable: str = "") -> None:
        """Note a node's label; one that is `unusable` as a name, and why, is refused where the label is needed."""
        self.labels[node] = text
        self.unusable.pop(node, None)
        if unusable or not text.strip():
            self.unusable[node] = (line, unusable or f"the label of {node!r} is empty")

    def edge(self, cause: str, effect: str, line: int) -> None:
        """Note an edge and its nodes; the same edge again is one edge, which is said."""
        if (cause, effect) in self.edges:
            self.note(f"the edge {cause!r} -> {effect!r} stands more than once and is counted once", line)
        self.edges.setdefault((self.node(cause, line), self.node(effect, line)), line)

    def note(self, text: str, line: int) -> None:
        """Something to tell about the file: what is ignored, or taken to mean something."""
        self.notes.setdefault(text, []).append(line)

    def graph(self, columns: Collection[str] | None = None) -> nx.DiGraph:
        """The graph, with what is to be said about it in ``graph.graph["notes"]``, a list of sentences.

        Where ids and labels differ, ids are the names if all of them are among `columns`, otherwise labels are. Raises
        `ValuesError` for no node at all, two nodes of one name, and a cycle, which it spells out with its lines.
        """
        if not self.ids:
            raise ValuesError(f"{self.path} holds no node")
        names = self._names(columns)
        graph = nx.DiGraph()
        graph.add_nodes_from(names[node] for node in self.ids)
        graph.add_edges_from((names[a], names[b]) for a, b in self.edges)
        graph.graph["notes"] = [f"{text} ({_lines(lines)})" if any(lines) else text for text, lines in self._said()]
        try:
            check_graph(graph)
        except ValuesError as error:
            lines = [line for a, b in nx.find_cycle(graph) for line in self._lines_of(names, a, b)]
            raise ValuesError(f"{self.path}: {error} ({_lines(lines)})") from None
        return graph

    def _names(self, columns: Collection[str] | None) -> dict[str, str]:
        """The name of every id."""
        ids = {node: node for node in self.ids}
        labelled = {node: self.labels.get(node, node) for node in self.ids}
        if labelled == ids and not self.unusable:
            return ids
        if columns is not None and set(self.ids) <= set(columns):
            return ids
        for line, why in self.unusable.values():
            self.fail(line, f"{why}; write the name of the column")
        counts = Counter(labelled.values())
        for node, label in labelled.items():
            if counts[label] > 1:
                both = sorted(n for n, other in labelled.items() if other == label)
                self.fail(self.ids[node], f"the nodes {both} have the same label {label!r}")
        renamed = sum(node != label for node, label in labelled.items())
        self.note(f"{renamed} of {len(ids)} nodes are called by their label, not by their id", 0)
        return labelled

    def _said(self) -> Iterable[tuple[str, list[int]]]:
        return self.notes.items()

    def _lines_of(self, names: dict[str, str], cause: str, effect: str) -> list[int]:
        return [line for (a, b), line in self.edges.items() if (names[a], names[b]) == (cause, effect)]


def _lines(lines: list[int]) -> str:
    """``line 3``, ``lines 3 and 5``, ``lines 3, 5 and 12 more``."""
    numbers = sorted({line for line in lines if line})
    if len(numbers) < 2:
        return f"line {numbers[0]}" if numbers else ""
    if len(numbers) <= 4:
        return f"lines {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
    return f"lines {', '.join(map(str, numbers[:3]))} and {len(numbers) - 3} more"


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """Whether a node's attributes say, in one of the ways that are in use, that it is not measured."""
    no, yes = {"no", "false", "0"}, {"yes", "true", "1"}
    return attributes.get("observed", "yes") in no or any(
        attributes.get(word, "no") in yes for word in ("latent", "unobserved", "hidden")
    )
