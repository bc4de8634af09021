"""Suites: which problems, models, seeds and protocol make a table, read from a TOML file."""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scmbench import datasets, models
from scmbench.datasets import addresses
from scmbench.datasets.errors import UserError
from scmbench.datasets.files.texts import text_of, toml_of
from scmbench.datasets.registry import UnknownDataset
from scmbench.models.contract.registry import UnknownModel

from .. import questions
from ..judging.methods import title
from . import shelf

if TYPE_CHECKING:
    from scmbench.models import CausalModel


MOST_SEEDS = 1_000_000


class SuiteError(UserError, ValueError):
    """A suite file that cannot be used; the message names file, line and what to write instead."""


@dataclass(frozen=True)
class Entry:
    """One model of a suite: registry name or ``package.module:Class``, options, and how tables call it.

    `datasets` are those of the suite that it is asked about; empty: all of them. `by_dataset` are options that differ
    between them, on top of `options`: `on` gives the configuration for one.
    """

    name: str
    label: str
    variant: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    datasets: Sequence[str] = ()
    by_dataset: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^\W_][^/\\\x00-\x1f]*", self.label):
            raise ValueError(f"label {self.label!r}: files are named after it; a letter or digit first, no / or \\")

    @property
    def title(self) -> str:
        """Label and variant, as tables write them."""
        return title(self.label, self.variant)

    def goes_by(self, name: str) -> bool:
        """Whether a command may call it so."""
        return name in (self.label, self.name, self.title)

    def wants(self, dataset: str) -> bool:
        """Whether the suite asks it about this dataset."""
        return not self.datasets or dataset in self.datasets

    def same_as(self, other: Entry) -> bool:
        """Whether it is the same model with the same options, defaults included, under the same label."""
        if (self.name, self.title, self.by_dataset) != (other.name, other.title, other.by_dataset):
            return False
        return self.variant == other.variant and self.build().options() == other.build().options()

    def on(self, dataset: str) -> Entry:
        """The same model with its options for this dataset; itself where it has none of its own."""
        if dataset not in self.by_dataset:
            return self
        own = self.by_dataset[dataset]
        variant = str(own.get("variant", self.variant))
        return replace(self, variant=variant, options={**self.options, **own}, by_dataset={})

    def resolved(self) -> Entry:
        """The same with the variant that it has by default, under which its records are found.

        Raises what `build` does.
        """
        return replace(self, variant=str(self.build().options().get("variant") or ""))

    def build(self) -> CausalModel:
        """A new, unfitted model with the `options`."""
        variant = {"variant": self.variant} if self.variant else {}
        return models.build(models.load(self.name), {**self.options, **variant})


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


_KEYS: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "protocol": str,
    "seeds": (int, list),
    "datasets": list,
    "published": list,
    "members": str,
    "values": str,
    "time_limit": (int, float),
    "models": list,
}
_MODEL_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "label": str,
    "variant": str,
    "options": dict,
    "datasets": list,
    "by_dataset": dict,
}
_REQUIRED = ("protocol", "seeds", "datasets", "models")


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
    reader = _Reader(text, file)
    content = reader.content
    reader.check(content, _KEYS)
    for key in _REQUIRED:
        if key not in content:
            raise SuiteError(f"{file}: the key {key!r} is missing; a suite needs {list(_REQUIRED)}")
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


class _Reader:
    """Checks a suite file and finds the line to blame."""

    def __init__(self, text: str, file: str):
        self.file, self.lines = file, text.splitlines()
        self.content = toml_of(text, file, SuiteError)

    def error(self, key: str, message: str, *, model: int | None = None) -> SuiteError:
        start = 0
        if model is not None:
            starts = [i for i, line in enumerate(self.lines) if re.match(r"\s*\[\[\s*models\s*\]\]", line)]
            start = starts[model] if model < len(starts) else 0
        pattern = re.compile(rf"(^|[\s{{,\[\"'.]){re.escape(key)}([\s\"'=\].]|$)")
        line = next((i for i in range(start, len(self.lines)) if pattern.search(self.lines[i])), start)
        return SuiteError(f"{self.file}:{line + 1}: {message}")

    def check(self, table: Mapping[str, Any], known: Mapping[str, Any], *, model: int | None = None) -> None:
        for key, value in table.items():
            if key not in known:
                raise self.error(key, f"unknown key {key!r}; known are {sorted(known)}", model=model)
            types = known[key] if isinstance(known[key], tuple) else (known[key],)
            if not isinstance(value, types) or isinstance(value, bool):
                expected = " or ".join(each.__name__ for each in types)
                raise self.error(key, f"{key} is a {type(value).__name__}; expected {expected}", model=model)

    def seeds(self, value: Any) -> tuple[int, ...]:
        if isinstance(value, int) and value > MOST_SEEDS:
            raise self.error("seeds", f"seeds = {value} are more than {MOST_SEEDS:,}")
        seeds = list(range(value)) if isinstance(value, int) else value
        if not seeds or any(not isinstance(s, int) or isinstance(s, bool) or s < 0 for s in seeds):
            raise self.error("seeds", f"seeds = {value!r}; expected a positive count or a list of integers from 0")
        if len(set(seeds)) < len(seeds):
            raise self.error("seeds", f"seeds = {value!r} has a seed twice")
        return tuple(seeds)

    def datasets(self, shorts: Sequence[Any]) -> list[str]:
        found: list[str] = []
        for short in shorts:
            if not isinstance(short, str):
                raise self.error("datasets", f"datasets holds {short!r}; expected names")
            try:
                resolved = addresses.resolve(short, folder=Path(self.file).parent)
            except UnknownDataset as error:
                raise self.error(short, error.args[0]) from None
            if doubled := sorted(set(resolved) & set(found)):
                raise self.error(short, f"the dataset(s) {doubled} are listed twice")
            found += resolved
        return found

    def among(self, short: str, known: Sequence[str]) -> list[str]:
        """What a name or address stands for among these datasets."""
        try:
            return datasets.resolve(short, known)
        except UnknownDataset:
            if ".py" not in short and ":" not in short:
                raise
        found = [name for name in addresses.resolve(short, folder=Path(self.file).parent) if name in known]
        return found or datasets.resolve(short, known)

    def entries(self, tables: Sequence[Any], shared: Sequence[str]) -> list[Entry]:
        """Models in the file's order; one without `datasets` of its own is asked about the `shared` ones."""
        entries, titles = list[Entry](), set[str]()
        for i, table in enumerate(tables):
            if not isinstance(table, dict):
                raise self.error("models", f"models holds {table!r}; expected [[models]] tables")
            self.check(table, _MODEL_KEYS, model=i)
            if "name" not in table:
                raise self.error("models", "a model without a name", model=i)
            name, label = table["name"], table.get("label", table["name"])
            own = tuple(self.datasets(table["datasets"])) if "datasets" in table else tuple(shared)
            if not own:
                raise self.error("datasets", f"model {name!r} has no datasets; without the key it has all", model=i)
            try:
                entry = Entry(name, label, table.get("variant", ""), table.get("options", {}), own).resolved()
            except (UnknownModel, ValueError, TypeError) as error:
                raise self.error("name", f"model {name!r}: {error}", model=i) from None
            entry = replace(entry, by_dataset=self.by_dataset(entry, table.get("by_dataset", {}), model=i))
            if entry.title in titles:
                raise self.error("name", f"the model {entry.title!r} is there twice; give one another label", model=i)
            titles.add(entry.title)
            entries.append(entry)
        return entries

    def by_dataset(self, entry: Entry, table: Mapping[str, Any], *, model: int) -> dict[str, Mapping[str, Any]]:
        """Options by the full name of a dataset; a short form stands for all of the model's datasets that it fits."""
        found: dict[str, Mapping[str, Any]] = {}
        for short, options in table.items():
            if not isinstance(options, dict):
                what = "expected a table of options, such as { epochs = 5 }"
                raise self.error(short, f"by_dataset: {short!r} has {options!r}; {what}", model=model)
            try:
                resolved = self.among(short, entry.datasets)
                replace(entry, by_dataset={short: options}).on(short).build()
            except UnknownDataset as error:
                raise self.error(short, f"by_dataset: among the model's, {error.args[0]}", model=model) from None
            except (ValueError, TypeError) as error:
                message = f"model {entry.name!r}, by_dataset {short!r}: {error}"
                raise self.error(short, message, model=model) from None
            if doubled := sorted(set(resolved) & set(found)):
                raise self.error(short, f"by_dataset: the dataset(s) {doubled} are there twice", model=model)
            found |= dict.fromkeys(resolved, options)
        return found
