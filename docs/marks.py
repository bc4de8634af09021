"""Tables that are generated into a page, between two marks that readers do not see."""

from __future__ import annotations

import re


def put(text: str, start: str, end: str, body: str) -> str:
    """The text with `body` between its marks. Raises `ValueError` for one that does not have them once."""
    found = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.S)
    if len(found.findall(text)) != 1:
        raise ValueError(f"expected the marks {start.strip()!r} and {end.strip()!r}, once, around the table")
    return found.sub(lambda _: f"{start}{body}{end}", text)
