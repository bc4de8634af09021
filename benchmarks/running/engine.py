"""Engines run batches: a pool of spawned processes with a time limit a batch, or this process for debugging."""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from functools import partial

import psutil
from pebble import ProcessExpired, ProcessPool

from ..records.store import Store, StoreError
from .planner import Batch
from .worker import Prepare, run_batch, without_scores

Engine = Callable[[Sequence[Batch], Store], "Iterator[Done]"]


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
    """Run every batch in this process: no time limit, the debugger works; see `run_batch` for the options."""
    for batch in batches:
        run_batch(batch, store, device=device, threads=threads, prepare=prepare)
        yield Done(batch)


def pool(
    batches: Sequence[Batch],
    store: Store,
    *,
    workers: int | None = None,
    time_limit: float = 3600.0,
    memory_limit: float | None = None,
    device: str | None = None,
) -> Iterator[Done]:
    """Run the batches in spawned processes, one thread each, as they become free.

    A batch that exceeds `time_limit` seconds, crashes or is killed costs itself only: those of its records that were
    not finished are written as failures that say so, and the pool goes on with a new process. With a `memory_limit`, a
    fit or query that needs more GB than that beside what a process starts with gets a `MemoryError` instead of taking
    the machine along. Processes end with the one that started them. Raises `StoreError` where a worker could not write
    its records (a full disk would make every further batch fail alike).
    """
    limit_math_libraries()
    with ProcessPool(
        max_workers=workers or os.cpu_count() or 1,
        initializer=_settle_in,
        initargs=(os.getpid(), memory_limit),
        context=multiprocessing.get_context("spawn"),
    ) as running:
        futures = {
            running.schedule(run_batch, args=(batch, store), kwargs={"device": device}, timeout=time_limit): batch
            for batch in batches
        }
        try:
            while futures:
                finished, _ = wait(futures, return_when=FIRST_COMPLETED)
                for future in [f for f in futures if f in finished]:
                    batch = futures.pop(future)
                    yield Done(batch, _settle(future.exception(), batch, store, time_limit))
        finally:
            running.stop()


def named(
    name: str, *, workers: int, time_limit: float = 3600.0, memory_limit: float | None = None, device: str | None = None
) -> tuple[Engine, int]:
    """The engine ``pool`` or ``inline`` with these limits, and how many processes it keeps busy.

    Of the limits, `inline` has none: it is this process.
    """
    if name == "inline":
        return partial(inline, device=device), 1
    limits = {"time_limit": time_limit, "memory_limit": memory_limit}
    return partial(pool, workers=workers, device=device, **limits), workers


def limit_math_libraries() -> None:
    """One thread for the math libraries of processes started from here; they read it once, when they are loaded."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def _settle_in(parent: int, memory_limit: float | None) -> None:
    """In a new worker process: bound its address space, and watch over the process that started it."""
    if memory_limit is not None:
        allowed = psutil.Process().memory_info().vms + int(memory_limit * 1e9)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)  # a killed command would otherwise leave a hanging fit behind for ever

    threading.Thread(target=watch, daemon=True).start()


def _settle(error: BaseException | None, batch: Batch, store: Store, time_limit: float) -> str:
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
        if store.read(trial.identity.key) is None:
            store.write(without_scores(trial, "failed", trouble))
    return trouble
