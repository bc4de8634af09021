"""From a suite to batches: which records are wanted, which are missing, and how they are packed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from scmbench import datasets, models
from scmbench.datasets import addresses

from ..judging import published
from ..questions import protocols, registry
from ..records import staleness
from ..records.answers import Shelf
from ..records.record import Identity, Record, digest
from ..records.store import Store
from ..suites.suite import Entry, Suite
from . import code, fingerprint
from .trial import Base, Trial

SIZED = 16
"""Seeds of a dataset whose sizes are looked at when batches are packed; of further ones the largest of these stands."""


@dataclass
class Fit:
    """One fit to be done: a dataset at a seed, and all wanted records that its fitted model answers.

    `home` is the address where a worker finds a dataset that its name alone does not find. `size` is its number of
    mechanisms, of a late seed about (`SIZED`) until the worker has counted.
    """

    dataset: str
    seed: int
    n_train: int
    trials: list[Trial] = field(default_factory=list)
    size: int = 1
    home: str = ""

    @property
    def protocol(self) -> str:
        """A protocol that gives this fit its training data."""
        return self.trials[0].identity.protocol


@dataclass(frozen=True)
class Batch:
    """Fits of one model configuration that are trained together, in bounded pieces.

    Where all answers are `kept`, nothing is trained: they are scored.
    """

    fits: Sequence[Fit]
    kept: bool = False

    @property
    def size(self) -> int:
        """Number of mechanisms to learn: the measure of work."""
        return sum(fit.size for fit in self.fits)

    @property
    def trials(self) -> list[Trial]:
        """All records this batch makes."""
        return [trial for fit in self.fits for trial in fit.trials]

    @property
    def entry(self) -> Entry:
        """The configuration to fit."""
        return self.fits[0].trials[0].entry


@dataclass(frozen=True)
class Missing:
    """A dataset that cannot be built here, and what to do about it."""

    dataset: str
    message: str


def identify(entry: Entry, dataset: str, seed: int, protocol: str) -> Identity:
    """The identity of one record, from resolved options and current versions."""
    entry = entry.on(dataset)
    return _first(entry, entry.build(), dataset, seed, protocol).identity


def _first(entry: Entry, model: models.CausalModel, dataset: str, seed: int, protocol: str) -> Trial:
    world, questions = datasets.get(dataset), protocols.get(protocol)

    def made_of(asking: frozenset[str]) -> dict[str, str]:
        theirs = fingerprint.of_modules(asking) if asking else ""
        source = " ".join(filter(None, [fingerprint.of_model(type(model)), fingerprint.of_dataset(world), theirs]))
        return {"source": source, "code": code.of(type(model), world, asking)}

    whole = made_of(registry.modules(protocol))
    identity = Identity(
        dataset=dataset,
        dataset_version=world.version,
        seed=seed,
        model=entry.name,
        model_version=model.version,
        options=json.loads(json.dumps(model.identifying_options())),
        protocol=registry.canonical(protocol),
        protocol_version=questions.version,
        metric_versions=questions.metric_versions,
        source=whole["source"],
    )
    name = protocol.partition(registry.ADD)[0]
    asks = protocols.get(name)
    base = Base(
        *(registry.canonical(name), asks.version, asks.metric_versions),
        **made_of(registry.modules(name)),
        added=frozenset(getattr(questions, "added", ())),
    )
    return Trial(identity, entry, whole["code"], base)


def trials(suite: Suite) -> list[Trial]:
    """Every record that the suite asks for, its datasets and models in their order, seeds innermost.

    A model with datasets of its own is asked about these alone. Each is built once, and everything but the seed worked
    out once a dataset.
    """
    built = [(entry, entry.build(), set(entry.datasets or suite.datasets)) for entry in suite.models]
    asked = []
    for dataset in suite.datasets:
        for entry, model, wanted in built:
            if dataset in wanted:
                own = entry.on(dataset)
                first = _first(own, model if own is entry else own.build(), dataset, 0, suite.protocol)
                asked += [replace(first, identity=replace(first.identity, seed=seed)) for seed in suite.seeds]
    return asked


def available(suite: Suite) -> tuple[list[str], list[Missing]]:
    """The suite's datasets that can be built here, and those whose files are missing.

    Raises `DataDamaged` where a file is here and is not the right one.
    """
    missing = [Missing(name, message) for name in suite.datasets if (message := datasets.get(name).missing())]
    for one in missing:
        if isinstance(one.message, datasets.Damaged):
            raise datasets.DataDamaged(f"{one.dataset}: {one.message}")
    gone = {m.dataset for m in missing}
    return [name for name in suite.datasets if name not in gone], missing


def read(asked: Iterable[Trial], store: Store) -> dict[str, Record]:
    """The records of these trials that the store has, by key; each file is read once."""
    keys = (one.key for one in asked)
    return {key: record for key in keys if (record := store.read(key)) is not None}


def pack(asked: Sequence[Trial], *, limit: int = 24, kept: bool = False, device: str | None = None) -> list[Batch]:
    """Batches of at most about `limit` mechanisms, small problems first, methods in turn.

    Records that differ in query options or protocol only share one fit. A model class may ask for larger batches with
    ``batch_mechanisms``, or with ``device_mechanisms`` where `device` is one beside the CPU.
    """
    groups: dict[str, dict[tuple[str, int, int], Fit]] = {}
    limits: dict[str, int] = {}
    known: dict[tuple[int, str], str] = {}
    for one in asked:
        same = (id(one.entry), one.identity.source)  # what it is asked at, and at which seed, is no matter of a fit
        if same not in known:
            cls = models.load(one.identity.model)
            known[same] = _fit_configuration(one.identity, cls)
            wide = cls.device_mechanisms if device and torch.device(device).type != "cpu" else None
            limits[known[same]] = wide or cls.batch_mechanisms or limit
        n_train = protocols.get(one.identity.protocol).n_train
        where = (one.identity.dataset, one.identity.seed, n_train)
        fits = groups.setdefault(known[same], {})
        if where not in fits:
            fits[where] = Fit(*where, home=addresses.home(where[0]))
        fits[where].trials.append(one)
    sizes = _Sizes()
    batches = []
    for rank, (configuration, fits) in enumerate(groups.items()):
        for fit in fits.values():
            fit.size = sizes.of(fit.dataset, fit.seed)
        ordered = sorted(fits.values(), key=lambda fit: _magnitude(fit.size))
        for i, batch in enumerate(_pieces(ordered, limits[configuration])):
            size = max(_magnitude(fit.size) for fit in batch.fits)
            batches.append((size, rank, i, replace(batch, kept=kept)))
    return [batch for *_, batch in sorted(batches, key=lambda row: row[:3])]


class _Sizes:
    """Sizes of datasets by seed, each looked at once, and never at more than `SIZED` seeds: a size may take a build."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, int]] = {}

    def of(self, dataset: str, seed: int) -> int:
        known = self._known.setdefault(dataset, {})
        if seed in known:
            return known[seed]
        if len(known) >= SIZED:
            return max(known.values())
        known[seed] = datasets.get(dataset).size(seed)
        return known[seed]


def _fit_configuration(identity: Identity, cls: type[models.CausalModel]) -> str:
    kept: dict[str, Any] = {k: v for k, v in identity.options.items() if k not in cls.query_options}
    return digest([identity.model, identity.model_version, identity.source, kept])


def _magnitude(size: int) -> int:
    """Small problems (up to 7 mechanisms) before large ones, each kept in the suite's order."""
    return 0 if size < 8 else 1


def _pieces(fits: Sequence[Fit], limit: int) -> Iterator[Batch]:
    piece, filled = list[Fit](), 0
    for fit in fits:
        crosses = piece and _magnitude(piece[-1].size) != _magnitude(fit.size)
        if piece and (crosses or filled + fit.size > limit):
            yield Batch(piece)
            piece, filled = [], 0
        piece.append(fit)
        filled += fit.size
    if piece:
        yield Batch(piece)


@dataclass(frozen=True)
class Plan:
    """What a run will do: all records wanted, the batches of those to compute, datasets that cannot be built here.

    `finished` are the records that the store has, by key, those that will be computed again left out. The `shelf`
    was looked at for kept answers; those in its `damaged` cannot be used, so that their records are computed.
    """

    suite: Suite
    trials: Sequence[Trial]
    batches: Sequence[Batch]
    missing: Sequence[Missing]
    finished: Mapping[str, Record] = field(default_factory=dict, repr=False)
    shelf: Shelf | None = field(default=None, repr=False)

    @property
    def kept(self) -> int:
        """How many records come from kept answers, with nothing trained for them."""
        return sum(len(batch.trials) for batch in self.batches if batch.kept)

    @property
    def lacking(self) -> list[Trial]:
        """The records that will be computed."""
        return [trial for batch in self.batches for trial in batch.trials]

    @property
    def to_do(self) -> int:
        """Number of records to compute."""
        return sum(len(batch.trials) for batch in self.batches)

    @property
    def failed(self) -> int:
        """Number of finished records that are failures, or have a query that is."""
        return sum(record.has_failed for record in self.finished.values())

    @cached_property
    def stale(self) -> Sequence[tuple[str, str]]:
        """Finished records that other code made than today's: the method, and in which parts the code differs."""
        pairs = [(one.entry.title, made_otherwise(one, self.finished.get(one.key))) for one in self.trials]
        return [(method, parts) for method, parts in pairs if parts]


def made_otherwise(one: Trial, record: Record | None) -> str:
    """The parts in which the code that made this record differs from today's; empty where there is no record."""
    return staleness.differing(record.code, one.code) if record else ""


def plan(
    suite: Suite,
    store: Store,
    *,
    retry: bool = False,
    stale: bool = False,
    shard: tuple[int, int] | None = None,
    device: str | None = None,
) -> Plan:
    """Compare what the suite wants with what the store has.

    With `retry`, what failed is computed again; with `stale`, what other code made than there is now. A `shard` (k, n)
    is the k-th of n parts, counted from 1: every n-th batch of the whole suite, whatever is finished, so that the parts
    share nothing and are together all of it, and large problems are spread over them. Raises
    `PublishedError` where numbers that the suite compares with cannot be read, and as `available` does: now, not after
    computing. A record whose answers are kept, under whatever metrics, comes from them. On a `device` beside the CPU
    more is trained together, within the same parts.
    """
    for name in suite.published:
        published.load(name)
    there, missing = available(suite)
    wanted = set(there)
    asked = [one for one in trials(suite) if one.identity.dataset in wanted]
    if shard:
        k, n = shard
        mine = {one.key for batch in pack(asked)[k - 1 :: n] for one in batch.trials}
        asked = [one for one in asked if one.key in mine]
    finished = read(asked, store)
    if retry:
        finished = {key: record for key, record in finished.items() if not record.has_failed}
    if stale:
        made = {one.key for one in asked if made_otherwise(one, finished.get(one.key))}
        finished = {key: record for key, record in finished.items() if key not in made}
    lacking, shelf = [one for one in asked if one.key not in finished], Shelf(store)
    kept = {one.key for one in lacking if shelf.has(one.answers) and shelf.read(one.answers)}
    batches = pack([one for one in lacking if one.key in kept], kept=True)
    batches += pack([one for one in lacking if one.key not in kept], device=device)
    return Plan(suite, asked, batches, missing, finished, shelf)
