"""What a batch is at: told by the process that computes it to the run that waits, in a small file beside its claims.

A file reaches over processes, machines of a cluster and engines alike. It is a nicety: one that cannot be written or
read tells nothing, and nothing fails.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from scmbench.models.training.progress import listening

from ..records.claims import AT
from ..records.store import Store
from .planner import Batch

EVERY = 1.0
"""Seconds between two words at least."""

FEW = 4
"""Batches of which each is told how far it is; of more, names alone fit on a line."""


@contextmanager
def telling(batch: Batch, store: Store) -> Iterator[None]:
    """A block in which what trainings and questions of a batch are at is told, where a run has claimed it."""
    path, last = _path(batch, store), -EVERY
    if path is None:
        yield
        return

    def tell(unit: str, done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if of > 1 and now - last >= EVERY:
            last = now
            with suppress(OSError):
                path.write_text(f"{done} {of} {unit}", encoding="utf-8")

    try:
        with listening(tell):
            yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def stage(batch: Batch, store: Store) -> str:
    """``12 of 44 networks``, ``700 of 1,400 steps``, ``3 of 21 questions``; empty where nothing was told."""
    path = _path(batch, store)
    if path is None:
        return ""
    try:
        done, of, unit = path.read_text(encoding="utf-8").split(" ", 2)
        return f"{int(done):,} of {int(of):,} {unit}"
    except (OSError, ValueError):
        return ""


def running(left: Iterable[Batch], store: Store, workers: int) -> list[str]:
    """What is computed now of the batches that are left, each name once, and how far it is where there are few.

    Batches are taken up in their order, so that it is the first `workers` of those that are not another run's:
    ``["dcm (12 of 44 networks)", "vaca"]``.
    """
    now = list(islice((b for b in left if not store.elsewhere(b.fits[0].trials[0].key)), workers))
    far = {id(batch): stage(batch, store) if len(now) <= FEW else "" for batch in now}
    return list(dict.fromkeys(f"{b.entry.title} ({far[id(b)]})" if far[id(b)] else b.entry.title for b in now))


def _path(batch: Batch, store: Store) -> Path | None:
    """The file, named after the run and the batch's first record."""
    if store.claims is None:
        return None
    return store.claims.folder / f"{store.claims.run}-{batch.fits[0].trials[0].key}{AT}"
