"""Processes that end when they should: workers with their parent, what an adapter started with its batch."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Self

import psutil

_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36
"""Linux: PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER of prctl(2)."""


def limit_math_libraries() -> None:
    """One thread for the math libraries of processes started from here; they read it once, when they are loaded."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def end_with_parent() -> None:
    """Let this process end with the one that started it (on Linux)."""
    _prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def settle_in(parent: int, memory_limit: float | None) -> None:
    """In a new worker process: bound its address space, and let it end with the process that started it.

    On Linux the kernel sees to that, even where native code holds the interpreter; a thread that watches does it
    elsewhere, and covers a parent that was gone before the kernel was asked.
    """
    end_with_parent()
    if memory_limit is not None:
        allowed = psutil.Process().memory_info().vms + int(memory_limit * 1e9)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)  # a killed command would otherwise leave a hanging fit behind for ever

    threading.Thread(target=watch, daemon=True).start()
    with suppress(OSError):
        os.setpgid(0, 0)  # what it starts is of its group, by which `Strays` knows it


class Strays:
    """What killed workers leave behind: processes that their adapters had started, which are nobody's any more.

    While in force, such processes become children of this one (on Linux), and `end` ends them.
    """

    def __enter__(self) -> Self:
        resource_tracker.ensure_running()
        self._there = {child.pid for child in psutil.Process().children()}
        _prctl(_ADOPT_ORPHANS, 1)
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()
        _prctl(_ADOPT_ORPHANS, 0)

    def end(self) -> None:
        """End adopted processes and all below them; workers, and what was there before, are spared."""
        workers = {child.pid for child in multiprocessing.active_children()}
        for child in psutil.Process().children():
            with suppress(psutil.Error, ProcessLookupError):
                starting = os.getpgid(child.pid) == os.getpgrp()  # a worker that has not settled in yet
                if child.pid not in self._there | workers and not starting:
                    _end([child, *child.children(recursive=True)])


@contextmanager
def children_ended() -> Iterator[None]:
    """A block after which no process lives that was started in it, grandchildren whose parents are gone included.

    Children that were there before are spared, with all that they have started.
    """
    before = {child.pid for child in psutil.Process().children()}
    _prctl(_ADOPT_ORPHANS, 1)
    try:
        yield
    finally:
        spared = before | {getattr(resource_tracker._resource_tracker, "_pid", None)}  # type: ignore[attr-defined]
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if child.pid not in spared:
                    _end([child, *child.children(recursive=True)])


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=5)
    for process in processes:
        with suppress(OSError):  # one that we adopted is ours to bury
            os.waitpid(process.pid, os.WNOHANG)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)
