"""Suites: which problems, models, seeds and protocol make a table, read from a TOML file."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scmbench import datasets
from scmbench.datasets import addresses
from scmbench.datasets.files.texts import text_of
from scmbench.datasets.registry import UnknownDataset

from .. import questions
from . import shelf
from .entry import Entry, SuiteError
from .reader import KEYS, REQUIRED, Reader


@dataclass(frozen=True)
class Suite:
    """Problems × models × seeds under one protocol, and the published numbers to compare with.

    `member_mean` and `value_mean` say how the rows of one seed become its score: over a problem's members and over the
    values of a query, ``mean`` or ``median``.
    """

    name: str
    title: str
    protocol: str
    datasets: Sequence[str]
    models: Sequence[Entry]
    seeds: Sequence[int]
    published: Sequence[str] = ()
    members: str = "mean"
    values: str = "mean"
    time_limit: float | None = None
    """Seconds that a batch may take, where the suite's models need more than others; None leaves it to the command."""
    folder: Path | None = None
    """Where the file of a suite from outside lives; None for those that come with scmbench."""
    part: bool = False
    """Whether it is a part of what its file says: fewer or other seeds, SCMs or models."""
    narrowed_from: Suite | None = None
    """All of what its file says, with the models that were added; None where it was never narrowed."""
    words: Sequence[str] = ()
    """How a command names it, where its name does not do: the path of its file, and a protocol that it is put under."""

    @property
    def address(self) -> str:
        """How a command line names it: ``toy.toml``, ``smoke --protocol standard``."""
        return shlex.join(self.words or [self.name])

    @property
    def file(self) -> str:
        """The same without a protocol, where a command takes none."""
        return shlex.join([*self.words[:1]] or [self.name])

    @property
    def whole(self) -> Suite:
        """All that this suite is a part of; itself where it is no part."""
        return self.narrowed_from or self

    def narrow(
        self,
        *,
        seeds: Sequence[int] | None = None,
        scms: Sequence[str] | None = None,
        methods: Sequence[str] | None = None,
        added: Sequence[Entry] = (),
        worlds: Sequence[str] = (),
    ) -> Suite:
        """A part of the suite: other seeds, some SCMs (short forms allowed), some models (by label or name).

        Models that are `added` stay whatever `methods` names, which may be one of them; so do `worlds` that are added,
        which are asked of every model. One that is the suite's own is not asked twice. Raises `SuiteError` for a name
        that the suite does not have, and for a label of an added model that another one has.
        """
        own, new = self._sorted(added)
        chosen = {name for scm in scms for name in self._named(scm, worlds)} if scms else None
        for method in methods or ():
            if not any(entry.goes_by(method) for entry in [*self.models, *added]):
                raise SuiteError(f"suite {self.name!r} has no model {method!r}; it has {self._labels()}")
        narrowed = replace(
            self,
            seeds=self.seeds if seeds is None else tuple(seeds),
            datasets=[name for name in self.datasets if chosen is None or name in chosen],
            models=[e for e in self.models if not methods or e in own or any(map(e.goes_by, methods))],
        )
        lacks = set(self.seeds) - set(narrowed.seeds) or len(narrowed.datasets) < len(self.datasets)
        part = self.part or bool(lacks) or len(narrowed.models) < len(self.models)
        narrowed = replace(narrowed, part=part, narrowed_from=self.whole if part else None)
        return narrowed.with_models(new).with_worlds(worlds)

    def _sorted(self, added: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Those of its own models that are added as they are, and those that are new, each once."""
        own, new = list[Entry](), list[Entry]()
        for entry in added:
            mine = [e for e in self.models if e.same_as(entry) and all(map(e.wants, self.datasets))]
            own += mine
            if not mine and not any(e.same_as(entry) for e in new):
                new.append(entry)
        return own, new

    def _named(self, scm: str, worlds: Sequence[str]) -> list[str]:
        """What a name or address stands for among the suite's datasets and the added `worlds`."""
        there = [*self.datasets, *worlds]
        try:
            return datasets.resolve(scm, there)
        except UnknownDataset as error:
            message = error.args[0]
        try:
            found = addresses.resolve(scm, folder=self.folder)
        except UnknownDataset as error:  # what was looked for at an address says more than that no name fits
            at_address = ":" in scm or ".py" in scm
            raise SuiteError(f"suite {self.name!r}: {error.args[0] if at_address else message}") from None
        if lacking := sorted(set(found) - set(there)):
            raise SuiteError(f"suite {self.name!r} does not have {lacking[0]!r}; --add-scm {scm} adds it")
        return found

    def with_models(self, entries: Sequence[Entry]) -> Suite:
        """The suite with further models, such as one from outside. Raises `SuiteError` where a label is taken."""
        suite = replace(self, models=[*self.models, *entries])
        titles = Counter(entry.title for entry in suite.models)
        if doubled := sorted(title for title, count in titles.items() if count > 1):
            first = next(entry for entry in entries if entry.title == doubled[0])
            raise SuiteError(
                f"suite {self.name!r}: two models would be called {doubled[0]!r} and differ (class, options, worlds): "
                f"give the added one another label, as in {first.name},label=mine"
            )
        return replace(suite, narrowed_from=self.narrowed_from and self.narrowed_from.with_models(entries))

    def with_worlds(self, names: Sequence[str]) -> Suite:
        """The suite with further datasets, each asked of every model; those that are there already stay as they are."""
        new = [name for name in dict.fromkeys(names) if name not in self.datasets]
        asked = [
            replace(e, datasets=tuple(dict.fromkeys([*e.datasets, *new]))) if e.datasets else e for e in self.models
        ]
        whole = self.narrowed_from and self.narrowed_from.with_worlds(names)
        return replace(self, datasets=[*self.datasets, *new], models=asked, narrowed_from=whole)

    def under(self, protocol: str) -> Suite:
        """The suite under another protocol, which makes it another suite with a name of its own.

        Raises `SuiteError` where there is no such protocol.
        """
        if message := _no_protocol(protocol):
            raise SuiteError(f"--protocol {protocol}: {message}")
        if protocol == self.protocol:
            return self
        name = "-".join([self.name, *re.findall(r"[\w.]+", protocol)])
        whole = self.narrowed_from and self.narrowed_from.under(protocol)
        title = f"{self.title}, protocol {protocol}"
        words = [*(self.words or [self.name]), "--protocol", protocol]
        return replace(self, name=name, title=title, protocol=protocol, narrowed_from=whole, words=words)

    @property
    def base_protocol(self) -> str:
        """The protocol without the metrics that are added to it: what published numbers name."""
        return self.protocol.partition("+")[0]

    def _labels(self) -> list[str]:
        return sorted({entry.label for entry in self.models})


def load(name: str) -> Suite:
    """The suite of this name, or from a path to a ``.toml`` file; its published numbers may lie beside it.

    Raises `SuiteError` that names file and line for an unknown key, a wrong type, an unknown dataset, model or option,
    or two models of the same label and variant.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise SuiteError(f"no suite file {name!r}")
        suite = parse(text_of(path, SuiteError), name=path.stem, file=str(path))
        from ..judging import published  # reads tables: a misspelt suite is told before that is loaded

        known = set(published.names())
        numbers = [paper if paper in known else str(path.parent / paper) for paper in suite.published]
        return replace(suite, folder=path.parent, published=numbers, words=[name])
    if name not in shelf.names():
        raise SuiteError(f"no suite {name!r}; there are {shelf.names()}, or give the path of a .toml file")
    return parse(shelf.text(name), name=name, file=f"{name}.toml")


def parse(text: str, *, name: str, file: str) -> Suite:
    """A suite from the text of its file; raises as `load` does."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise SuiteError(f"{file}: results are kept under a suite's name: letters, digits, _ . - only, not {name!r}")
    reader = Reader(text, file)
    content = reader.content
    reader.check(content, KEYS)
    for key in REQUIRED:
        if key not in content:
            raise SuiteError(f"{file}: the key {key!r} is missing; a suite needs {list(REQUIRED)}")
    for key in ("datasets", "models"):
        if not content[key]:
            raise reader.error(key, f"{key} is empty: there would be nothing to compute")
    if wrong := [paper for paper in content.get("published", ()) if not isinstance(paper, str)]:
        raise reader.error("published", f"published holds {wrong[0]!r}; expected names or paths")
    if message := _no_protocol(content["protocol"]):
        raise reader.error("protocol", message)
    for key in ("members", "values"):
        if content.get(key, "mean") not in ("mean", "median"):
            raise reader.error(key, f"{key} = {content[key]!r}; expected 'mean' or 'median'")
    if not 0 < (limit := content.get("time_limit", 1)) < math.inf:
        raise reader.error("time_limit", f"time_limit = {limit!r}; expected seconds above 0")
    shared = reader.datasets(content["datasets"])
    entries = reader.entries(content["models"], shared)
    further = [name for entry in entries for name in entry.datasets]
    return Suite(
        name=name,
        title=content.get("title", name),
        protocol=content["protocol"],
        datasets=list(dict.fromkeys([*shared, *further])),
        models=entries,
        seeds=reader.seeds(content["seeds"]),
        published=tuple(content.get("published", ())),
        members=content.get("members", "mean"),
        values=content.get("values", "mean"),
        time_limit=content.get("time_limit"),
    )


def _no_protocol(name: str) -> str:
    """What is wrong with the name of a protocol; empty where nothing is."""
    if name in questions.PROTOCOLS:
        return ""
    from ..questions import protocols, registry  # loads the metrics

    try:
        protocols.get(name)
    except registry.UnknownProtocol as error:
        return error.args[0]
    return ""
