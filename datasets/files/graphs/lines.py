"""The lines of an edge list: quoted names set aside, comments taken off; and what may be a name without quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .draft import Draft

MASK = "\0"
"""Stands in a line's text for a quoted name, so that what is in quotes divides nothing."""

_ARROWS = "->", "<-", "=>", "<=", "--", "→", "←", "↔", "⇒", "⟶", "⟵", "~", ";", "|", '"', ": ", " + "
_NUMBERED = re.compile(r"\d+[.)]\s")
_WEIGHT = re.compile(r".*\s[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_ATTRIBUTES = re.compile(r".*\[[^\]]*=[^\]]*\]|\{.*|.*\}")


@dataclass
class Line:
    """A line's number, its text with `MASK` for every quoted name, those names in order, and its comment."""

    number: int
    text: str = ""
    quoted: list[str] = field(default_factory=list)
    comment: str = ""

    @property
    def shown(self) -> str:
        """The text as a message shows it, in quotes."""
        names = iter(self.quoted)
        return repr("".join(f'"{next(names)}"' if c == MASK else c for c in self.text.strip()))

    def split(self, separator: str | None) -> list[Part]:
        """The parts between separators (None: blanks)."""
        names = iter(self.quoted)
        parts = [part.strip() for part in self.text.split(separator)]
        return [Part(part, [next(names) for _ in range(part.count(MASK))]) for part in parts]


@dataclass
class Part:
    """What stands between separators."""

    text: str
    quoted: list[str]

    def plain(self) -> str:
        """The text, without quotes and unchecked."""
        return self.quoted[0] if self.text == MASK else self.text

    def name(self, line: Line, draft: Draft) -> str:
        """The name that it is. Refuses, by line, one without quotes that looks like more than a name."""
        if self.text == MASK:
            return self.quoted[0]
        if MASK in self.text:
            draft.fail(line.number, f"{line.shown}: quote a name as a whole, or not at all")
        if not self.text:
            draft.fail(line.number, f"{line.shown} is no edge; write cause -> effect")
        return bare_name(self.text, line.number, draft)


def bare_name(text: str, line: int, draft: Draft) -> str:
    """A name without quotes, as it is. Refuses, by line, one that looks like more than a name."""
    arrow = next((a for a in _ARROWS if a in text), None)
    if arrow or text[0] in "<>-=" or text[-1] in "<>-=":
        what = f"it holds {arrow!r}" if arrow else "it begins or ends with one of < > - ="
        draft.fail(line, f"{text!r} is no name without quotes: {what}; write cause -> effect")
    if _NUMBERED.match(text) or _WEIGHT.fullmatch(text) or _ATTRIBUTES.fullmatch(text):
        draft.fail(line, f"{text!r} is no name alone; quote it where it is one, else write a -> b")
    return text


def read_lines(text: str, draft: Draft) -> list[Line]:
    """The lines that say something. Refuses an open quote, and ``#`` where it may be a comment or part of a name.

    A quote opens a name at the beginning of a line or after a blank, a separator or an arrow; doubled, it stands for
    itself. A comment is a line that starts with ``#``, or follows a ``#`` that has blanks on both sides.
    """
    lines = [Line(1)]
    at, number = 0, 1
    while at < len(text):
        line, character = lines[-1], text[at]
        before = text[at - 1] if at else "\n"
        if character == "\n":
            number += 1
            lines.append(Line(number))
        elif character == "#":
            end = text.find("\n", at) if "\n" in text[at:] else len(text)
            if line.text.strip() and not (before.isspace() and text[at + 1 : at + 2].strip() == ""):
                draft.fail(number, f"'#' in {text[at - len(line.text) : end]!r}: quote the name, or write ' # '")
            line.comment = text[at + 1 : end]
            at = end
            continue
        elif character in "\"'" and (before.isspace() or before in ",;>"):
            name, at = _quoted(text, at, number, draft)
            line.text += MASK
            line.quoted.append(name)
            number += name.count("\n")
            continue
        else:
            line.text += character
        at += 1
    for line in lines:
        if line.comment and line.text.strip() and "->" in line.comment and "->" not in line.text:
            draft.fail(line.number, f"{line.shown} stands before a # and an arrow: quote a name that holds #")
    return [line for line in lines if line.text.strip()]


def _quoted(text: str, at: int, number: int, draft: Draft) -> tuple[str, int]:
    """The name in the quotes that open at a place, and the place after them."""
    mark = text[at]
    match = re.compile(f"{mark}((?:[^{mark}]|{mark}{mark})*){mark}").match(text, at)
    if not match:
        draft.fail(number, f"{text[at:].splitlines()[0]!r}: the quote is open")
    if mark == "'" and "\n" in match[1]:
        draft.fail(number, f"{text[at:].splitlines()[0]!r}: the quote is open")
    return match[1].replace(mark * 2, mark), match.end()
