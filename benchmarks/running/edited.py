"""Records that outside code made before it was edited, which have another digest: told where they would be wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..records.record import Identity, digest
from ..records.staleness import LISTED
from ..records.store import Store
from .planner import Trial

HEAD = 1 << 14
"""Characters of a record's file in which its identity is looked for: it comes first, before the scores."""

_FIRST = re.compile(r'\{"schema":\d+,"identity":')


def told(lacking: Iterable[Trial], store: Store) -> str:
    """A line on records that differ from these, which the store lacks, in the digest of outside code alone.

    Such code is a model, a world or a metric that is no part of scmbench. Empty where there are none.
    """
    wanted = {_but_source(vars(one.identity)): one for one in lacking if one.identity.source}
    if not wanted:
        return ""
    found = [one for identity in _identities(store) if (one := wanted.get(_but_source(identity)))]
    if not found:
        return ""
    methods = list(dict.fromkeys(one.entry.title for one in found))
    more = f" and {len(methods) - LISTED} more" if len(methods) > LISTED else ""
    what = "1 record of another digest exists" if len(found) == 1 else f"{len(found)} records of another digest exist"
    whose = f"{', '.join(methods[:LISTED])}{more}"
    return f"{what} ({whose}): outside code was edited since; they stay, and count again where it is as it was"


def _but_source(identity: Mapping[str, Any]) -> str:
    return digest({name: value for name, value in identity.items() if name != "source"})


def _identities(store: Store) -> Iterator[dict[str, Any]]:
    """The identities of all records of a store, off the beginnings of their files; what is none is passed over."""
    for key in store.there():
        identity = _identity(store.path(key))
        if set(identity) == set(Identity.__annotations__) and digest(identity)[:32] == key:
            yield identity


def _identity(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(HEAD)
        begun = _FIRST.match(head)
        found = json.JSONDecoder().raw_decode(head, begun.end())[0] if begun else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
