"""The contract that a learned causal model fulfils to be judged: fit, sample, counterfactual."""

from __future__ import annotations

import copy
import inspect
from abc import ABC
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import networkx as nx
from scmbench.datasets.problem import Problem
from scmbench.datasets.values import Intervention, Values, ValuesError, batch, check_values, expand, n_rows
from torch import Tensor

from .checks import check_integer, check_rows, completed, copies, own_graph, own_rows
from .fields import FieldError, Saves, lift_fields, lower
from .levels import levels_of

RUNGS = frozenset({"observational", "interventional", "counterfactual"})

POWERS = ("abduct", "log_prob", "predict", "replay", "save")
"""What a model may do beyond the contract; `CausalModel.powers` says which of them a class has."""

EXACT, UNTOUCHED = "do is exact", "non-descendants untouched"
"""The properties that the contract keeps for a method, unless the method waives them."""


class Unsupported(Exception):
    """Raised by `fit` or a query that a method cannot answer by design; tables then show that, not a failure."""


class CausalModel(Saves, ABC):
    """A causal generative model learned from observational data and a known graph.

    **Who does what.** The public methods are this class's: they check what comes in (a misspelt node, NaN, another
    shape, ``n=1e3`` are `ValuesError`s that name the culprit), make tensors of `do`, hand copies to the *hooks* of the
    method and finish what these return. A subclass writes the hooks `_fit`, `_sample` and `_counterfactual`, as far as
    `answers` lists their kind of query, and of `_abduct`, `_log_prob`, `_predict`, `_replay` those that it can (see
    `powers`). So these hold by construction: intervened nodes have exactly their value; in a counterfactual, what the
    intervention does not reach has its factual value; discrete nodes (integers, and two values of any type) have values
    that occur in training; no input is changed, no answer shares memory with one; what the caller does to graph or data
    after `fit` changes no answer.

    Published code that breaks one of the first two on purpose says so by name in `waives` and is then let alone. A
    class that overrides a public method instead of its hook works too, and keeps these promises by itself.

    **Options** are the constructor's arguments; each is kept as the attribute of the same name and must be a plain
    value (number, string, boolean, None or a tuple of these), because resolved options identify a result.

    **Values** that go in and come out are float64 on the CPU, integer nodes int64, images ``(n, c, h, w)`` float32;
    what a model computes in, and where, is its own affair. Randomness comes from `seed` alone. Nothing depends on state
    left by an earlier query.

    **Categories** are numbers without order, such as codes of towns. A graph declares them by the attribute
    ``categorical=True`` of a node; a class that can model them says so (`categories`), for the others they are
    `Unsupported`.

    `fit` sets `graph` (a plain copy), `order` (its nodes, causes first, ties by name), `like` (for every node a tensor
    of no rows that has its type and event shape), `levels` (for every discrete node the values that occur in training,
    see `contract.levels`) and `categorical` (the nodes that are declared so).
    """

    version: ClassVar[int] = 1
    """Counts changes of what the method computes; part of every record's key."""

    answers: ClassVar[frozenset[str]] = RUNGS
    """The kinds of query it can answer; nothing else is asked, and nothing is trained in vain."""

    powers: ClassVar[frozenset[str]] = frozenset()
    """Which of `POWERS` the class has: those that it defines, as hook or as public method. Derived, never written.

    A model that has one may still raise `Unsupported` for some data, such as `log_prob` of a node without a density.
    """

    role: ClassVar[Literal["method", "floor", "ceiling"]] = "method"
    """What a score of it means: a `method` competes, a `floor` knows no causes, a `ceiling` is given the truth.

    Floors and ceilings are what scores are read between; no table counts them among the best. The role is the class's,
    whatever label a suite gives it, and scmbench's to give: a class from outside is a method, whatever it says here
    (`registry.role_of`).
    """

    query_options: ClassVar[frozenset[str]] = frozenset()
    """Options that act at query time only: configurations that differ in these alone share one fit."""

    execution_options: ClassVar[frozenset[str]] = frozenset({"device"})
    """Options that say where to compute, not what: they are no part of a result's identity."""

    variants: ClassVar[tuple[str, ...]] = ()
    """What the option `variant` takes, where a method has one; the first is its default."""

    conformance_options: ClassVar[Mapping[str, Any]] = {}
    """Options that make `fit` cheap, such as ``{"epochs": 2}``: the conformance kit tests properties, not accuracy."""

    batch_mechanisms: ClassVar[int | None] = None
    """How many mechanisms one call of `fit_many` trains at most; None leaves it to the harness."""

    categories: ClassVar[bool] = False
    """Whether it can model nodes whose numbers have no order."""

    common: ClassVar[Mapping[str, Any]] = {
        "graph": nx.DiGraph,
        "like": dict[str, Tensor],
        "levels": dict[str, Tensor],
        "categorical": list[Any],
    }
    """Fields that this base sets, with their types: they are saved beside those that a method names in `saves`."""

    _named_options: frozenset[str]

    abduction_tolerance: float = 1e-4
    """How far the answer to an empty `do` may stray from the factual row, in standard deviations of the node."""

    graph: nx.DiGraph
    order: list[str]
    like: Values
    levels: Values
    categorical: list[str]

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        cls.powers = frozenset(power for power in POWERS if _defines(cls, power) or _defines(cls, f"_{power}"))

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """A new model that remembers which of its options its maker named: the others may be chosen for them."""
        if cls.__init__ is object.__init__ and (arguments or options):
            raise TypeError(f"{cls.__name__} has no options, got {[*arguments, *options]}")
        self = super().__new__(cls)
        self._named_options = frozenset([*options, *list(option_defaults(cls))[: len(arguments)]])
        return self

    @property
    def waives(self) -> Mapping[str, str]:
        """Conformance properties that this configuration breaks on purpose: property name to the reason."""
        return {}

    # What is asked: every method here checks, and leaves the answer to a hook.

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Learn from observational rows ``{node: (n, *event)}``; returns self. A fit that raises changes nothing.

        Args:
            graph: The causal graph, acyclic; its nodes are names of `data`.
            data: Node to its rows, ``(n, *event)``.
            seed: Where all randomness comes from.

        Returns:
            The model itself, fitted.

        Raises:
            ValuesError: For a cycle, a missing column, NaN or no rows.
            Unsupported: For a graph or type that it cannot model.
        """
        before = dict(vars(self))
        try:
            rows = self._own(graph, data)
            self._fit(self.graph, rows, seed=check_integer(seed, "seed"))
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` rows of every node, observational or under `do` (a value, or one a row).

        Args:
            n: How many rows.
            do: Node to the value that it is set to; None sets nothing.
            seed: Where all randomness comes from.

        Returns:
            The rows ``{node: (n, *event)}``; intervened nodes have exactly their value.

        Raises:
            ValuesError: For an `n` or a `do` that does not fit.
            Unsupported: Where the method draws no samples.
        """
        n, seed, like = check_integer(n, "n", least=0), check_integer(seed, "seed"), self._fitted()
        forced = expand(do, n, like)
        answer = self._sample(n, copies(forced), seed=seed) if n else like
        free = {node: known for node, known in self.levels.items() if node not in forced}
        return completed(answer, like, free, n, forced if self._keeps(EXACT) else {}, who=type(self).__name__)

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """What every node would have been for these very rows under `do`.

        Args:
            factual: The rows as they were, ``{node: (n, *event)}``.
            do: Node to the value that it is set to: one value, or one a row.
            seed: Where all randomness comes from.

        Returns:
            The rows ``{node: (n, *event)}``; what the intervention does not reach has its factual value.

        Raises:
            ValuesError: For rows or a `do` that do not fit.
            Unsupported: Where the method has no counterfactuals.
        """
        seed, like = check_integer(seed, "seed"), self._fitted()
        known = check_rows(factual, like, what="factual rows")
        n = n_rows(known)
        forced = expand(do, n, like)
        answer = self._counterfactual(copies(known), copies(forced), seed=seed) if n else like
        moved = self.reached(forced) if self._keeps(UNTOUCHED) else set(self.order)
        known = {node: x for node, x in known.items() if node not in moved and node not in forced}
        known |= forced if self._keeps(EXACT) else {}
        free = {node: levels for node, levels in self.levels.items() if node not in forced}
        return completed(answer, like, free, n, known, who=type(self).__name__)

    def abduct(self, factual: Values) -> Values:
        """The noise ``{node: (n, ...)}`` inferred of factual rows.

        Args:
            factual: The rows as they were, ``{node: (n, *event)}``.

        Returns:
            The inferred noise, node by node.

        Raises:
            ValuesError: For rows that do not fit.
            Unsupported: Where the method does not show the noise that it infers.
        """
        return self._abduct(check_rows(factual, self._fitted(), what="factual rows"))

    def log_prob(self, x: Values) -> Tensor:
        """Log-density ``(n,)`` of rows, nats, in the units of the data.

        Args:
            x: The rows, ``{node: (n, *event)}``.

        Returns:
            The log-density of each row, ``(n,)``.

        Raises:
            ValuesError: For rows that do not fit.
            Unsupported: Where the method samples without a density.
        """
        return self._log_prob(check_rows(x, self._fitted(), what="rows"))

    def predict(self, do: Intervention) -> Values:
        """A point prediction under `do`, as many rows as its tensors have, else one.

        Args:
            do: Node to the value that it is set to: one value, or one a row.

        Returns:
            The prediction ``{node: (n, *event)}``.

        Raises:
            ValuesError: For a `do` that does not fit.
            Unsupported: Where a model predicts by sampling only.
        """
        n, like = batch(do), self._fitted()
        forced = expand(do, n, like)
        answer = self._predict(n, copies(forced))
        return completed(answer, like, self.levels, n, forced, who=type(self).__name__)

    def replay(self, noise: Values, do: Intervention) -> Values:
        """The counterfactual of *known* noise ``{node: (n, *event)}``, for models that are given the truth.

        Args:
            noise: The noise of every node, ``{node: (n, *event)}``.
            do: Node to the value that it is set to: one value, or one a row.

        Returns:
            The rows ``{node: (n, *event)}`` that this noise produces under `do`.

        Raises:
            ValuesError: For noise or a `do` that does not fit.
            Unsupported: For all models that do not know the noise behind a row.
        """
        n, like = check_values(noise, noise, what="noise"), self._fitted()
        forced = expand(do, n, like)
        answer = self._replay(copies(noise), copies(forced))
        return completed(answer, like, self.levels, n, forced, who=type(self).__name__)

    # What answers: the hooks of a method. Their tensors are copies, theirs to keep or to overwrite.

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Hook of `fit`: learn from rows that are checked and the model's own.

        Args:
            graph: The causal graph, the model's own copy.
            data: Rows ``{node: (n, *event)}``; n is at least 1.
            seed: Where all randomness comes from.

        Raises:
            Unsupported: For a graph or type that it cannot model.
        """
        raise NotImplementedError(f"{type(self).__name__} learns nothing: write _fit(self, graph, data, *, seed)")

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Hook of `sample`: `n` rows with the nodes `forced` to ``(n, *event)``.

        Args:
            n: How many rows.
            forced: The intervened nodes' values, ``{node: (n, *event)}``; empty for observational rows.
            seed: Where all randomness comes from.

        Returns:
            The rows; what is returned for forced nodes does not matter. A node's answer may be flat, ``(n, k)``, and
            in any real type.
        """
        raise Unsupported(f"{type(self).__name__} answers {_listed(self.answers)} queries; it draws no samples")

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """Hook of `counterfactual`: the rows `factual` with the nodes `forced` to ``(n, *event)``.

        Args:
            factual: The rows as they were, ``{node: (n, *event)}``.
            forced: The intervened nodes' values, ``{node: (n, *event)}``.
            seed: Where all randomness comes from.

        Returns:
            The rows under the intervention; only nodes in `reached` matter.
        """
        raise Unsupported(f"{type(self).__name__} answers {_listed(self.answers)} queries; it has no counterfactuals")

    def _abduct(self, factual: Values) -> Values:
        raise Unsupported(f"{type(self).__name__} does not show the noise that it infers")

    def _log_prob(self, x: Values) -> Tensor:
        raise Unsupported(f"{type(self).__name__} has no log_prob: it samples without a density")

    def _predict(self, n: int, forced: Values) -> Values:
        raise Unsupported(f"{type(self).__name__} predicts by its samples only")

    def _replay(self, noise: Values, forced: Values) -> Values:
        raise Unsupported(f"{type(self).__name__} does not know the noise behind a row")

    # What hooks may use.

    def reached(self, nodes: Iterable[str]) -> set[str]:
        """What an intervention can move: the descendants of its nodes, without the nodes themselves.

        Args:
            nodes: The nodes that are set.

        Returns:
            Names of nodes of the fitted graph.
        """
        forced = set(nodes)
        return set().union(*(nx.descendants(self.graph, node) for node in forced)) - forced

    def _keeps(self, name: str) -> bool:
        """Whether this configuration keeps the property, rather than waiving it."""
        return name not in self.waives

    def _own(self, graph: nx.DiGraph, data: Values) -> Values:
        """Set what every fit sets; returns copies of the rows. Lists among the options become tuples.

        Raises `Unsupported` for declared categories where the class knows numbers only.
        """
        plain = own_graph(graph)
        rows = own_rows(data, plain)
        self.graph, self.order, self.like = plain, list(plain), {node: x[:0].clone() for node, x in rows.items()}
        self.levels = levels_of(rows)
        self.categorical = [node for node in plain if graph.nodes[node].get("categorical")]
        if self.categorical and not self.categories:
            raise Unsupported(
                f"{type(self).__name__} models numbers, and {self.categorical[0]!r} is a category without order: "
                "encode it as columns of 0 and 1, or declare its order"
            )
        if taken := sorted(set(option_defaults(type(self))) & {*self.common, "order"}):
            raise ValuesError(f"{type(self).__name__}: its option {taken[0]!r} has the name of what every fit sets")
        for name in option_defaults(type(self)):
            if isinstance(option := vars(self).get(name), list):
                setattr(self, name, tuple(option))
        return rows

    def _fitted(self) -> Values:
        if "like" not in vars(self):
            raise ValuesError(f"{type(self).__name__} is not fitted yet: call fit(graph, data, seed=...) first")
        return self.like

    # What the harness uses.

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """`fit` on the problem's graph and training data.

        Only the floors and ceilings of scmbench are given more: others get a problem without a name, its world and its
        questions (`Problem.shown`).

        Args:
            problem: Graph and training rows.
            seed: All randomness of the fit comes from it.

        Returns:
            The model itself, fitted.

        Raises:
            Unsupported: Where the method does not model such a graph or such nodes.
            ValuesError: For rows that `fit` refuses.
        """
        return self.fit(problem.graph, problem.train, seed=seed)

    def fit_many(self, problems: Sequence[Problem], seeds: Sequence[int]) -> list[Self]:
        """Fit copies of this model, one a problem; methods that train many networks at once override it.

        Args:
            problems: Graphs and training rows, which may differ in everything.
            seeds: A seed a problem.

        Returns:
            The fitted copies in the same order. None of them depends on what it was fitted beside.

        Raises:
            Unsupported: As `fit_problem`, for any of them.
        """
        return [copy.deepcopy(self).fit_problem(p, seed=s) for p, s in zip(problems, seeds, strict=True)]

    def saved(self) -> dict[str, Any]:
        """The fields of `saves` and those that every fit sets, as plain data.

        Returns:
            Field to numbers, texts, tensors, and lists and dicts of these.

        Raises:
            FieldError: For a field that is missing or is no plain data.
            Unsupported: Where the class says that it cannot be saved.
        """
        own = super().saved()
        return {name: lower(vars(self)[name], hint, name) for name, hint in self._common(vars(self)).items()} | own

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """Take the fields that `saved` gave, on a new model with the same options.

        Args:
            fields: What `saved` gave, maybe read from a file.

        Returns:
            The model itself, which answers as the saved one did.

        Raises:
            FieldError: For a field that is missing, of another type, or does not fit the others.
        """
        common = self._common(fields)
        for name, value in lift_fields({name: fields[name] for name in common}, common, type(self).__name__).items():
            setattr(self, name, value)
        if "graph" in common:
            self.graph = own_graph(self.graph)
            self.order = list(self.graph)
        if {"graph", "like"} <= set(common):
            if set(self.like) != set(self.order):
                raise FieldError(f"like has the nodes {list(self.like)}, the graph {self.order}")
            self.like = {node: self.like[node] for node in self.order}
            self._check_levels()
        return super().restore({name: value for name, value in fields.items() if name not in common})

    def _check_levels(self) -> None:
        """Raises `FieldError` where the levels that were read are missing or belong to other nodes."""
        if "levels" not in vars(self) or "categorical" not in vars(self):
            raise FieldError("the fields lack 'levels' or 'categorical': saved by an older scmbench; fit again")
        for node, known in self.levels.items():
            like = self.like.get(node)
            expected = None if like is None else (like.dtype, like.shape[1:].numel())
            if known.ndim != 2 or not len(known) or (known.dtype, known.shape[1]) != expected:
                raise FieldError(f"levels[{node!r}] has shape {tuple(known.shape)} and {known.dtype}")

    def _common(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: hint for name, hint in self.common.items() if name in fields and name not in (self.saves or ())}

    def cost(self) -> dict[str, int]:
        """What the fit took, where it means something: ``parameters`` and ``gradient_steps`` (per network).

        Finite numbers are kept with a record, under names that the harness does not use; all else is dropped.
        """
        return {}

    def options(self) -> dict[str, Any]:
        """The resolved options, defaults included."""
        return {name: getattr(self, name) for name in option_defaults(type(self))}

    def with_query_options(self, **options: Any) -> Self:
        """A copy that shares this fit and answers with other `query_options`.

        Args:
            options: Options by name, of those in `query_options`.

        Returns:
            The copy; the model itself stays as it is.

        Raises:
            ValueError: For options that act in the fit.
        """
        if extra := sorted(set(options) - self.query_options):
            raise ValueError(f"{type(self).__name__}: {extra} act in fit, not at query time; fit a new model instead")
        other = copy.copy(self)
        for name, value in options.items():
            setattr(other, name, value)
        return other


def option_defaults(cls: type[CausalModel]) -> dict[str, Any]:
    """Names and defaults of a model's options, read off its constructor."""
    parameters = constructor_parameters(cls)
    return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def constructor_parameters(cls: type[CausalModel]) -> list[inspect.Parameter]:
    """The parameters of ``cls.__init__`` without self; none where a class has no constructor of its own."""
    return [] if cls.__init__ is object.__init__ else list(inspect.signature(cls.__init__).parameters.values())[1:]


def build(cls: type[CausalModel], options: Mapping[str, Any]) -> CausalModel:
    """A model of the class with these options: ``cls(**options)``.

    Args:
        cls: The class, as `load` gives it.
        options: Arguments of its constructor by name; lists become tuples.

    Returns:
        The model, not fitted yet.

    Raises:
        ValueError: For an unknown option; it names it and lists those there are.
    """
    known = option_defaults(cls)
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{cls.__name__} has no option {unknown}; it has {sorted(known)}")
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in options.items()})


def _defines(cls: type[CausalModel], name: str) -> bool:
    return getattr(cls, name, None) is not getattr(CausalModel, name, None)


def _listed(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
