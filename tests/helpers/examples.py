"""Words and files to fuzz with, and how many of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TOKENS = (
    "", " ", "\t", "\n", "\r", "\0", "\x1b[31m", "\x7f", "\u2028", "\ufeff", "\u202e", "é", "e\u0301", "中", "🙂",
    "\ud800", "\udcff", "[red]", "[/]", "[link=x]", "<script>", "&lt;", "$x^{$", "\\", "\\input{x}", "%", "%s", "{0}",
    "{", "}", "=1+1", "+1", "-", "--", "-x", "@x", "'", '"', "`", "|", "a|b", ";", ",", "#", "*", "_", "~", "^", "None",
    "nan", "inf", "-0", "1e400", "9" * 30, "0x1", "true", "[]", "[1", "../..", "/", ".", "con", "x" * 5000, "x1", "x2",
)  # fmt: skip
"""What has broken programs before: white space, control and combining characters, markup, formulas, numbers, paths."""

_SHARED: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
settings.register_profile("fuzz-short", derandomize=True, **_SHARED)
settings.register_profile("fuzz-long", derandomize=False, **_SHARED)

hostile = st.sampled_from(TOKENS) | st.text(max_size=12)


def examples(short: int) -> Callable[[Any], Any]:
    """So many examples in every test run, ten times as many of the long profile."""

    def decorate(test: Any) -> Any:
        long = settings.get_current_profile_name() == "fuzz-long"
        profile = settings.get_profile("fuzz-long" if long else "fuzz-short")
        return settings(profile, max_examples=10 * short if long else short)(test)

    return decorate


@st.composite
def edited_text(draw: st.DrawFn, text: str) -> bytes:
    """A text file with one to three edits: words and lines replaced, doubled, dropped, moved, cut off; or its bytes."""
    for _ in range(draw(st.integers(1, 3))):
        by_line = draw(st.booleans())
        parts = text.splitlines(keepends=True) if by_line else re.findall(r"[\w.+-]+|\s+|.", text)
        if not parts:
            break
        i, j = (draw(st.integers(0, len(parts) - 1)) for _ in range(2))
        how = draw(st.sampled_from(["replace", "replace", "insert", "drop", "double", "swap", "cut", "number"]))
        if how == "replace":
            parts[i] = draw(hostile) + ("\n" if by_line else "")
        elif how == "insert":
            parts.insert(i, draw(hostile) + ("\n" if by_line else ""))
        elif how == "drop":
            del parts[i]
        elif how == "double":
            parts.insert(i, parts[j])
        elif how == "swap":
            parts[i], parts[j] = parts[j], parts[i]
        elif how == "cut":
            del parts[i:]
        else:
            parts[i] = draw(st.integers() | st.floats()).__repr__()
        text = "".join(parts)
    content = text.encode("utf-8", "surrogatepass")
    return draw(st.just(content) | edited_bytes(content)) if draw(st.integers(0, 9)) == 0 else content


@st.composite
def edited_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with one stretch of its bytes replaced."""
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    return content[:at] + draw(st.binary(max_size=4)) + content[at + draw(st.integers(0, 4)) :]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | hostile
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3), max_leaves=5
)


def places(x: Any, path: tuple[Any, ...] = ()) -> Any:
    """Every place in a JSON value."""
    yield path
    items = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@st.composite
def edited_json(draw: st.DrawFn, content: Any) -> Any:
    """A JSON value with one to two places replaced, removed, renamed or filled."""
    content = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 2))):
        if not (there := [path for path in places(content) if path]):
            return draw(JSON)
        *way, last = draw(st.sampled_from(there))
        holder = content
        for key in way:
            holder = holder[key]
        how = draw(st.sampled_from(["replace", "replace", "remove", "add", "move"]))
        if how == "replace":
            holder[last] = draw(JSON)
        elif how == "remove":
            del holder[last]
        elif isinstance(holder, dict):
            holder[draw(hostile)] = holder.pop(last) if how == "move" else draw(JSON)
        else:
            holder.insert(last, draw(JSON))
    return content
