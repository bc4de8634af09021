"""Runs that share a store share its work: what one of them has claimed, another leaves alone and waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from rich.console import Console

from ..records.claims import claiming
from ..records.store import Store, StoreError
from .engine import Done, Engine
from .planner import Batch


@contextmanager
def claimed(store: Store, before: Mapping[str, tuple[int, int] | None]) -> Iterator[None]:
    """A block in which what this run computes is claimed, so that another run on the store leaves it alone."""
    with ExitStack() as stack:
        try:
            store.claims = stack.enter_context(claiming(store.folder, before))
        except OSError as error:
            raise StoreError(f"cannot write in {store.folder}: {error.strerror or error}") from error
        stack.callback(setattr, store, "claims", None)
        yield


def settled(
    batches: Sequence[Batch], store: Store, engine: Engine, console: Console, every: float = 2.0
) -> Iterator[Done]:
    """Batches that are over, here or in another run that computes the same; its share is awaited, or taken over."""
    assert store.claims
    pending, claims, told = list(batches), store.claims, False

    def lacking(batch: Batch) -> list[str]:
        return [t.key for t in batch.trials if store.stamp(t.key) == claims.before.get(t.key)]

    while pending:
        others = list[Batch]()
        for done in engine(pending, store):
            if not done.trouble and any(map(store.elsewhere, lacking(done.batch))):
                others.append(done.batch)
            else:
                yield done
            claims.release(trial.key for trial in done.batch.trials)
        pending = []
        while others and not pending:
            if not told:
                count = sum(len(lacking(batch)) for batch in others)
                console.print(f"another run computes {count} of these records now: waiting for them")
                told = True
            _wait(every)
            looked = [(batch, lacking(batch)) for batch in others]
            others = [batch for batch, keys in looked if any(map(store.elsewhere, keys))]
            over = [(batch, keys) for batch, keys in looked if not any(batch is other for other in others)]
            yield from (Done(batch) for batch, keys in over if not keys)
            pending = [batch for batch, keys in over if keys]
        pending += others


def _wait(seconds: float) -> None:
    time.sleep(seconds)
