"""Where a number comes from: versions, commit, hardware, and what a computation cost."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import torch

PACKAGES = ("scmbench", "torch", "numpy", "scipy", "numba", "pyro-ppl", "scikit-learn", "pandas", "zuko", "dowhy")


@cache
def environment() -> dict[str, Any]:
    """Versions of the packages that numbers depend on, git commit and whether it was dirty, hardware, threads."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "packages": ", ".join(versions),
        **_commit(),
        "hardware": hardware(),
        "threads": torch.get_num_threads(),
    }


def hardware() -> str:
    """Processor name, architecture and core count; the GPU too where there is one."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name} ({platform.machine()}, {os.cpu_count()} cores){gpu}"


def _commit() -> dict[str, Any]:
    """The commit of the checkout this code runs from; empty for an installed copy."""
    here = Path(__file__).resolve().parent
    try:
        head = _git(here, "rev-parse", "HEAD")
        dirty = bool(_git(here, "status", "--porcelain", "--untracked-files=no"))
        inside = bool(_git(here, "ls-files", Path(__file__).name))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "", "dirty": False}
    return {"commit": head, "dirty": dirty} if inside else {"commit": "", "dirty": False}


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Meter:
    """Wall and CPU seconds of a block: ``with Meter() as m: …`` then ``m.wall``, ``m.cpu``; the latter by `clock`."""

    def __init__(self, clock: Callable[[], float] = time.process_time):
        self.clock = clock

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.perf_counter(), self.clock()
        return self

    def __exit__(self, *exc: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, self.clock() - self._cpu


def peak_mb() -> float:
    """Peak resident memory of this process so far, in MB (10⁶ bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if platform.system() == "Darwin" else 1024) / 1e6
