"""Problems and queries: what a registered dataset hands to the harness."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import networkx as nx
from torch import Tensor

from .errors import Damaged, DataDamaged, DataMissing
from .scm import SCM
from .seeds import derive
from .values import Values

IMAGE_SIZE = 40
"""The mechanism of an image is about as much work as this many of scalars."""


@dataclass(frozen=True)
class Score:
    """One number: `metric` of one `query`, for one intervened `node` at one `value` (both empty where none applies)."""

    query: str
    metric: str
    score: float
    node: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Example:
    """One answer for plots: `target` under ``do(node = value)``, its true or measured and its predicted value."""

    node: str
    value: float
    target: str
    true: float
    predicted: float
    member: str = ""


@dataclass(frozen=True)
class Origin:
    """Where a problem comes from: what is kept beside the data for this very one is named after it."""

    dataset: str
    version: int
    seed: int


@runtime_checkable
class Query(Protocol):
    """A causal question with known or measured answer: asks a fitted model, then scores what it said."""

    @property
    def kind(self) -> str:
        """What rows and tables call it: ``observational``, ``counterfactual``, ``predictive``, …"""
        ...

    @property
    def rung(self) -> str:
        """What a model must list in its `answers` to be asked: the rung of the ladder that the question stands on."""
        ...

    def ask(self, model: Any, *, seed: int) -> Values:
        """Ask a fitted model.

        Args:
            model: It has the methods of `CausalModel` that its `answers` call for.
            seed: The model's own randomness comes from it.

        Returns:
            The model's answer, ``{node: (n, *event)}``.

        Raises:
            ValuesError: For an answer with missing nodes, wrong shapes or NaN.
        """
        ...

    def score(self, answer: Values) -> Iterable[Score]:
        """Compare an answer with the truth, which is computed here and not before.

        Args:
            answer: What `ask` gave.

        Returns:
            Scores, each with its metric, and the node and value that were set.
        """
        ...


class QueryBuilder(Protocol):
    """The side of an evaluation protocol that a dataset sees (benchmarks/questions/protocols.py)."""

    @property
    def name(self) -> str:
        """The protocol's name."""
        ...

    @property
    def version(self) -> int:
        """Counts changes of anything that moves an outcome."""
        ...

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on, by name; part of every record's key."""
        ...

    @property
    def n_train(self) -> int:
        """Number of training rows."""
        ...

    def queries(
        self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None
    ) -> Sequence[Query]:
        """The questions to ask about a world.

        Args:
            scm: The world, which knows the answers.
            seed: Values to set and rows to ask about come from streams of it.
            train: The training rows, for protocols that set values seen there.
            origin: Where the problem comes from; told where the world has an image.

        Returns:
            The questions, in the order in which they are asked.
        """
        ...

    def held_out(self, rows: Values) -> Sequence[Query]:
        """The questions to ask where measured rows, kept from training, are all that is known of the world."""
        ...

    def predictive(self, node: str, values: Tensor, measured: Values) -> Query:
        """How well does a model predict what was `measured`, row by row, while `node` was set to `values` ``(n,)``?"""
        ...

    def measured_images(
        self, measured: Values, *, image: str, label: str, draw: Callable[[int, int], Values], origin: Origin, seed: int
    ) -> Sequence[Query]:
        """The questions to ask about measured images and their classes, kept from training.

        ``draw(n, seed)`` gives at most n rows that are neither asked about nor trained on: for judges.
        """
        ...


@dataclass(frozen=True)
class Problem:
    """A graph, training data and the queries to answer: all that a model's evaluation needs.

    Attributes:
        name: The dataset's name.
        seed: The seed that it was built from.
        graph: The causal graph over the observed nodes. Where a hidden cause is known of, ``graph.graph["confounded"]``
            has the sets of nodes with one in common (`hidden.groups`); methods that do not read it ignore it.
        train: Training rows, ``{node: (n, *event)}``.
        queries: The questions to ask of the fitted model.
        scm: The truth where there is one (only floors and ceilings may look at it).
        member: The part of a problem that falls into several, such as the subjects of a study.
    """

    name: str
    seed: int
    graph: nx.DiGraph
    train: Values
    queries: Sequence[Query] = field(repr=False)
    scm: SCM | None = field(default=None, repr=False)
    member: str = ""

    def shown(self) -> Problem:
        """What a method may see: graph and training rows, without the world, the questions and their names."""
        return Problem("", self.seed, self.graph, self.train, ())


class Dataset(ABC):
    """A registered source of problems. A worker rebuilds them from name, protocol and seed; nothing is pickled."""

    name: str
    version: int
    """Counts changes of the data; part of every record's key."""

    @property
    def module(self) -> str:
        """The module that defines the data, so that versions of outside datasets can be told apart."""
        return type(self).__module__

    def missing(self) -> str | None:
        """What files are missing and the command that gets them, or None when all is there.

        Such a dataset is left out of a run; with a `Damaged` message (a file is here and is not the right one) the run
        does not begin.
        """
        return None

    def size(self, seed: int) -> int:
        """How many mechanisms there are to learn, a measure of work for planning.

        Args:
            seed: The problem's seed.

        Returns:
            A number of at least 1; it need not be exact.
        """
        return 1

    @abstractmethod
    def problems(self, protocol: QueryBuilder, *, seed: int) -> list[Problem]:
        """The problem at this seed; several where it has members.

        Args:
            protocol: How many training rows, and what is asked.
            seed: All randomness comes from streams of it.

        Returns:
            Problems that hold graph, training rows and questions.

        Raises:
            DataMissing: Where `missing` says so.
        """


class SCMDataset(Dataset):
    """A dataset whose truth is an SCM: `build(seed)` gives it; equations that need no seed ignore it.

    `function` is what was registered, where `build` calls it.
    """

    def __init__(self, name: str, build: Any, *, version: int = 1, needs: Any = None, function: Any = None):
        self.name, self.version, self._build, self._needs = name, version, build, needs
        self.function = function
        self.__doc__ = build.__doc__

    @property
    def module(self) -> str:
        """The module of the function that builds the SCM."""
        return self._build.__module__

    def missing(self) -> str | None:
        """What `needs` (a function returning a message or None) says of the files this SCM is made from."""
        return self._needs() if self._needs else None

    def scm(self, seed: int = 0) -> SCM:
        """The structural causal model.

        Args:
            seed: The problem's seed; worlds whose equations are fixed ignore it.

        Returns:
            The world.

        Raises:
            DataMissing: Where files that it is made from are missing.
            DataDamaged: Where one of them is not the right one.
        """
        if message := self.missing():
            raise DataDamaged(message) if isinstance(message, Damaged) else DataMissing(message)
        return self._build(seed)

    def size(self, seed: int) -> int:
        """The number of nodes that have parents, an image counting as `IMAGE_SIZE`."""
        scm = self.scm(seed)
        return sum(IMAGE_SIZE if node in scm.images else 1 for node, parents in scm.graph.in_degree if parents)

    def problems(self, protocol: QueryBuilder, *, seed: int) -> list[Problem]:
        """One problem: ``protocol.n_train`` observational rows and the protocol's queries, from streams of `seed`."""
        scm, stream = self.scm(seed), self.stream(seed)
        train = scm.sample(self.rows(protocol), seed=derive(stream, "train"))
        known = {"origin": Origin(self.name, self.version, seed)} if scm.images else {}
        queries = protocol.queries(scm, seed=derive(stream, "queries"), train=train, **known)
        return [Problem(self.name, seed, self.told(scm, seed), train, queries, scm)]

    def stream(self, seed: int) -> int:
        """What rows and questions of this seed are drawn from."""
        return derive(seed, self.name)

    def rows(self, protocol: QueryBuilder) -> int:
        """How many rows to train on: the protocol's number."""
        return protocol.n_train

    def told(self, scm: SCM, seed: int) -> nx.DiGraph:
        """The graph that models are given: the world's own."""
        return scm.graph
