"""Models and options as they are written on a command line: ``my.pkg:Mine,width=64,layers=[32,32],label=mine``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
"""A comma outside of quotes."""


def split(spec: str) -> tuple[str, dict[str, Any]]:
    """A model's name and its options. Raises `ValueError` for a part that is not ``option=value``.

    >>> split("my.pkg:Mine,width=64,layers=[32,32]")
    ('my.pkg:Mine', {'width': 64, 'layers': [32, 32]})
    """
    name, *assignments = re.split(r",(?![^\[]*\])", spec)
    return name.strip(), parse(assignments)


def parse(assignments: Iterable[str]) -> dict[str, Any]:
    """Assignments such as ``ridge=0.1`` as plain values. Raises `ValueError` for other text, or an option twice."""
    options: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{assignment!r} is not option=value")
        if key.strip() in options:
            raise ValueError(f"the option {key.strip()!r} is given twice")
        options[key.strip()] = literal(value.strip())
    return options


def literal(text: str) -> Any:
    """The number, boolean, None or list that a text spells, otherwise the text itself; what is in quotes is a text.

    >>> [literal(t) for t in ("64", "1e-3", "true", "none", "[1, 2.5]", "code", '["w, z, x, y"]')]
    [64, 0.001, True, None, [1, 2.5], 'code', ['w, z, x, y']]
    """
    if text.startswith("[") and text.endswith("]"):
        return [literal(part.strip()) for part in re.split(_COMMA, text[1:-1]) if part.strip()]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)
