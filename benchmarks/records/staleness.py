"""Numbers that other code made than there is today: which records, and in what their code differs.

A record keeps under ``code``, in its provenance, digests of the method, the world and the questions that made it:
``method 1f0c…, world 77ab…, questions 02d9…``. Where today's differ it is called stale: its key still holds, since no
version integer was counted up, but nobody has seen that today's code gives these numbers. Records from before codes
were kept are never stale; nothing is known of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from . import taken

MARK = "¶"
"""Stands in tables beside what other code made."""

LISTED = 5
"""Methods that a line names."""


def text(**parts: str) -> str:
    """Digests by part, as a record keeps them.

    >>> text(method="1f0c", world="77ab")
    'method 1f0c, world 77ab'
    """
    return ", ".join(f"{name} {digest}" for name, digest in parts.items())


def differing(made: str, today: str) -> str:
    """The parts in which the code that made a record differs from today's; empty where none does, or it is not known.

    >>> differing("method 1f0c, world 77ab", "method 2e4d, world 77ab")
    'method'
    """
    if not made or not today or made == today:
        return ""
    before, now = _parts(made), _parts(today)
    return ", ".join(name for name in now if now[name] != before.get(name)) or "code"


def _parts(code: str) -> dict[str, str]:
    return {name: digest for name, _, digest in (part.partition(" ") for part in code.split(", "))}


def told(stale: Iterable[tuple[str, str]]) -> str:
    """Methods and the parts in which the code of their records differs, each once: ``dcm, anm: method, questions``.

    >>> told([("dcm", "method"), ("anm", "method, questions"), ("dcm", "method")])
    'dcm, anm: method, questions'
    """
    pairs = list(stale)
    methods = list(dict.fromkeys(method for method, _ in pairs))
    parts = dict.fromkeys(part for _, differs in pairs for part in differs.split(", "))
    more = f" and {len(methods) - LISTED} more" if len(methods) > LISTED else ""
    return f"{', '.join(methods[:LISTED])}{more}: {', '.join(parts)}"


def of(provenance: pd.DataFrame) -> pd.DataFrame:
    """The records that other code made; none where nobody has looked, as in a committed run."""
    if "stale" not in provenance.columns:
        return provenance.iloc[:0]
    return provenance[provenance["stale"].fillna("") != ""]


def unknown(provenance: pd.DataFrame) -> int:
    """How many records do not tell what code made them; those taken from another run tell their commit."""
    own = provenance[~taken.is_marked(provenance)]
    return int((own["code"].fillna("") == "").sum()) if "code" in own.columns else 0


def older(count: int) -> str:
    """What is said of so many records that do not tell it."""
    what = "1 record is" if count == 1 else f"{count} records are"
    return f"{what} older than the digests of code: whether today's code gives the same numbers is not known."
