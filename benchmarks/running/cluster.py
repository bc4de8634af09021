"""An engine for clusters: batches are tasks of a Dask scheduler, whose workers run each as `engine.pool` does.

Dask ("Dask: Parallel computation with blocked algorithms and task scheduling", Rocklin, 2015) brings the machines
together, be they processes here, jobs of Slurm or pods of Kubernetes; time limits, memory limits and what is written of
a batch that fails are the pool's own. All machines see the store in one folder, which claims and records need.
"""

from __future__ import annotations

import logging
import multiprocessing
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scmbench.datasets.errors import UserError

from ..records.store import Store
from . import engine
from .planner import Batch

if TYPE_CHECKING:
    from distributed import Client

AHEAD = 4
"""Tasks that wait for a worker, so that none is idle; the rest wait here, where they cost nothing."""

PATIENCE = 20.0
"""Seconds that a scheduler has to answer. Workers may come later: many clusters start them as tasks wait."""

ADDRESS = re.compile(r"(?:tcp|tls|wss?|ucx)://(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", re.ASCII)


class ClusterError(UserError, ConnectionError):
    """There is no Dask, its scheduler cannot be reached or is gone, or its workers do not see the store."""


def cluster(
    batches: Sequence[Batch],
    store: Store,
    *,
    scheduler: str | None = None,
    workers: int = 1,
    time_limit: float = engine.TIME_LIMIT,
    memory_limit: float | None = None,
    device: str | None = None,
) -> Iterator[engine.Done]:
    """Run the batches on the workers of the Dask scheduler at this address.

    Without an address, Dask starts `workers` processes here, no more than there are batches. Each batch has a
    process of its own beside the Dask worker that took it, with one thread and the limits of `engine.pool`. A worker
    that dies is replaced, or its batch goes to another; a batch under which workers die again and again fails alone.
    Workers may come and go while a run goes on.

    Raises `ClusterError` where the scheduler cannot be reached, or is gone before all is over: what is finished is in
    the store by then, and the same command goes on from there.
    """
    limits = {"time_limit": time_limit, "memory_limit": memory_limit, "device": device}
    if not batches:
        return
    count = max(1, min(workers, len(batches)))
    with _connected(scheduler, count) as client, _marked(store) as mark:
        yield from _gathered(client, batches, store, mark, limits)


def width(scheduler: str | None, workers: int) -> int:
    """How many batches run at once: the workers that a scheduler has now, or those that are started here."""
    if scheduler is None:
        return workers
    with _connected(scheduler, workers) as client:
        threads: Any = client.nthreads()
        return max(1, len(threads))


@contextmanager
def _connected(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of the scheduler, or of one with `workers` processes of this machine that ends with the block."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ClusterError(f"engine 'dask' needs Dask: pip install 'scmbench[cluster]' ({error})") from None
    if scheduler is not None:
        _knock(scheduler)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is told in a line of ours
    with ExitStack() as stack:
        try:
            target: Any = scheduler
            if scheduler is None:
                options: dict[str, Any] = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
                options |= {"threads_per_worker": 1, "memory_limit": 0}  # the pool bounds what a batch may take
                target = stack.enter_context(LocalCluster(n_workers=workers, **options))
            client = stack.enter_context(Client(target, timeout=PATIENCE, set_as_default=False))
        except (OSError, ValueError) as error:
            where = f"the Dask scheduler at {scheduler!r}" if scheduler else "a Dask cluster on this machine"
            raise ClusterError(f"{where} cannot be used: {_line(error)}") from None
        yield client


def _knock(scheduler: str) -> None:
    """Raises `ClusterError` where this is no address, or nobody listens there: Dask itself tries on for a minute."""
    parts = ADDRESS.fullmatch(scheduler)
    if parts is None or not 0 < int(parts[2]) < 2**16:
        raise ClusterError(f"--scheduler {scheduler!r} is no address of a Dask scheduler, such as tcp://head:8786")
    try:
        socket.create_connection((parts[1].strip("[]"), int(parts[2])), timeout=PATIENCE).close()
    except (OSError, UnicodeError) as error:
        raise ClusterError(f"the Dask scheduler at {scheduler!r} cannot be used: {_line(error)}") from None


@contextmanager
def _marked(store: Store) -> Iterator[Path]:
    """A file in the store's folder while the block runs, by which a worker knows that it sees this very folder."""
    store.prepare()
    mark = store.folder.resolve() / f".seen-{uuid4().hex}"
    mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def _gathered(
    client: Client, batches: Sequence[Batch], store: Store, mark: Path, limits: dict[str, Any]
) -> Iterator[engine.Done]:
    """Batches as they end, a few handed out ahead.

    Raises `ClusterError` where the scheduler is gone, or a worker sees another store.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    waiting, running = iter(batches), dict[str, Batch]()
    before = {trial.key: store.stamp(trial.key) for batch in batches for trial in batch.trials}
    there = Store(store.folder.resolve())
    there.claims, there.keeps_answers = store.claims, store.keeps_answers
    over = as_completed(loop=client.loop)

    def hand_out(count: int) -> None:
        for batch in (b for _, b in zip(range(count), waiting, strict=False)):
            future = client.submit(_run, batch, there, mark, limits, key=f"scmbench-{uuid4().hex}", pure=False)
            running[str(future.key)] = batch
            over.add(future)

    hand_out(_slots(client) + AHEAD)
    while running:
        future = next(over)
        batch = running.pop(str(future.key))
        if future.status == "finished":
            yield engine.Done(batch, future.result())
        elif future.status == "cancelled" or client.status != "running":
            raise ClusterError(
                f"the Dask scheduler is gone; {len(running) + 1} batches that it had are not over. What is finished is "
                f"in {store.folder}: the same command goes on from there"
            )
        else:
            error = future.exception()
            if isinstance(error, ClusterError):
                raise error
            if isinstance(error, KilledWorker):
                error = ChildProcessError("its Dask workers died, again and again: killed, or out of memory?")
            yield engine.Done(batch, engine.settle(error, batch, store, limits["time_limit"], before))
        future.release()
        hand_out(max(0, _slots(client) + AHEAD - len(running)))


def _slots(client: Client) -> int:
    with suppress(OSError, ValueError):  # it is gone, which the next future says
        threads: Any = client.nthreads()
        return sum(threads.values())
    return 0


def _run(batch: Batch, store: Store, mark: Path, limits: dict[str, Any]) -> str:
    """What a worker does: the batch in a process of its own; returns what went wrong, if anything did."""
    if not exists(mark):
        raise ClusterError(
            f"the Dask worker on {socket.gethostname()} does not see {store.folder}: --store has to be a folder that "
            "all machines share, under the same path"
        )
    # A nanny's worker is a daemon, and Python lets daemons start no process; the pool sees to it that ours end.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    (done,) = engine.pool([batch], store, workers=1, **limits)
    return done.trouble


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
