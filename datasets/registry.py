"""Datasets by name: ``dcm/triangle/nadd`` and its short forms, plus those that other packages register."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pyro.distributions.torch_distribution import TorchDistributionMixin as Distribution

from .problem import Dataset, SCMDataset
from .scm import SCM

GROUP = "scmbench.datasets"
_MODULES = tuple(f"scmbench.datasets.{name}" for name in ("dcm", "cnf", "check", "fmri", "sachs"))
_REGISTRY: dict[str, Dataset] = {}


class UnknownDataset(LookupError):
    """No dataset of that name (the message lists near ones), or a package's datasets that cannot be loaded."""


def add(dataset: Dataset) -> Dataset:
    """Register `dataset` under its name, parts of letters, digits and ``_ . -`` between slashes.

    Raises `ValueError` for another kind of name, or one that is taken by another dataset.
    """
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", dataset.name):
        raise ValueError(f"dataset name {dataset.name!r}: expected something like paper/graph/kind")
    if dataset.name in _REGISTRY and _REGISTRY[dataset.name] is not dataset:
        raise ValueError(
            f"the dataset name {dataset.name!r} is taken twice, by {_REGISTRY[dataset.name].module} and by "
            f"{dataset.module}; rename one"
        )
    _REGISTRY[dataset.name] = dataset
    return dataset


def register(
    name: str,
    *,
    noise: dict[str, Distribution] | None = None,
    latent: Iterable[str] = (),
    targets: Iterable[str] | None = None,
    version: int = 1,
    needs: Callable[[], str | None] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: register a function that returns equations (or a whole `SCM`), optionally given ``seed``.

    `noise`, `latent` and `targets` are those of `SCM`; `version` counts changes of the data; `needs` says what files
    are missing, or None.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        seeded = "seed" in inspect.signature(function).parameters

        def build(seed: int) -> SCM:
            made = function(seed=seed) if seeded else function()
            return made if isinstance(made, SCM) else SCM(made, noise=noise, latent=latent, targets=targets)

        build.__doc__, build.__module__ = function.__doc__, function.__module__
        add(SCMDataset(name, build, version=version, needs=needs))
        return function

    return decorate


@cache
def _load() -> None:
    for module in _MODULES:
        import_module(module)
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # another package's import may fail in any way
            owner = point.dist.name if point.dist else "another package"
            raise UnknownDataset(
                f"the datasets of {owner} (entry point {point.name!r}, {point.value}) cannot be loaded: "
                f"{type(error).__name__}: {error}; mend or uninstall it"
            ) from error


def names() -> list[str]:
    """All registered names, sorted."""
    _load()
    return sorted(_REGISTRY)


def get(name: str) -> Dataset:
    """The dataset of exactly this name. Raises `UnknownDataset` with the near names."""
    _load()
    if name not in _REGISTRY:
        near = get_close_matches(name, names())
        raise UnknownDataset(f"no dataset {name!r}; " + (f"did you mean {near}?" if near else f"there are {names()}"))
    return _REGISTRY[name]


def resolve(short: str, among: Iterable[str] | None = None) -> list[str]:
    """Full names that `short` stands for: itself, or every name with its parts in a row (``triangle`` has two kinds).

    Raises `UnknownDataset` where nothing fits, or where names of different papers do (then write the paper too).

    >>> resolve("triangle", ["dcm/triangle/nadd", "dcm/triangle/nlin", "dcm/chain/nlin"])
    ['dcm/triangle/nadd', 'dcm/triangle/nlin']
    """
    pool = sorted(among) if among is not None else names()
    if short in pool:
        return [short]
    part = short.strip("/").split("/")
    found = []
    for name in pool:
        parts = name.split("/")
        if any(parts[i : i + len(part)] == part for i in range(len(parts) - len(part) + 1)):
            found.append(name)
    if not found:
        raise UnknownDataset(f"no dataset fits {short!r}; there are {pool}")
    papers = sorted({name.split("/")[0] for name in found})
    if len(papers) > 1:
        raise UnknownDataset(f"{short!r} is ambiguous between the papers {papers}; write e.g. {papers[0]}/{short}")
    return found
