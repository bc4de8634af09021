"""Text for a terminal: whatever users, files and methods put into a message, it is one line and obeys nothing."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence

_BREAK = re.compile(r"\s*[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


def one_line(text: str) -> str:
    """`text` on one line: what breaks lines, with the white space around it, is a blank; the unseen is spelled out.

    >>> one_line("a folder\\n called \\x1b[31mred")
    'a folder called \\\\x1b[31mred'
    """
    return printable(_BREAK.sub(" ", text.strip()))


def printable(text: str) -> str:
    """`text` with control characters (but for line ends) and lone surrogates as escapes: a terminal obeys the former,
    no encoding has the latter."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\u00a0" else c.encode("unicode_escape").decode() for c in text)


def unusable(words: Sequence[str]) -> str | None:
    """What is wrong with words of a command line that can be no text and no path; None where nothing is."""
    for word in words:
        if "\0" in word:
            return f"the argument {word!r} holds the character NUL, which no name has"
        try:
            os.fsencode(word)
        except UnicodeEncodeError:
            return f"the argument {word!r} is no text: it holds half of a surrogate pair"
    return None


def write_anything() -> None:
    """Let the streams spell out what their encoding lacks, so that no message is lost to a terminal's settings."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
