"""A small process that waits for the end of a command, and then ends what the command's adapters had started.

A command that is killed (``kill -9``, out of memory) ends nothing any more. Its workers end with it, but what they had
started would go on for ever, as nobody's child. Such processes are known by a mark in their environment, which goes on
to whatever an adapter starts, in whichever group or session that is; and on Linux by having been seen below the command
while it lived, which covers what is forked, or clears its environment.

This file is run as a script, without site-packages: it imports of Python's own library what starts fast.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MARK = "SCMBENCH_RUN"
"""Environment variable of a run, by whose value what was started in it is known."""

EVERY = 0.2
"""Seconds between two looks at the command."""

ROUNDS = 5
"""How often marked processes are looked for: one may be starting another while it is ended."""


@contextmanager
def guarded() -> Iterator[None]:
    """A block whose processes, and theirs, end soon after this one, should it be killed within."""
    import subprocess
    from uuid import uuid4

    run, before = uuid4().hex, os.environ.get(MARK)
    guardian = subprocess.Popen(
        [sys.executable, "-I", "-S", os.path.abspath(__file__), str(os.getpid()), run, *sys.path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # no signal of the terminal's or the command's group reaches it
    )
    os.environ[MARK] = run
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(MARK, None)
        else:
            os.environ[MARK] = before
        guardian.kill()
        guardian.wait()


def watch(parent: int, run: str) -> None:
    """Wait until `parent` is gone, then end what bears the mark of `run` or was started below it meanwhile."""
    before, seen = set(below(parent)), set[tuple[int, str]]()
    while os.getppid() == parent:
        seen.update(below(parent))
        time.sleep(EVERY)
    for _ in range(ROUNDS):
        seen.update(*(below(process) for process, started in seen if _started(process) == started))
        left = {process for process, started in seen - before if _started(process) == started}
        for process in left | set(marked(run)):
            with suppress(OSError):
                if process != os.getpid() and not _tidies_up(process):
                    os.kill(process, signal.SIGKILL)
        time.sleep(EVERY / 2)


def below(process: int) -> Iterator[tuple[int, str]]:
    """The children of a process and theirs, each with when it was started; none where there is no ``/proc``."""
    try:
        threads = os.listdir(f"/proc/{process}/task")
    except OSError:
        return
    for thread in threads:
        for child in _read(f"/proc/{process}/task/{thread}/children").split():
            yield int(child), _started(int(child))
            yield from below(int(child))


def _started(process: int) -> str:
    """When a process was started, so that another one with its number is not taken for it; empty once it is gone."""
    fields = _read(f"/proc/{process}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _tidies_up(process: int) -> bool:
    """Whether this is Python's own process that removes shared memory and semaphores, and ends by itself."""
    return "multiprocessing.resource_tracker" in _read(f"/proc/{process}/cmdline")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def marked(run: str) -> Iterator[int]:
    """The processes with the mark of `run` in the environment that they were started with."""
    return _linux(f"{MARK}={run}") if os.path.isdir("/proc/self") else _elsewhere(run)


def _linux(entry: str) -> Iterator[int]:
    for name in filter(str.isdecimal, os.listdir("/proc")):
        if entry in _read(f"/proc/{name}/environ").split("\0"):  # empty for another user's, and for what is gone
            yield int(name)


def _elsewhere(run: str) -> Iterator[int]:
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == run:
                yield process.pid


if __name__ == "__main__":
    sys.path[:] = sys.argv[3:]  # where psutil is, should it be needed
    watch(int(sys.argv[1]), sys.argv[2])
