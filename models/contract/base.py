"""The contract that a learned causal model fulfils to be judged: fit, sample, counterfactual."""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import networkx as nx
from scmbench.datasets.problem import Problem
from scmbench.datasets.values import Intervention, Values

RUNGS = frozenset({"observational", "interventional", "counterfactual"})


class Unsupported(Exception):
    """Raised by `fit` or a query that a method cannot answer by design; tables then show that, not a failure."""


class CausalModel(ABC):
    """A causal generative model learned from observational data and a known graph.

    A subclass writes `fit`, `sample` and `counterfactual` (what it can answer stands in `answers`). Its options are its
    constructor's arguments; each is kept as the attribute of the same name and must be a plain value (number, string,
    boolean, None or a tuple of these), because resolved options identify a result.

    All values that go in and come out are float64 on the CPU (integer nodes int64); what a model computes in, and
    where, is its own affair. Randomness comes from `seed` alone. Nothing depends on state left by an earlier query.

    Optional methods, discovered by their presence: ``abduct(factual)`` (the inferred noise), ``log_prob(x)``,
    ``predict(do)`` (a point prediction; otherwise the median of samples), ``save(folder)`` / ``load(folder)``, and, for
    models that know the truth, ``replay(noise, do)`` (the counterfactual of known noise).
    """

    version: ClassVar[int] = 1
    """Counts changes of what the method computes; part of every record's key."""

    answers: ClassVar[frozenset[str]] = RUNGS
    """The kinds of query it can answer; nothing else is asked, and nothing is trained in vain."""

    role: ClassVar[Literal["method", "floor", "ceiling"]] = "method"
    """What a score of it means: a `method` competes, a `floor` knows no causes, a `ceiling` is given the truth.

    Floors and ceilings are what scores are read between; no table counts them among the best. The role is the class's,
    whatever label a suite gives it.
    """

    query_options: ClassVar[frozenset[str]] = frozenset()
    """Options that act at query time only: configurations that differ in these alone share one fit."""

    execution_options: ClassVar[frozenset[str]] = frozenset({"device"})
    """Options that say where to compute, not what: they are no part of a result's identity."""

    variants: ClassVar[tuple[str, ...]] = ()
    """What the option `variant` takes, where a method has one; the first is its default."""

    conformance_options: ClassVar[Mapping[str, Any]] = {}
    """Options that make `fit` cheap, such as ``{"epochs": 2}``: the conformance kit tests properties, not accuracy."""

    abduction_tolerance: float = 1e-4
    """How far the answer to an empty `do` may stray from the factual row, in standard deviations of the node."""

    @property
    def waives(self) -> Mapping[str, str]:
        """Conformance properties that this configuration breaks on purpose: property name to the reason."""
        return {}

    @abstractmethod
    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Learn from observational rows ``{node: (n, *event)}``; returns self.

        Raises `ValuesError` for a cycle, a missing column or NaN, `Unsupported` for a graph or type it cannot model.
        """

    @abstractmethod
    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` rows of every node, observational or under `do` (per-row values allowed)."""

    @abstractmethod
    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """What every node would have been for these very rows under `do`."""

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """`fit` on the problem's graph and training data; only floors and ceilings look at more."""
        return self.fit(problem.graph, problem.train, seed=seed)

    def fit_many(self, problems: Sequence[Problem], seeds: Sequence[int]) -> list[Self]:
        """Fitted copies of this model, one a problem; methods that train many networks at once override it."""
        return [copy.deepcopy(self).fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]

    def cost(self) -> dict[str, int]:
        """What the fit took, where it means something: ``parameters`` and ``gradient_steps`` (per network)."""
        return {}

    def options(self) -> dict[str, Any]:
        """The resolved options, defaults included."""
        return {name: getattr(self, name) for name in option_defaults(type(self))}

    def with_query_options(self, **options: Any) -> Self:
        """A copy that shares this fit and answers with other `query_options`. Raises `ValueError` for other options."""
        if extra := sorted(set(options) - self.query_options):
            raise ValueError(f"{type(self).__name__}: {extra} act in fit, not at query time; fit a new model instead")
        other = copy.copy(self)
        for name, value in options.items():
            setattr(other, name, value)
        return other


def option_defaults(cls: type[CausalModel]) -> dict[str, Any]:
    """Names and defaults of a model's options, read off its constructor."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def build(cls: type[CausalModel], options: Mapping[str, Any]) -> CausalModel:
    """``cls(**options)``. Raises `ValueError` that names an unknown option and lists those there are."""
    known = option_defaults(cls)
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{cls.__name__} has no option {unknown}; it has {sorted(known)}")
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in options.items()})
