"""What the suites that come with scmbench say of themselves, from their files alone: nothing is built or imported."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from scmbench.datasets.registry import UnknownDataset, catalogue, resolve

_SHELF = "scmbench.benchmarks.suites"


def names() -> list[str]:
    """The suites that come with scmbench."""
    return sorted(Path(f.name).stem for f in resources.files(_SHELF).iterdir() if f.name.endswith(".toml"))


def text(name: str) -> str:
    """The file of one of them."""
    return resources.files(_SHELF).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def titles() -> dict[str, str]:
    """All of them with their titles."""
    return {name: tomllib.loads(text(name)).get("title", name) for name in names()}


def size(name: str) -> str:
    """How much one of them asks for.

    >>> size("paper")
    '14 problems × 11 models × 10 seeds, protocol paper'
    """
    told = tomllib.loads(text(name))
    known = [dataset for module in catalogue().values() for dataset in module]
    seeds = told.get("seeds", 1)
    counts = {
        "problem": sum(_count(short, known) for short in told["datasets"]),
        "model": len(told["models"]),
        "seed": seeds if isinstance(seeds, int) else len(seeds),
    }
    return " × ".join(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items()) + f", protocol {told['protocol']}"


def asks(name: str) -> tuple[list[str], list[str]]:
    """The models and the datasets that one of them names."""
    told = tomllib.loads(text(name))
    return [entry["name"] for entry in told["models"]], list(told["datasets"])


def _count(short: str, known: list[str]) -> int:
    """For how many datasets a name stands; a member of a family, which no list has, is one."""
    try:
        return len(resolve(short, known))
    except UnknownDataset:
        return 1
