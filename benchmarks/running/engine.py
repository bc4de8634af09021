"""Engines run batches: a pool of spawned processes with a time limit a batch, or this process for debugging.

A third one, for clusters, is in `cluster.py`; `engines.py` chooses by name.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures import TimeoutError as Late
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from ..records.store import Store, StoreError
from .guardian import guarded
from .hosts import is_secluded
from .outside import NURSERY
from .planner import Batch
from .processes import Strays, limit_math_libraries, settle_in
from .worker import Prepare, run_batch, without_scores

Engine = Callable[[Sequence[Batch], Store], "Iterator[Done]"]

TIME_LIMIT = 3600.0
"""Seconds that a batch may take, where neither the user nor the suite says otherwise."""

TRIES = 5
"""How often in a row a pool is started whose processes end before one of them has finished a batch."""


class WorkersEnd(ChildProcessError):
    """Worker processes end before they have taken a batch, again and again."""


@dataclass(frozen=True)
class Done:
    """A batch that is over; `trouble` says why where it did not end by itself (time limit, crash)."""

    batch: Batch
    trouble: str = ""


def inline(
    batches: Sequence[Batch],
    store: Store,
    *,
    device: str | None = None,
    threads: int = 1,
    prepare: Prepare | None = None,
) -> Iterator[Done]:
    """Run every batch in this process: no time limit, the debugger works; see `run_batch` for the options.

    Models from outside have a process of their own here too, where `breakpoint()` works.
    """
    with guarded():
        for batch in batches:
            run_batch(batch, store, device=device, threads=threads, prepare=prepare)
            yield Done(batch)


def pool(
    batches: Sequence[Batch],
    store: Store,
    *,
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
    memory_limit: float | None = None,
    device: str | None = None,
) -> Iterator[Done]:
    """Run the batches in spawned processes, one thread each, as they become free; no more processes than batches.

    A batch that exceeds `time_limit` seconds, crashes or is killed costs itself only: those of its records that were
    not finished are written as failures that say so, and the pool goes on with a new process. With a `memory_limit`, a
    fit or query that needs more GB than that beside what a process starts with gets a `MemoryError` instead of taking
    the machine along. Processes end with the one that started them, even where that is killed, and what an adapter
    started ends with its own (`guardian` says what escapes).

    A process that ends before it has taken a batch (killed, or short of memory while it starts) is no batch's fault:
    nothing is written, and the pool starts anew with half as many processes. Raises `WorkersEnd` where that happens
    `TRIES` times without a batch between, and `StoreError` where a worker could not write its records (a full disk
    would make every further batch fail alike).
    """
    limit_math_libraries()
    count = max(1, min(workers or os.cpu_count() or 1, len(batches)))
    left, tries = list(batches), 0
    resource_tracker.ensure_running()  # before what is started bears the guardian's mark: it tidies up last
    work = partial(_schedule, store=store, device=device, time_limit=time_limit)
    with guarded(), Strays() as strays:
        while left:
            before = {trial.key: store.stamp(trial.key) for batch in left for trial in batch.trials}
            over = set[int]()
            with _started(count, memory_limit, any(is_secluded(batch.entry) for batch in left)) as running:
                try:
                    for batch, error in _finished(running, left, work, 2 * count):
                        over.add(id(batch))
                        tries = 0
                        yield Done(batch, settle(error, batch, store, time_limit, before))
                        if error is not None:
                            strays.end()
                except BrokenProcessPool:
                    tries += 1
                finally:
                    running.stop()
            left = [batch for batch in left if id(batch) not in over]
            if left and tries >= TRIES:
                raise WorkersEnd(
                    f"worker processes end before they have taken a batch, {tries} times in a row: killed, or short of "
                    "memory? Nothing was written for them; try fewer (--workers) or none (--engine inline)"
                )
            if left:
                count = max(1, count // 2)
                time.sleep(0.2 * tries)


def _started(count: int, memory_limit: float | None, secluding: bool) -> ProcessPool:
    return ProcessPool(
        max_workers=count,
        initializer=_begin,
        initargs=(os.getpid(), memory_limit, secluding),
        context=multiprocessing.get_context("spawn"),
    )


def _begin(parent: int, memory_limit: float | None, secluding: bool) -> None:
    """What a new process does first. It is of this module, so that all code is there before memory is bounded."""
    settle_in(parent, memory_limit)
    if secluding:  # now, since no batch's time limit runs yet
        NURSERY.ready()


def _schedule(
    running: ProcessPool, batch: Batch, *, store: Store, device: str | None, time_limit: float
) -> ProcessFuture:
    return running.schedule(run_batch, args=(batch, store), kwargs={"device": device}, timeout=time_limit)


def _finished(
    running: ProcessPool, batches: Sequence[Batch], work: Callable[..., ProcessFuture], ahead: int
) -> Iterator[tuple[Batch, BaseException | None]]:
    """Batches as they end, and with what. Raises `BrokenProcessPool` where processes end that have none.

    Few are handed out `ahead`, so that thousands that wait cost nothing.
    """
    waiting, futures = iter(batches), dict[ProcessFuture, Batch]()
    while True:
        for batch in waiting:
            try:
                futures[work(running, batch)] = batch
            except RuntimeError as error:  # the pool broke between two of our looks
                raise BrokenProcessPool from error
            if len(futures) >= ahead:
                break
        if not futures:
            return
        over, _ = wait(futures, return_when=FIRST_COMPLETED)
        ended = {future: future.exception() for future in futures if future in over}
        for future, error in ended.items():  # what did end counts, even where the pool broke at the same time
            if not isinstance(error, BrokenProcessPool):
                yield futures[future], error
        for future, error in ended.items():
            if isinstance(error, BrokenProcessPool):
                raise error
            del futures[future]


def settle(
    error: BaseException | None,
    batch: Batch,
    store: Store,
    time_limit: float,
    before: Mapping[str, tuple[int, int] | None],
) -> str:
    """What to say of a batch that ended with this error; those of its records that are not new become failures."""
    if error is None:
        return ""
    if isinstance(error, StoreError):
        raise error
    if isinstance(error, Late | TimeoutError):
        trouble = f"exceeded the time limit of {time_limit:g} s for its batch of {batch.size} mechanisms"
    elif isinstance(error, ProcessExpired):
        trouble = f"its process died (exit code {error.exitcode}): killed, out of memory, or a crash in native code"
    else:
        trouble = f"{type(error).__name__}: {error}"
    for trial in batch.trials:
        if store.stamp(trial.key) == before[trial.key] and not store.elsewhere(trial.key):
            store.write(without_scores(trial, "failed", trouble))
    return trouble
