"""Datasets by name: ``dcm/triangle/nadd`` and its short forms, plus those that other packages register.

Names of built-in datasets are read from a list (`catalogue`), so that naming them costs nothing; the module that
defines a dataset is imported when the dataset is asked for.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module, resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .errors import UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pyro.distributions.torch_distribution import TorchDistributionMixin as Distribution

    from .problem import Dataset
    from .scm import SCM

GROUP = "scmbench.datasets"
_REGISTRY: dict[str, Dataset] = {}

FAMILIES = {
    "drawn": (
        "drawn/{n}/{degree}/{mechanism}/{noise}",
        "Worlds drawn by the seed, standardised inside: n 5, 10, 20, 50, 100; degree, the causes of a node on average, "
        "1 to (n - 1) / 2; mechanism linear, mlp, gp, tree, periodic; noise additive, heteroscedastic, multiplicative, "
        "nonmonotone, heavy.",
    ),
    "profiler": (
        "profiler/{n}/{mechanism}/{mode}/{noise}",
        "Worlds that the package causal-profiler draws (extra [profiler]), chosen by nobody here: n 5, 10, 20, 50; "
        "mechanism linear, nn; mode additive, multiplicative, functional; noise uniform, gaussian.",
    ),
    "sized": (
        "sized/{rows}/{world}",
        "A world with 20 to 1,000,000 training rows instead of the protocol's, for learning curves; world any with a "
        "known SCM, such as dcm/y/nlin.",
    ),
    "misspecified": (
        "misspecified/{change}/{world}",
        "A world told with a wrong graph, its rows and questions as they were; change dropped, added or reversed (an "
        "arrow that the seed draws) or hidden (a common cause); world any with a known SCM, such as dcm/y/nlin.",
    ),
    "swapped": (
        "swapped/{world}",
        "A world with the components of its vector nodes in reverse order, the same law told otherwise; world any with "
        "a known SCM and a vector node, such as check/turning.",
    ),
}
"""Families of worlds that are named by their parameters, by the first part of their names: how one is written, and what
there is. The module of that name has the function `family`, which gives the world of a full name. `names` has none."""


WORLD_OF = re.compile(r"\A(?:(?:(?:sized|misspecified)/\w+|swapped)/)+")
"""How names begin of datasets that are another world but for one thing; the world's name follows."""


class UnknownDataset(UserError, LookupError):
    """No dataset of that name (the message lists near ones), or a package's datasets that cannot be loaded."""


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Built-in datasets: module to name to the first line of the docstring. ``datasets/catalogue.toml`` has them."""
    return tomllib.loads(resources.files("scmbench.datasets").joinpath("catalogue.toml").read_text(encoding="utf-8"))


def _of_family(name: str) -> Dataset | None:
    """The world of this name in a family. Raises `UnknownDataset` for a name that begins like one and is none."""
    head = name.split("/")[0]
    if head not in FAMILIES:
        return None
    if found := import_module(f"scmbench.datasets.{head}").family(name):
        return found
    pattern, told = FAMILIES[head]
    raise UnknownDataset(f"no dataset {name!r}; write {pattern}: {told}")


def plugins() -> list[EntryPoint]:
    """The modules of other packages that register datasets, none of them imported."""
    from importlib.metadata import entry_points  # here, because it loads the email package

    return list(entry_points(group=GROUP))


def owner(point: EntryPoint) -> str:
    """The distribution that declares an entry point."""
    return point.dist.name if point.dist else "another package"


def add(dataset: Dataset) -> Dataset:
    """Register `dataset` under its name, parts of letters, digits and ``_ . -`` between slashes.

    Raises `ValueError` for another kind of name, or one that is taken by another dataset.
    """
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", dataset.name):
        raise ValueError(f"dataset name {dataset.name!r}: expected something like paper/graph/kind")
    there = _REGISTRY.get(dataset.name)
    home = there.module if there else _home(dataset.name)
    if (head := dataset.name.split("/")[0]) in FAMILIES:
        home = f"scmbench.datasets.{head}"
    if there is not dataset and home and (there or not f"{dataset.module}.".startswith(f"{home}.")):
        raise ValueError(
            f"the dataset name {dataset.name!r} is taken twice, by {home} and by {dataset.module}; rename one"
        )
    _REGISTRY[dataset.name] = dataset
    return dataset


def _home(name: str) -> str | None:
    """The module that defines a built-in dataset."""
    return next((f"scmbench.datasets.{module}" for module, known in catalogue().items() if name in known), None)


def register(
    name: str,
    *,
    noise: dict[str, Distribution] | None = None,
    latent: Iterable[str] = (),
    targets: Iterable[str] | None = None,
    images: Iterable[str] = (),
    version: int = 1,
    needs: Callable[[], str | None] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: register a function that returns equations (or a whole `SCM`), optionally given ``seed``.

    Args:
        name: The dataset's name, parts of letters, digits and ``_ . -`` between slashes.
        noise: As for `SCM`.
        latent: As for `SCM`.
        targets: As for `SCM`.
        images: As for `SCM`.
        version: Counts changes of the data.
        needs: A function that says what files are missing, or None; with a `Damaged`, that one is not the right one.

    Returns:
        The decorator, which gives the function back unchanged.

    Raises:
        ValueError: When it decorates, for another kind of name, or one that is taken by another dataset.
    """
    from .problem import SCMDataset
    from .scm import SCM

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        seeded = "seed" in inspect.signature(function).parameters

        def build(seed: int) -> SCM:
            made = function(seed=seed) if seeded else function()
            if isinstance(made, SCM):
                return made
            return SCM(made, noise=noise, latent=latent, targets=targets, images=images)

        build.__doc__, build.__module__ = function.__doc__, function.__module__
        add(SCMDataset(name, build, version=version, needs=needs, function=function))
        return function

    return decorate


@cache
def _load_plugins() -> None:
    for point in plugins():
        try:
            point.load()
        except Exception as error:  # another package's import may fail in any way
            raise UnknownDataset(
                f"the datasets of {owner(point)} (entry point {point.name!r}, {point.value}) cannot be loaded: "
                f"{type(error).__name__}: {error}; mend or uninstall it"
            ) from error


def registered() -> Mapping[str, Dataset]:
    """The datasets whose modules have been imported, by name."""
    return MappingProxyType(_REGISTRY)


def names() -> list[str]:
    """All names, sorted: built-in ones, those of installed packages (which are imported), those registered by hand.

    Worlds of `FAMILIES` have names of their own, which are not listed.

    Returns:
        Full names, such as ``dcm/triangle/nadd``.

    Raises:
        UnknownDataset: For a package's datasets that cannot be loaded.
    """
    _load_plugins()
    return sorted({name for known in catalogue().values() for name in known} | set(_REGISTRY))


def get(name: str) -> Dataset:
    """The dataset of exactly this name.

    Args:
        name: A full name, such as ``dcm/triangle/nadd``; `resolve` gives those that a short form stands for.

    Returns:
        The dataset, its module imported.

    Raises:
        UnknownDataset: For a name that there is not, with the near names, or a package's datasets that cannot be
            loaded.
    """
    if name in _REGISTRY:
        return _REGISTRY[name]
    if found := _of_family(name):
        return found
    if home := _home(name):
        import_module(home)
    if name not in _REGISTRY:
        _load_plugins()
    if name not in _REGISTRY:
        near = get_close_matches(name, names())
        raise UnknownDataset(f"no dataset {name!r}; " + (f"did you mean {near}?" if near else f"there are {names()}"))
    return _REGISTRY[name]


def resolve(short: str, among: Iterable[str] | None = None) -> list[str]:
    """Full names that `short` stands for: itself, or every name with its parts in a row (``triangle`` has two kinds).

    Args:
        short: A full name, or some of its parts in a row.
        among: The names to choose from; by default all `names`.

    Returns:
        The names that fit, sorted; at least one.

    Raises:
        UnknownDataset: Where nothing fits, or where names of different papers do (then write the paper too).

    >>> resolve("triangle", ["dcm/triangle/nadd", "dcm/triangle/nlin", "dcm/chain/nlin"])
    ['dcm/triangle/nadd', 'dcm/triangle/nlin']
    """
    pool = sorted(among) if among is not None else names()
    if short in pool or (among is None and _of_family(short)):
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
