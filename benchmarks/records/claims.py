"""Claims: which run computes a record now, so that two runs on one store share the work instead of doing it twice.

A claim is a file ``claims/<key>`` that holds the name of a run; ``claims/<run>.run`` says where that run lives and is
touched while it does. A claim holds while its run lives: on the same machine its process is looked for, on another one
its file must have been touched within `SILENCE`. That of a run that was killed is taken over. Claims save work and are
not needed for anything else: a record is written whole, and two runs that compute it all the same write the same.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil
from scmbench.datasets.files.whole import replace_with

BEAT = 30.0
"""Seconds between two touches of a run's file."""

SILENCE = 600.0
"""Seconds without a touch after which a run on another machine counts as gone."""

AT = ".at"
"""How files end that say what a run is at (`running.stage`); their names begin with the run's."""


@dataclass(frozen=True)
class Claims:
    """The claims of one run in the folder of a store.

    `before` has the stamps (`Store.stamp`) of records that the run computes though they are there: a record of another
    stamp was written by somebody else meanwhile.
    """

    folder: Path
    run: str
    before: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)

    def take(self, keys: Iterable[str]) -> bool:
        """Claim all of these records, or none where another run that lives has one of them."""
        taken = []
        for key in keys:
            if not self._take(key):
                self.release(taken)
                return False
            taken.append(key)
        return True

    def release(self, keys: Iterable[str]) -> None:
        """Give up those of these records that are claimed by this run."""
        for key in keys:
            if self._holder(key) == self.run:
                (self.folder / key).unlink(missing_ok=True)

    def elsewhere(self, key: str) -> bool:
        """Whether another run that lives computes this record."""
        holder = self._holder(key)
        return holder not in ("", self.run) and self._lives(holder)

    def sweep(self) -> None:
        """Remove the claims of this run, and what others have left that are gone."""
        files = list(self.folder.iterdir())
        gone = {path for path in files if path.suffix == ".run" and not self._lives(path.stem)}
        living = {path.stem for path in files if path.suffix == ".run"} - {path.stem for path in gone} - {self.run}
        left = {path for path in files if path.suffix == "" and self._holder(path.name) not in {"", *living}}
        told = {path for path in files if path.suffix == AT and path.name.partition("-")[0] not in living}
        for path in gone | left | told:
            path.unlink(missing_ok=True)

    def _take(self, key: str) -> bool:
        path = self.folder / key
        self.folder.mkdir(parents=True, exist_ok=True)  # again, where the store was deleted under the run
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if self.elsewhere(key):
                return False
            replace_with(path, self.run)  # its run is gone; of two that take it over the last one has it
            return self._holder(key) == self.run
        with os.fdopen(handle, "w") as file:
            file.write(self.run)
        return True

    def _holder(self, key: str) -> str:
        """The run that claims a record; empty where none does, or it is just being written."""
        try:
            return (self.folder / key).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _lives(self, run: str) -> bool:
        path = self.folder / f"{run}.run"
        try:
            where = json.loads(path.read_text(encoding="utf-8"))
            silent = (self.folder / f"{self.run}.run").stat().st_mtime - path.stat().st_mtime
        except (OSError, ValueError):
            return False
        if not isinstance(where, dict) or where.get("machine") != _machine():
            return silent < SILENCE + BEAT  # both by the clock of the disk's machine
        return _started(where.get("process")) == where.get("started")


@contextmanager
def claiming(store: Path, before: Mapping[str, tuple[int, int] | None]) -> Iterator[Claims]:
    """The claims of a run that begins, on the store in this folder; all are given up at the end.

    Raises `OSError` where the folder cannot be written.
    """
    claims = Claims(store / "claims", uuid4().hex, before)
    claims.folder.mkdir(parents=True, exist_ok=True)
    mine = claims.folder / f"{claims.run}.run"
    here = {"machine": _machine(), "process": os.getpid(), "started": _started(os.getpid())}
    replace_with(mine, json.dumps(here))
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            with suppress(OSError):
                os.utime(mine)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield claims
    finally:
        over.set()
        with suppress(OSError):
            claims.sweep()
            mine.unlink(missing_ok=True)


def _machine() -> str:
    """This machine, since it was booted, and the numbers of its processes, which a container has for itself."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.readlink("/proc/self/ns/pid")]
    return " ".join(parts)


def _started(process: object) -> float | None:
    """When a process began, so that a later one of its number is not taken for it; None where there is none."""
    try:
        return psutil.Process(process).create_time() if isinstance(process, int) else None
    except (psutil.Error, ValueError, OverflowError):
        return None
