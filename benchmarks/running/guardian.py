"""A small process that waits for the end of a command, and then ends what the command's adapters had started.

A command that is killed (``kill -9``, out of memory) ends nothing any more. Its workers end with it, but what they had
started would go on for ever, as nobody's child. Such processes are known by a mark in their environment, which goes on
to whatever an adapter starts, in whichever group or session that is. What clears its environment, or is forked from an
``inline`` run without starting a program, is not known.

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
    """Wait until `parent` is gone, then end what bears the mark of `run`."""
    while os.getppid() == parent:
        time.sleep(EVERY)
    for _ in range(ROUNDS):
        for process in marked(run):
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(EVERY / 2)


def marked(run: str) -> list[int]:
    """The processes with the mark of `run` in the environment that they were started with, this one aside."""
    everywhere = _linux(f"{MARK}={run}") if os.path.isdir("/proc/self") else _elsewhere(run)
    return [process for process in everywhere if process != os.getpid()]


def _linux(entry: str) -> Iterator[int]:
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:  # another user's, or gone meanwhile
            if entry.encode() in file.read().split(b"\0"):
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
