"""Protocols and metrics of others: registered by a decorator, declared by a package, or at ``package.module:NAME``.

A name of a protocol may add metrics: ``standard+energy_distance+my_metrics:largest_gap`` asks what `standard` asks, and
scores the answers by two further functions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scmbench import metrics
from scmbench.datasets import plugins
from scmbench.datasets.errors import UserError
from scmbench.datasets.problem import QueryBuilder

from . import METRICS, PROTOCOLS

PROTOCOL_GROUP, METRIC_GROUP = "scmbench.protocols", "scmbench.metrics"
"""Entry points of other packages: a name and the address ``module:NAME`` of a protocol or a metric."""

ADD = "+"
"""What joins a protocol and the metrics that are added to it."""

Score = Callable[[Any, Any], Any]
"""``(g, n, d), (g, m, d) -> (g,)``: truth first, then the model; one number a group of rows."""

Of = Literal["samples", "rows"]


_PARTS = ("name", "version", "n_train", "metric_versions", "queries", "held_out", "predictive", "measured_images")
"""What the harness and datasets ask a protocol for."""


class UnknownProtocol(UserError, LookupError):
    """No protocol or metric of that name or at that address; the message says what was tried."""


@dataclass(frozen=True)
class Metric:
    """A score of answers, and what it compares.

    Of ``samples``, the laws that two samples come from; of ``rows``, each counterfactual row with the true one. `score`
    takes float64 tensors ``(g, n, d)``, truth first, and gives one number a group, ``(g,)``. `version` counts changes
    of what it returns.
    """

    name: str
    score: Score
    of: Of = "samples"
    version: int = 1
    address: str = ""


_PROTOCOLS: dict[str, tuple[str, QueryBuilder]] = {}
_METRICS: dict[str, Metric] = {}


def register_protocol(make: Callable[[], QueryBuilder]) -> Callable[[], QueryBuilder]:
    """Decorator: register the protocol that a function without arguments returns, under the protocol's `name`.

    The function has to stand at the top of a module, where the processes of a run find it.

    Raises:
        ValueError: For a name that is taken, or is no word of letters, digits and ``_ . -``.
        UnknownProtocol: For something else than a protocol.

    >>> from dataclasses import replace
    >>> from scmbench.benchmarks.questions.protocols import get
    >>> @register_protocol
    ... def short():
    ...     return replace(get("standard"), name="short", n_train=500)
    >>> get("short").n_train
    500
    """
    address = _address(make)
    made = _checked(make(), address)
    taken = dict.fromkeys(PROTOCOLS, "scmbench") | {name: theirs for name, (theirs, _) in _PROTOCOLS.items()}
    _claim(made.name, "protocol", taken, address)
    _PROTOCOLS[made.name] = address, made
    return make


def register_metric(name: str, *, of: Of = "samples", version: int = 1) -> Callable[[Score], Score]:
    """Decorator: register a score under a name, which tables show and suites may add to a protocol.

    The function has to stand at the top of a module, where the processes of a run find it.

    Args:
        name: A word of letters, digits and ``_ . -``.
        of: ``samples`` or ``rows``: see `Metric`.
        version: Counts changes of what it returns; part of the key of every record that it scores.

    Returns:
        The decorator, which gives the function back unchanged.

    Raises:
        ValueError: For a name that is taken or no such word, or another `of`.
    """
    if of not in ("samples", "rows"):
        raise ValueError(f"metric {name!r}: of={of!r}; expected 'samples' or 'rows'")

    def decorate(score: Score) -> Score:
        address = _address(score)
        taken = dict.fromkeys(METRICS, "scmbench") | {other: theirs.address for other, theirs in _METRICS.items()}
        _claim(name, "metric", taken, address)
        _METRICS[name] = Metric(name, score, of, version, address)
        return score

    return decorate


def _address(function: Callable[..., Any]) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _claim(name: str, what: str, taken: Mapping[str, str], address: str) -> None:
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"{what} name {name!r}: expected letters, digits and _ . -")
    if taken.get(name, address) != address:  # the same module imported anew is no other
        raise ValueError(f"the {what} name {name!r} is taken twice, by {taken[name]} and by {address}; rename one")


def protocol(name: str) -> QueryBuilder:
    """A protocol of others. Raises `UnknownProtocol` where there is none."""
    if name in _PROTOCOLS:
        return _PROTOCOLS[name][1]
    address = _declared(name, "protocol", PROTOCOL_GROUP, [*PROTOCOLS, *_PROTOCOLS])
    found = plugins.at(address, UnknownProtocol, f"protocol {name!r}")
    if inspect.isfunction(found):
        try:
            found = found()
        except Exception as error:  # another's mistake, or a function that makes no protocol
            what = f"{type(error).__name__}: {error}"
            raise UnknownProtocol(f"protocol {name!r}: calling {address} without arguments raised {what}") from error
    return _checked(found, name)


def metric(name: str) -> Metric:
    """A metric by name or address: one of scmbench or of others. Raises `UnknownProtocol` where there is none."""
    if name in METRICS:
        return Metric(name, getattr(metrics, name), METRICS[name][0], metrics.VERSIONS[_home(name)], "")
    if name in _METRICS:
        return _METRICS[name]
    address = _declared(name, "metric", METRIC_GROUP, [*METRICS, *_METRICS])
    found = plugins.at(address, UnknownProtocol, f"metric {name!r}")
    if registered := [one for one in _METRICS.values() if one.score is found]:
        return registered[0]
    if not callable(found):
        got = type(found).__name__
        raise UnknownProtocol(f"metric {name!r}: {address} is a {got}; expected a function of two samples")
    return Metric(address.partition(":")[2], found, address=address)


def _home(name: str) -> str:
    return getattr(metrics, name).__module__.rpartition(".")[2]


def _declared(name: str, what: str, group: str, known: list[str]) -> str:
    """The address behind a name: itself, or what an installed package declares."""
    if ":" in name:
        return name
    declared: dict[str, dict[str, str]] = {}
    for point, address, owner in plugins.points(group):
        declared.setdefault(point, {})[address] = owner
    if len(claims := declared.get(name, {})) > 1:
        claimed = "; ".join(f"{address} by {owner}" for address, owner in claims.items())
        raise UnknownProtocol(f"the {what} name {name!r} is taken twice: {claimed}; write package.module:NAME instead")
    if not claims:
        there = sorted({*known, *declared})
        raise UnknownProtocol(f"no {what} {name!r}; there are {there}, or write package.module:NAME")
    return next(iter(claims))


def _checked(found: Any, name: str) -> QueryBuilder:
    if isinstance(found, type) or (missing := [part for part in _PARTS if not hasattr(found, part)]):
        what = f"the class {found.__name__}: give an instance" if isinstance(found, type) else f"without {missing}"
        raise UnknownProtocol(f"protocol {name!r} is no protocol: it is {what}")
    return found


def canonical(name: str) -> str:
    """A protocol's name as records keep it: what a decorator registered by its address, which every process finds.

    >>> canonical("standard+energy_distance")
    'standard+energy_distance'
    """
    base, *added = name.split(ADD)
    parts = [_PROTOCOLS[base][0] if base in _PROTOCOLS else base]
    parts += [_METRICS[each].address if each in _METRICS else each for each in added]
    return ADD.join(parts)


def modules(name: str) -> frozenset[str]:
    """The modules from outside that a protocol's name stands for, so that versions of them can be told apart."""
    base, *added = name.split(ADD)
    found = set() if base in PROTOCOLS else {type(protocol(base)).__module__, _declared_module(base)}
    return frozenset(found | {metric(each).score.__module__ for each in added if each not in METRICS})


def _declared_module(name: str) -> str:
    address = _PROTOCOLS[name][0] if name in _PROTOCOLS else _declared(name, "protocol", PROTOCOL_GROUP, [])
    return address.partition(":")[0]
