"""The contract that a learned causal model fulfils to be judged: fit, sample, counterfactual."""

from __future__ import annotations

import copy
from abc import ABC
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import networkx as nx
from scmbench.datasets.problem import Problem
from scmbench.datasets.values import Intervention, Values, batch, check_values, expand, is_image, n_rows
from torch import Tensor

from .checks import between, check_integer, check_rows, check_share, completed, copies, ends
from .fitted import Fitted, Unsupported
from .options import Configured

RUNGS = frozenset({"observational", "interventional", "counterfactual"})

POWERS = ("abduct", "interval", "log_prob", "predict", "replay", "save")
"""What a model may do beyond the contract; `CausalModel.powers` says which of them a class has."""

EXACT, UNTOUCHED = "do is exact", "non-descendants untouched"
"""The properties that the contract keeps for a method, unless the method waives them."""


class CausalModel(Fitted, Configured, ABC):
    """A causal generative model learned from observational data and a known graph.

    **Who does what.** The public methods are this class's: they check what comes in (a misspelt node, NaN, another
    shape, ``n=1e3`` are `ValuesError`s that name the culprit), make tensors of `do`, hand copies to the *hooks* of the
    method and finish what these return. A subclass writes the hooks `_fit`, `_sample` and `_counterfactual`, as far as
    `answers` lists their kind of query, and of `_abduct`, `_interval`, `_log_prob`, `_predict`, `_replay` those that it
    can (see `powers`). So these hold by construction: intervened nodes have exactly their value; in a counterfactual,
    what the intervention does not reach has its factual value; discrete nodes (integers, and two values of any type)
    have values that occur in training; no input is changed, no answer shares memory with one; what the caller does to
    graph or data after `fit` changes no answer.

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

    What every fit sets stands in `Fitted`, what options are in `Configured`.
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

    conformance_options: ClassVar[Mapping[str, Any]] = {}
    """Options that make `fit` cheap, such as ``{"epochs": 2}``: the conformance kit tests properties, not accuracy."""

    made_of: ClassVar[tuple[str, ...]] = ()
    """Names of other methods whose mechanisms it uses, so that an edit of theirs is told of its numbers, too."""

    batch_mechanisms: ClassVar[int | None] = None
    """How many mechanisms one call of `fit_many` trains at most; None leaves it to the harness."""

    device_mechanisms: ClassVar[int | None] = None
    """The same where its `device` is not the CPU: a GPU trains hundreds of small networks in the time of one."""

    abduction_tolerance: float = 1e-4
    """How far the answer to an empty `do` may stray from the factual row, in standard deviations of the node."""

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        cls.powers = frozenset(power for power in POWERS if _defines(cls, power) or _defines(cls, f"_{power}"))

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
        factual = check_rows(factual, like, what="factual rows")
        n = n_rows(factual)
        forced = expand(do, n, like)
        answer = self._counterfactual(copies(factual), copies(forced), seed=seed) if n else like
        return self._completed(answer, factual, forced)

    def interval(self, factual: Values, do: Intervention, level: float = 0.9, *, seed: int) -> Values:
        """Between which two values every node would have been for these very rows under `do`.

        A method that knows a law of each row's counterfactual gives its central interval at `level`. One that has
        several answers to each row, of which its data do not say which is right, gives the least and the greatest of
        them whatever the level: what it does not know has no probability.

        Args:
            factual: The rows as they were, ``{node: (n, *event)}``.
            do: Node to the value that it is set to: one value, or one a row.
            level: How likely the truth should lie between the two, above 0 and below 1.
            seed: Where all randomness comes from.

        Returns:
            The lower and the upper end ``{node: (n, 2, *event)}``, component by component; what is set, and what the
            intervention does not reach, has both ends at its value.

        Raises:
            ValuesError: For rows, a `do` or a `level` that does not fit, and for an end that is below the other.
            Unsupported: Where the method gives points only, and for images and categories, which lie between nothing.
        """
        seed, like, level = check_integer(seed, "seed"), self._fitted(), check_share(level, "level")
        if odd := [node for node in self.order if is_image(like[node]) or node in self.categorical]:
            raise Unsupported(f"{odd[0]!r} is an image or a category: no value of it lies between two others")
        factual = check_rows(factual, like, what="factual rows")
        n = n_rows(factual)
        forced = expand(do, n, like)
        answer = self._interval(copies(factual), copies(forced), level, seed=seed) if n else between(like, like)
        low, high = (self._completed(end, factual, forced) for end in ends(answer, n, who=type(self).__name__))
        return between(low, high)

    def _completed(self, answer: Any, factual: Values, forced: Values) -> Values:
        """What a method answered to factual rows, and as they are what is forced and what that does not reach."""
        moved = self.reached(forced) if self._keeps(UNTOUCHED) else set(self.order)
        known = {node: x for node, x in factual.items() if node not in moved and node not in forced}
        known |= forced if self._keeps(EXACT) else {}
        free = {node: levels for node, levels in self.levels.items() if node not in forced}
        return completed(answer, self.like, free, n_rows(factual), known, who=type(self).__name__)

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

    def _interval(self, factual: Values, forced: Values, level: float, *, seed: int) -> Values:
        """Hook of `interval`: the rows `factual` with the nodes `forced` to ``(n, *event)``.

        Args:
            factual: The rows as they were, ``{node: (n, *event)}``.
            forced: The intervened nodes' values, ``{node: (n, *event)}``.
            level: How likely the truth should lie between both ends.
            seed: Where all randomness comes from.

        Returns:
            Both ends ``{node: (n, 2, *event)}``, the lower one first; only nodes in `reached` matter.
        """
        raise Unsupported(f"{type(self).__name__} answers counterfactuals by points, without an interval")

    def _abduct(self, factual: Values) -> Values:
        raise Unsupported(f"{type(self).__name__} does not show the noise that it infers")

    def _log_prob(self, x: Values) -> Tensor:
        raise Unsupported(f"{type(self).__name__} has no log_prob: it samples without a density")

    def _predict(self, n: int, forced: Values) -> Values:
        raise Unsupported(f"{type(self).__name__} predicts by its samples only")

    def _replay(self, noise: Values, forced: Values) -> Values:
        raise Unsupported(f"{type(self).__name__} does not know the noise behind a row")

    # What hooks may use, beside `reached`.

    def _keeps(self, name: str) -> bool:
        """Whether this configuration keeps the property, rather than waiving it."""
        return name not in self.waives

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

    def cost(self) -> dict[str, int]:
        """What the fit took, where it means something: ``parameters`` and ``gradient_steps`` (per network).

        Finite numbers are kept with a record, under names that the harness does not use; all else is dropped.
        """
        return {}


def _defines(cls: type[CausalModel], name: str) -> bool:
    return getattr(cls, name, None) is not getattr(CausalModel, name, None)


def _listed(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
