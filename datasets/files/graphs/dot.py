"""DOT (Graphviz) and DAGitty: the whole grammar, subgraphs, chains, groups, ports, defaults and labels included.

Source: the DOT language, graphviz.org/doc/info/lang.html. pydot with networkx does not serve: ``from_pydot`` leaves out
what stands in a subgraph, and neither says on which line something is. DAGitty's dialect (Textor, van der Zander,
Gilthorpe, Liskiewicz and Ellison, "Robust causal inference using directed acyclic graphs: the R package 'dagitty'",
2016) writes ``dag { … }``, also knows ``<-``, and marks nodes with words such as ``[exposure]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from .dot_tokens import Token, tokens
from .draft import Draft, is_hidden

_ARROWHEADS = {"normal", "vee", "open", "empty", "halfopen", "onormal", "lnormal", "rnormal", "tee", "box", "diamond"}
_MARKS = {"exposure", "e", "outcome", "o", "adjusted", "a"}
_HIDDEN = {"latent", "l", "unobserved", "u"}
_SELECTED = {"selected", "s"}
_LABEL_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

Attributes = dict[str, Token | None]


def dagitty(text: str) -> bool:
    """Whether a text is DAGitty's dialect rather than DOT."""
    return bool(re.match(r"(?:\s+|//[^\n]*|/\*.*?\*/)*(?:dag|pdag|mag|pag)\b", text, re.DOTALL | re.IGNORECASE))


def read_dot(text: str, draft: Draft) -> None:
    """Read a file of one directed graph; refuses by line what makes no edge from cause to effect."""
    _Parser(text, draft).file()


@dataclass
class _Scope:
    """What holds inside a pair of braces: defaults, which are inherited, and the nodes that belong to it."""

    node: Attributes = field(default_factory=dict)
    edge: Attributes = field(default_factory=dict)
    members: dict[str, None] = field(default_factory=dict)
    named: dict[str, dict[str, None]] = field(default_factory=dict)


class _Parser:
    def __init__(self, text: str, draft: Draft):
        self.draft, self.dagitty = draft, dagitty(text)
        self.tokens = list(tokens(text, draft, dagitty=self.dagitty))
        self.at = 0
        self.created: set[str] = set()
        self.scopes = [_Scope()]

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, *operators: str) -> Token | None:
        return self.take() if self.next.type == "operator" and self.next.text in operators else None

    def expect(self, operator: str) -> Token:
        return self.accept(operator) or self.wrong(f"expected {operator!r}")

    def wrong(self, why: str) -> NoReturn:
        self.draft.fail(self.next.line, f"found {self.next.text!r}; {why}")

    def name(self) -> Token:
        """An identifier, the strings of ``"a" + "b"`` put together."""
        token = self.take() if self.next.names else self.wrong("expected a name")
        while token.type == "string" and self.accept("+"):
            token = Token("string", token.text + self.name().text, token.line)
        return token

    def file(self) -> None:
        if self.next.is_word("strict"):
            self.take()
        keywords = ("dag",) if self.dagitty else ("digraph",)
        if self.next.is_word("graph", "pdag", "mag", "pag"):
            keyword = self.next.text.lower()
            what = "undirected" if keyword == "graph" else f"a {keyword.upper()}, whose edges need not be causes"
            self.draft.fail(
                self.next.line, f"the graph is {what}; a causal graph has edges from cause to effect ({keywords[0]})"
            )
        if not self.next.is_word(*keywords):
            self.wrong(f"expected {keywords[0]!r}")
        self.take()
        if self.next.names:
            self.name()
        self.expect("{")
        self.statements()
        if self.next.type != "end":
            self.wrong("one file holds one graph")

    def statements(self) -> None:
        while not self.accept("}"):
            if self.next.type == "end":
                self.wrong("expected '}'")
            self.statement()
            while self.accept(";", *("," if self.dagitty else "")):
                pass

    def statement(self) -> None:
        if self.next.is_word("node", "edge", "graph"):
            which = self.take().text.lower()
            if not (self.next.type == "operator" and self.next.text == "["):
                self.wrong(f"expected '[' after {which!r}")
            defaults = self.attributes()
            if which != "graph":
                getattr(self.scopes[-1], which).update(defaults)
            return
        after = self.tokens[self.at + 1]
        if self.next.names and after.type == "operator" and after.text == "=":
            self.at += 2
            self.name()  # an attribute of the graph, such as rankdir=LR
            return
        first = self.next
        ends, arrows = [self.operand()], []
        while self.next.type == "operator" and re.search("-", self.next.text):
            arrows.append(self.arrow())
            ends.append(self.operand())
        attributes = self.attributes()
        if arrows:
            self.add_edges(ends, arrows, attributes)
        elif first.names and not first.is_word("subgraph"):
            for node in ends[0]:
                self.mark(first, node, attributes)
        elif attributes:
            self.draft.fail(first.line, "a subgraph takes no [attributes]")

    def arrow(self) -> Token:
        token = self.take()
        if token.text == "->" or (token.text == "<-" and self.dagitty):
            return token
        words = {"--": "an undirected edge", "<->": "a hidden common cause of both ends (<->)"}
        self.draft.fail(token.line, f"{token.text!r} is {words.get(token.text, 'no edge from cause to effect')}")

    def operand(self) -> list[str]:
        """The nodes at one end of an edge: one, some with commas between (DOT), or all of a group."""
        if self.next.is_word("subgraph") or (self.next.type == "operator" and self.next.text == "{"):
            return self.subgraph()
        nodes = [self.one_node()]
        while not self.dagitty and self.accept(","):
            nodes.append(self.one_node())
        return nodes

    def one_node(self) -> str:
        token = self.name()
        if token.type == "html":
            self.draft.fail(token.line, f"a node is named by the markup <{token.text}>; write a plain name")
        if token.is_word("node", "edge", "graph", "digraph", "strict"):
            self.draft.fail(token.line, f"{token.text!r} is a word of the language; quote it where it is a name")
        while self.accept(":"):  # where an edge is drawn to, which says nothing about causes
            self.name()
        node = self.draft.node(token.text, token.line)
        for scope in self.scopes:
            scope.members.setdefault(node)
        if node not in self.created:
            self.created.add(node)
            self.mark(token, node, self.scopes[-1].node)
        return node

    def subgraph(self) -> list[str]:
        outer, members = self.scopes[-1], {}
        if self.next.is_word("subgraph"):
            self.take()
            if self.next.names:
                members = outer.named.setdefault(self.name().text, {})  # opened again, it keeps what it had
        self.expect("{")
        self.scopes.append(_Scope(dict(outer.node), dict(outer.edge), members))
        self.statements()
        return list(self.scopes.pop().members)

    def attributes(self) -> Attributes:
        found: Attributes = {}
        while self.accept("["):
            while not self.accept("]"):
                key = self.name()
                if self.accept("="):
                    found[key.text.lower()] = self.name()
                elif self.dagitty:
                    found[key.text.lower()] = None
                    self.known_mark(key)
                else:
                    self.wrong(f"expected '=' after {key.text!r}")
                self.accept(",", ";")
        return found

    def known_mark(self, key: Token) -> None:
        if key.text.lower() not in _MARKS | _HIDDEN | _SELECTED:
            self.draft.fail(key.line, f"the mark [{key.text}] is not understood")

    def mark(self, token: Token, node: str, attributes: Mapping[str, Token | None]) -> None:
        """Note what a node's attributes say about it."""
        texts = {key: value.text.strip().lower() if value else "" for key, value in attributes.items()}
        if _HIDDEN & {key for key, value in attributes.items() if value is None} or is_hidden(texts):
            self.draft.fail(token.line, f"{node!r} is hidden (latent): every node needs a column of the table")
        if _SELECTED & {key for key, value in attributes.items() if value is None}:
            self.draft.fail(token.line, f"the rows are selected by {node!r}, which no model here accounts for")
        if "invis" in re.split(r"[\s,]+", texts.get("style", "")):
            self.draft.fail(token.line, f"the node {node!r} is invisible (style=invis): is it one?")
        if label := attributes.get("label"):
            text, why = _label(label, node, record="record" in texts.get("shape", ""))
            self.draft.label(node, text, label.line, unusable=why)

    def add_edges(self, ends: list[list[str]], arrows: list[Token], attributes: Attributes) -> None:
        drawn = {key: value.text.strip().lower() for key, value in (self.scopes[-1].edge | attributes).items() if value}
        for left, arrow, right in zip(ends, arrows, ends[1:], strict=False):
            self.one_way(drawn, arrow, f"{_group(left)} {arrow.text} {_group(right)}")
            causes, effects = (right, left) if arrow.text == "<-" else (left, right)
            if not causes or not effects:
                self.draft.fail(arrow.line, "one end of the edge is a group without nodes")
            for cause in causes:
                for effect in effects:
                    self.draft.edge(cause, effect, arrow.line)
            for ignored in {"weight", "beta"} & set(drawn):
                self.draft.note(f"edges have the attribute {ignored!r}, which is ignored", arrow.line)

    def one_way(self, drawn: Mapping[str, str], arrow: Token, what: str) -> None:
        """Refuse an edge that is drawn otherwise than with one head at its end."""
        if drawn.get("dir", "forward") != "forward":
            self.draft.fail(arrow.line, f"{what} is drawn with dir={drawn['dir']}: write it from cause to effect")
        if drawn.get("arrowhead", "normal") not in _ARROWHEADS:
            self.draft.fail(arrow.line, f"{what} is drawn with arrowhead={drawn['arrowhead']}: is it a cause?")
        if "invis" in re.split(r"[\s,]+", drawn.get("style", "")):
            self.draft.fail(arrow.line, f"{what} is invisible (style=invis): is it an edge?")
        for end in {"lhead", "ltail"} & set(drawn):
            self.draft.fail(arrow.line, f"{what} is drawn to a cluster ({end}): write the nodes that it means")


def _group(nodes: list[str]) -> str:
    return repr(nodes[0]) if len(nodes) == 1 else "{" + ", ".join(map(repr, nodes)) + "}"


def _label(token: Token, node: str, *, record: bool) -> tuple[str, str]:
    """A label's text and, where it is no name, why."""
    if token.type == "html":
        return token.text, f"the label of {node!r} is markup"
    if record and re.search(r"(?<!\\)[|{}<>]", token.text):
        return token.text, f"the label of {node!r} is a record with fields"
    if re.search(r"(?<!\\)(?:\\\\)*\\[nlrGTH]", token.text) or "\n" in token.text:
        return token.text, f"the label of {node!r}, {token.text!r}, is more than a name on one line"
    return _LABEL_ESCAPE.sub(lambda m: node if m[1] == "N" else m[1], token.text), ""
