"""The words of DOT and of DAGitty's dialect of it, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .draft import Draft

_SPACE = re.compile(r"\s+|//[^\n]*|/\*.*?\*/", re.DOTALL)
_PREPROCESSOR = re.compile(r"#[^\n]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NUMERAL = re.compile(r"-?(?:\.\d+|\d+(?:\.\d*)?)")
_WORD = re.compile(r"[^\W\d]\w*")
_DAGITTY_WORD = re.compile(r"[\w.]+")
_OPERATOR = re.compile(r"[<@]?-[->@]|<-|@|[{}\[\];,=:+]")


@dataclass(frozen=True)
class Token:
    """`type` is ``name`` (a bare word), ``string`` (quoted), ``html`` or ``operator``; ``end`` closes the file."""

    type: str
    text: str
    line: int

    @property
    def names(self) -> bool:
        """Whether it can name something."""
        return self.type in ("name", "string", "html")

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, which have no case and no quotes."""
        return self.type == "name" and self.text.lower() in words


def tokens(text: str, draft: Draft, *, dagitty: bool) -> Iterator[Token]:
    """The tokens of a file, ``end`` last. Refuses, by line, what starts no token."""
    at, line = 0, 1
    word = _DAGITTY_WORD if dagitty else _WORD
    while at < len(text):
        start = text.rfind("\n", 0, at) + 1
        space = _SPACE.match(text, at) or (_PREPROCESSOR.match(text, at) if not text[start:at].strip() else None)
        if space:
            line += space[0].count("\n")
            at = space.end()
            continue
        if text[at] == "<" and not dagitty:
            if text.startswith(("<-", "<="), at):
                draft.fail(line, f"{text[at : at + 3].strip()!r} is no edge of DOT; write cause -> effect")
            token = Token("html", _html(text, at, line, draft), line)
            yield token
            line += token.text.count("\n")
            at += len(token.text) + 2
            continue
        if quoted := _QUOTED.match(text, at):
            yield Token("string", quoted[1].replace("\\\n", "").replace('\\"', '"'), line)
            found = quoted
        elif found := word.match(text, at) or _NUMERAL.match(text, at):
            if word.match(text, found.end()):
                rest = text[at : found.end() + 12].split()[0]
                draft.fail(line, f"{rest!r} is neither a word nor a number; quote it")
            yield Token("name", found[0], line)
        elif found := _OPERATOR.match(text, at):
            yield Token("operator", found[0], line)
        else:
            shown = text[at : at + 20].split("\n")[0]
            draft.fail(line, f"{shown!r} is not understood" + (", is a quote open?" if text[at] == '"' else ""))
        line += found[0].count("\n")
        at = found.end()
    yield Token("end", "the end of the file", line)


def _html(text: str, at: int, line: int, draft: Draft) -> str:
    """What stands between the ``<`` at a place and the ``>`` that closes it."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"<": 1, ">": -1}.get(text[i], 0)
        if not depth:
            return text[at + 1 : i]
    draft.fail(line, "'<' opens a text that no '>' closes")
