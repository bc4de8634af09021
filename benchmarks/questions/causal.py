"""The three causal questions about an SCM: how a fitted model is asked, and how its answer is scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import networkx as nx
import torch
from scmbench.datasets import SCM, Example, Score, Values, ValuesError
from scmbench.datasets.levels import levels
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import check_values, flatten, real_dtype
from scmbench.models.contract.registry import role_of
from torch import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]
"""``(g, n, d), (g, m, d) -> (g,)``: truth first, then the model; one number a group of rows."""

Laws = Mapping[str, Distance]
"""Distances between the laws of a discrete node, by metric."""

RowError = Callable[[Values, Values, "Counterfactual"], Mapping[str, Tensor]]
"""``(truth, answer, query) -> {metric: (g,)}``: errors of counterfactual rows, one number a group."""


def checked(answer: Values, truth: Values) -> Values:
    """The answer, float64 and images float32, if it has the nodes and shapes of the truth.

    Raises `ValuesError` that says what is off.
    """
    if not isinstance(answer, Mapping):
        raise ValuesError(f"the model answered with a {type(answer).__name__}; expected a dict of node to tensor")
    check_values(answer, truth, what="the model's answer")
    for node, x in truth.items():
        if answer[node].shape != x.shape:
            raise ValuesError(
                f"the model's answer has shape {tuple(answer[node].shape)} for {node!r}; expected {tuple(x.shape)}"
            )
    return {node: answer[node].detach().cpu().to(real_dtype(x)) for node, x in truth.items()}


def replays(model: Any) -> bool:
    """Whether this is a ceiling of scmbench, which is given the noise of the factual rows: it knows the truth."""
    return "replay" in model.powers and role_of(type(model)) == "ceiling"


def descendants(graph: nx.DiGraph, node: str) -> list[str]:
    """Descendants of `node`, alphabetically."""
    return sorted(nx.descendants(graph, node))


class Remembering:
    """A question whose truth is computed once, however many ask it, and kept until `forget`: an SCM may be costly.

    What is remembered never leaves it but as copies or scores, so that no answer depends on who was asked before.
    """

    def forget(self) -> None:
        """Free what was computed; it is computed again when asked for."""
        for name in ("_noise", "_factual", "_truth"):
            self.__dict__.pop(name, None)


class Replayed(Remembering):
    """Factual rows of a world, and what the same noise makes of them under `do`; a subclass has both."""

    scm: SCM

    @property
    def do(self) -> dict[str, Tensor]:
        """The intervention, a value a row."""
        raise NotImplementedError

    @cached_property
    def _noise(self) -> Values:
        raise NotImplementedError

    def noise(self) -> Values:
        """The noise behind the factual rows."""
        return _copied(self._noise)

    def factual(self) -> Values:
        """The factual rows, as the model sees them."""
        return _copied(self._factual)

    @cached_property
    def _factual(self) -> Values:
        return self.scm.observed(self.scm.run(self._noise))

    def truth(self) -> Values:
        """The same noise, replayed under the intervention."""
        return _copied(self._truth)

    @cached_property
    def _truth(self) -> Values:
        return self.scm.counterfactual(self._noise, self.do)


def _copied(values: Values) -> Values:
    return {node: x.clone() for node, x in values.items()}


@dataclass(frozen=True)
class Observational(Remembering):
    """Distance between `n` fresh rows of the world and as many of the model, over `nodes` jointly.

    Those of them that are `discrete` are also compared one by one, by their `laws`.
    """

    scm: SCM
    n: int
    nodes: Sequence[str]
    seed: int
    distances: Mapping[str, Distance]
    laws: Laws = field(default_factory=dict)
    discrete: Sequence[str] = ()
    kind: str = field(default="observational", init=False)
    rung: str = field(default="observational", init=False)

    def truth(self) -> Values:
        """The world's rows."""
        return _copied(self._truth)

    @cached_property
    def _truth(self) -> Values:
        return self.scm.sample(self.n, seed=derive(self.seed, "truth"))

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.sample(n)``."""
        return model.sample(self.n, seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """One number a distance."""
        truth = self._truth
        answer = checked(answer, truth)
        x, y = (flatten(v, self.nodes)[None] for v in (truth, answer))
        found = {name: d(x, y) for name, d in self.distances.items()}
        found |= _of_laws(self.laws, truth, answer, [v for v in self.nodes if v in self.discrete], (1, self.n))
        return [Score(self.kind, name, float(d[0])) for name, d in found.items()]


@dataclass(frozen=True)
class Interventional(Remembering):
    """``do(node = a)`` for each of the `values`, `n` rows each: distance over all descendants jointly.

    Those of them that are `discrete` are also compared one by one, by their `laws`. `effects` compare all values at
    once, over the descendants that are no images.
    """

    scm: SCM
    node: str
    values: Tensor
    n: int
    seed: int
    distances: Mapping[str, Distance]
    laws: Laws = field(default_factory=dict)
    discrete: Sequence[str] = ()
    effects: Mapping[str, Distance] = field(default_factory=dict)
    kind: str = field(default="interventional", init=False)
    rung: str = field(default="interventional", init=False)

    @property
    def do(self) -> dict[str, Tensor]:
        """All values in one intervention, `n` rows each."""
        return {self.node: self.values.repeat_interleave(self.n, dim=0)}

    def truth(self) -> Values:
        """The world's rows under the intervention."""
        return _copied(self._truth)

    @cached_property
    def _truth(self) -> Values:
        return self.scm.sample(self.n * len(self.values), self.do, seed=derive(self.seed, "truth"))

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.sample(n · #values, do)``, a batch with per-row values."""
        return model.sample(self.n * len(self.values), self.do, seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """One number a distance and value. Labels that are certain under an intervention are compared by laws only."""
        truth = self._truth
        answer = checked(answer, truth)
        reached = descendants(self.scm.graph, self.node)
        labels = [v for v in reached if v in self.discrete]
        x, y = (flatten(v, reached).reshape(len(self.values), self.n, -1) for v in (truth, answer))
        certain = len(labels) == len(reached) and bool((x == x[:, :1]).all(-1).all(-1).any())
        found = {} if certain and self.laws else {name: d(x, y) for name, d in self.distances.items()}
        found |= _of_laws(self.laws, truth, answer, labels, (len(self.values), self.n))
        return scores_by_value(self, found | self._of_effects(truth, answer))

    def _of_effects(self, truth: Values, answer: Values) -> dict[str, Tensor]:
        """What compares the values with each other: nothing for one value, nor where no descendant varies."""
        if not self.effects or len(self.values) < 2:
            return {}
        nodes = [v for v in descendants(self.scm.graph, self.node) if bool((truth[v] != truth[v][:1]).any())]
        nodes = [v for v in nodes if v not in self.scm.images]
        if not nodes:
            return {}
        x, y = (flatten(v, nodes).reshape(len(self.values), self.n, -1) for v in (truth, answer))
        return {name: d(x, y) for name, d in self.effects.items()}


@dataclass(frozen=True)
class Counterfactual(Replayed):
    """For `n` factual rows per value: what would have been under ``do(node = a)``, noise unchanged."""

    scm: SCM
    node: str
    values: Tensor
    n: int
    seed: int
    errors: RowError
    discrete: Sequence[str] = ()
    kind: str = field(default="counterfactual", init=False)
    rung: str = field(default="counterfactual", init=False)

    @property
    def do(self) -> dict[str, Tensor]:
        """All values in one intervention, `n` rows each."""
        return {self.node: self.values.repeat_interleave(self.n, dim=0)}

    @cached_property
    def _noise(self) -> Values:
        return self.scm.noise(self.n * len(self.values), seed=derive(self.seed, "factual"))

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.counterfactual(factual, do)``; a ceiling of scmbench, which knows the truth, replays the noise."""
        if replays(model):
            return model.replay(self.noise(), self.do)
        return model.counterfactual(self.factual(), self.do, seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """One number an error and value."""
        truth = self._truth
        return scores_by_value(self, self.errors(truth, checked(answer, truth), self))

    def examples(self, answer: Values, count: int = 100) -> list[Example]:
        """Some rows of truth and answer for plots: the first and the last descendant, rows spread over all values."""
        truth, values = self._truth, self.do[self.node]
        reached = descendants(self.scm.graph, self.node)
        targets = [v for v in dict.fromkeys((reached[0], reached[-1])) if truth[v].ndim == 1]
        rows = range(0, len(values), max(len(values) // count, 1))
        return [
            Example(self.node, float(values[i]), v, float(truth[v][i]), float(answer[v][i]))
            for v in targets
            for i in rows
        ]


def _of_laws(laws: Laws, truth: Values, answer: Values, nodes: Sequence[str], groups: tuple[int, int]) -> dict:
    """The mean over discrete nodes of the distances between their laws, ``{metric: (g,)}``; nothing without nodes."""
    pairs = [[flatten(v, [node]).reshape(*groups, -1) for v in (truth, answer)] for node in nodes]
    return {name: torch.stack([law(x, y) for x, y in pairs]).mean(0) for name, law in laws.items() if pairs}


def scores_by_value(query: Interventional | Counterfactual, scores: Mapping[str, Tensor]) -> list[Score]:
    """A number ``(g,)`` for each of the query's values, as scores."""
    return [
        Score(query.kind, name, float(s), query.node, float(a))
        for name, per_value in scores.items()
        for a, s in zip(query.values, per_value, strict=True)
    ]


def discrete_nodes(values: Values) -> list[str]:
    """The nodes whose components are all discrete, as rows ``{node: (n, *event)}`` show."""
    flat = {node: x.reshape(len(x), x.shape[1:].numel()) for node, x in values.items()}
    return [node for node, x in flat.items() if all(levels(part) is not None for part in x.unbind(1))]


def quantile_values(x: Tensor, count: int, low: float = 0.1, high: float = 0.9) -> Tensor:
    """``count`` equally spaced values between two empirical quantiles of ``x (n,)``.

    A discrete node (integers, or two values of any type) is set to values that it has: to each of its levels, or,
    where there are more than `count`, to those at equally spaced quantiles. The values then have the type of `x`.
    Raises `ValuesError` for a vector node.
    """
    if x.ndim != 1:
        raise ValuesError(f"intervention values by quantile need a scalar node, got event shape {tuple(x.shape[1:])}")
    if (known := levels(x)) is not None:
        ranks = torch.linspace(low, high, count, dtype=torch.float64)
        return known if len(known) <= count else x.double().quantile(ranks, interpolation="nearest").unique().to(x)
    a, b = torch.quantile(x, torch.tensor([low, high], dtype=x.dtype)).tolist()
    return torch.linspace(a, b, count, dtype=torch.float64)
