"""Floors: what scores look like without any knowledge of the causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Intervention, Values, batch, check_graph, check_values, expand, rows

from ..contract.base import CausalModel, Unsupported


class Marginal(CausalModel):
    """Every node by itself, as if nothing caused anything: the floor of a method that knows the marginals only.

    A sample draws each node's training rows independently; a counterfactual is the training mean, the best guess that
    knows neither the row nor the causes (its squared error, over the node's variance, is about 1).
    """

    role = "floor"

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Keep the rows. Raises `ValuesError` for a cycle, a missing column or NaN."""
        self.order = check_graph(graph)
        check_values(data, self.order, what="training data")
        self.train = {node: _wide(data[node]) for node in self.order}
        return self

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """A bootstrap of each node on its own; intervened nodes take their value."""
        values = expand(do, n, self.train)
        for node in self.order:
            if node not in values:
                x = self.train[node]
                values[node] = x[torch.randint(len(x), (n,), generator=generator(seed, "rows", node))]
        return values

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """The training mean of each node (rounded for integers); intervened nodes take their value."""
        return self._means(do, check_values(factual, self.order, what="factual rows"))

    def predict(self, do: Intervention) -> Values:
        """The training mean of each node (rounded for integers), a row for each of `do`."""
        return self._means(do, batch(do))

    def _means(self, do: Intervention, n: int) -> Values:
        values = expand(do, n, self.train)
        for node in self.order:
            if node not in values:
                x = self.train[node]
                mean = x.double().mean(0) if x.is_floating_point() else x.double().mean(0).round().to(x.dtype)
                values[node] = mean.expand(n, *x.shape[1:]).clone()
        return values

    @property
    def waives(self) -> Mapping[str, str]:
        """It looks at no factual row."""
        reason = "the marginal floor ignores the factual row"
        return {"empty do is identity": reason, "non-descendants untouched": reason}


class Identity(CausalModel):
    """Nothing else would have changed: the factual row with the intervened nodes set. Answers counterfactuals only."""

    role = "floor"

    answers: ClassVar[frozenset[str]] = frozenset({"counterfactual"})

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Keep the nodes and their types. Raises `ValuesError` for a cycle, a missing column or NaN."""
        self.order = check_graph(graph)
        check_values(data, self.order, what="training data")
        self.like = {node: _wide(data[node])[:0] for node in self.order}
        return self

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """Raises `Unsupported`: it knows no distribution."""
        raise Unsupported("the identity only answers counterfactuals: without a factual row it has nothing to return")

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """The factual rows with the intervened nodes set."""
        n = check_values(factual, self.order, what="factual rows")
        forced = expand(do, n, self.like)
        return {node: forced.get(node, factual[node].to(self.like[node].dtype).clone()) for node in self.order}


class Resample(CausalModel):
    """The training rows again, drawn with replacement: how far one sample of the world is from another.

    The ceiling of a held-out distance where there is no oracle. Answers observational queries only.
    """

    role = "floor"

    answers: ClassVar[frozenset[str]] = frozenset({"observational"})

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Keep the rows. Raises `ValuesError` for a cycle, a missing column or NaN."""
        self.order = check_graph(graph)
        self.n = check_values(data, self.order, what="training data")
        self.train = {node: _wide(data[node]) for node in self.order}
        return self

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` whole rows. Raises `Unsupported` under an intervention: it knows no mechanism."""
        if do:
            raise Unsupported("resampled rows know no mechanism: they answer observational queries only")
        return rows(self.train, torch.randint(self.n, (n,), generator=generator(seed, "rows")))

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """Raises `Unsupported`: it knows no mechanism."""
        raise Unsupported("resampled rows know no mechanism: they answer observational queries only")


class Persistence(CausalModel):
    """A measured series tomorrow is what it is today: the floor of predictions over time, given the measured past.

    It is shown what no causal model is: the series to predict, one step late. The first row is the training mean.
    """

    role = "floor"

    answers: ClassVar[frozenset[str]] = frozenset({"interventional"})

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Raises `Unsupported`: the series is not in the training data; it is given through `fit_problem`."""
        raise Unsupported("persistence needs the measured series of a problem's predictive query")

    def fit_problem(self, problem: Problem, *, seed: int) -> Self:
        """Keep what was measured. Raises `Unsupported` where the problem has not exactly one predictive query."""
        measured = [query.measured for query in problem.queries if query.kind == "predictive"]  # type: ignore[attr-defined]
        if len(measured) != 1:
            raise Unsupported(f"{problem.name} asks {len(measured)} predictive queries; persistence needs one")
        start = {node: problem.train[node].double().mean(0, keepdim=True) for node in measured[0]}
        self.predicted = {node: torch.cat([start[node], x.double()[:-1]]) for node, x in measured[0].items()}
        return self

    @property
    def waives(self) -> Mapping[str, str]:
        """The kit's worlds hold no measured series."""
        return {"answers what it declares": "persistence answers predictive questions about a measured series alone"}

    def predict(self, do: Intervention) -> Values:
        """Each row's measurement one row earlier, whatever `do` is."""
        return {node: x.clone() for node, x in self.predicted.items()}

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """Raises `Unsupported`: it predicts and knows no distribution."""
        raise Unsupported("persistence predicts a measured series; it has no distribution to sample from")

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """Raises `Unsupported`: rows are predicted from earlier ones, not from causes."""
        raise Unsupported("persistence predicts a measured series; it has no counterfactuals")


def _wide(x: torch.Tensor) -> torch.Tensor:
    return x.double() if x.is_floating_point() else x
