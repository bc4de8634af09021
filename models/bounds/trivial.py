"""Floors: what scores look like without any knowledge of the causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Intervention, Values, n_rows, rows
from torch import Tensor

from ..contract.base import CausalModel, Unsupported


class Marginal(CausalModel):
    """Every node by itself, as if nothing caused anything: the floor of a method that knows the marginals only.

    A sample draws each node's training rows independently; a counterfactual is the training mean, the best guess that
    knows neither the row nor the causes (its squared error, over the node's variance, is about 1). Of a discrete node
    it is the level next to the mean, of a category the most frequent one. Its intervals are quantiles of the training
    rows.
    """

    role = "floor"
    categories: ClassVar[bool] = True
    saves = ("train",)
    train: Values

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Keep the rows."""
        self.train = data

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """A bootstrap of each node on its own."""
        drawn = {v: torch.randint(len(x), (n,), generator=generator(seed, "rows", v)) for v, x in self.train.items()}
        return {v: x[drawn[v]] for v, x in self.train.items()}

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """The training mean of each node."""
        return self._predict(n_rows(factual), forced)

    def _predict(self, n: int, forced: Values) -> Values:
        """The training mean of each node, the most frequent value of a category."""
        return {v: self._guess(v).expand(n, *x.shape[1:]) for v, x in self.train.items()}

    def _interval(self, factual: Values, forced: Values, level: float, *, seed: int) -> Values:
        """The central interval of each node's training rows, the same for every row."""
        tails, n = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64), n_rows(factual)
        return {v: x.double().quantile(tails, dim=0).expand(n, 2, *x.shape[1:]) for v, x in self.train.items()}

    def _guess(self, node: str) -> Tensor:
        x = self.train[node]
        return x.mode(0).values if node in self.categorical else x.double().mean(0)

    @property
    def waives(self) -> Mapping[str, str]:
        """It looks at no factual row."""
        reason = "the marginal floor ignores the factual row"
        return {"empty do is identity": reason, "non-descendants untouched": reason}


class Identity(CausalModel):
    """Nothing else would have changed: the factual row with the intervened nodes set. Answers counterfactuals only."""

    role = "floor"
    categories: ClassVar[bool] = True

    answers: ClassVar[frozenset[str]] = frozenset({"counterfactual"})
    saves = ()

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """There is nothing to learn."""

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: it knows no distribution."""
        raise Unsupported("the identity only answers counterfactuals: without a factual row it has nothing to return")

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """The factual rows."""
        return factual


class Resample(CausalModel):
    """The training rows again, drawn with replacement: how far one sample of the world is from another.

    The ceiling of a held-out distance where there is no oracle. Answers observational queries only.
    """

    role = "floor"
    categories: ClassVar[bool] = True

    answers: ClassVar[frozenset[str]] = frozenset({"observational"})
    saves = ("train",)
    train: Values

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Keep the rows."""
        self.train = data

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """``n`` whole rows. Raises `Unsupported` under an intervention: it knows no mechanism."""
        if forced:
            raise Unsupported("resampled rows know no mechanism: they answer observational queries only")
        return rows(self.train, torch.randint(n_rows(self.train), (n,), generator=generator(seed, "rows")))

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: it knows no mechanism."""
        raise Unsupported("resampled rows know no mechanism: they answer observational queries only")


class Persistence(CausalModel):
    """A measured series tomorrow is what it is today: the floor of predictions over time, given the measured past.

    It is shown what no causal model is: the series to predict, one step late. The first row is the training mean.
    """

    role = "floor"

    answers: ClassVar[frozenset[str]] = frozenset({"interventional"})
    saves = ("predicted",)
    predicted: Values

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Raises `Unsupported`: the series is not in the training data; it is given through `fit_problem`."""
        raise Unsupported("persistence needs the measured series of a problem's predictive query")

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """Keep what was measured. Raises `Unsupported` where the problem has not exactly one predictive query."""
        measured = [query.measured for query in problem.queries if query.kind == "predictive"]  # type: ignore[attr-defined]
        if len(measured) != 1:
            raise Unsupported(f"{problem.name} asks {len(measured)} predictive queries; persistence needs one")
        self._own(problem.graph, problem.train)
        start = {node: problem.train[node].double().mean(0, keepdim=True) for node in measured[0]}
        self.predicted = {node: torch.cat([start[node], x.double()[:-1]]) for node, x in measured[0].items()}
        return self

    @property
    def waives(self) -> Mapping[str, str]:
        """The kit's worlds hold no measured series."""
        return {"answers what it declares": "persistence answers predictive questions about a measured series alone"}

    def predict(self, do: Intervention) -> Values:
        """Each row's measurement one row earlier, whatever `do` is: of the measured nodes only, nothing is set."""
        return {node: x.clone() for node, x in self.predicted.items()}

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: it predicts and knows no distribution."""
        raise Unsupported("persistence predicts a measured series; it has no distribution to sample from")
