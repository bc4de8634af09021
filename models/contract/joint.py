"""The skeleton of a model that learns all nodes at once: data as one matrix, scaling, queries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Self

import networkx as nx
import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Intervention, Values, check_graph, check_values, expand
from torch import Tensor

from .base import CausalModel, Unsupported
from .scaler import Scaler
from .scaling import refitted


class JointModel(CausalModel):
    """A model of all nodes together, each a real scalar. A subclass writes `learn`, `draw` and `replay_rows`.

    Those see float64 matrices ``(n, d)`` of standardised columns, in the order of `order`, and interventions by column.
    """

    graph: nx.DiGraph
    nodes: list[str]
    seed: int
    rows: Tensor
    scaler: Scaler

    @property
    @abstractmethod
    def refit(self) -> int:
        """On how many bootstrap rows a query's own scaler is fitted; 0 means that queries use the training scaler."""

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Learn from ``{node: (n,)}``. Raises `ValuesError` for a cycle, a missing column or NaN.

        Raises `Unsupported` for a node that is no real scalar, `FloatingPointError` where the training diverges.
        """
        self.graph, self.nodes, self.seed = graph, self.order(graph), seed
        check_values(data, self.nodes, what="training data")
        for v in self.nodes:
            if data[v].ndim != 1 or not data[v].is_floating_point():
                what = f"{data[v].dtype} of event shape {tuple(data[v].shape[1:])}"
                raise Unsupported(f"{type(self).__name__} models real scalar nodes only; {v!r} is {what}")
        self.rows = self._matrix(data)
        self.scaler = self.standardiser(self.rows)
        self.learn()
        return self

    @abstractmethod
    def learn(self) -> None:
        """Train the network on `rows`, `scaler`, `graph` and `seed`."""

    @abstractmethod
    def draw(self, n: int, forced: Mapping[int, Tensor], generator: torch.Generator) -> Tensor:
        """``(n, d)`` standardised rows, with columns `forced` to values ``(n,)``."""

    @abstractmethod
    def replay_rows(self, x: Tensor, forced: Mapping[int, Tensor]) -> Tensor:
        """Counterfactuals ``(n, d)`` of standardised rows ``x (n, d)``, with columns `forced` to values ``(n,)``."""

    def order(self, graph: nx.DiGraph) -> list[str]:
        """The nodes in the order of the columns: topological, ties by name. Raises `ValuesError` for a cycle."""
        return check_graph(graph)

    def standardiser(self, rows: Tensor) -> Scaler:
        """The training scaler for ``rows (n, d)``."""
        return Scaler.of(rows, correction=1)

    def finish(self, answer: Values, forced: Values, factual: Values | None) -> Values:
        """The last word on an answer in the data's own units; by default nothing is changed."""
        return answer

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` rows, observational or under `do`."""
        forced = expand(do, n, self._like())
        scaler = self._query_scaler(forced, n) if forced else self.scaler
        x = self.draw(n, self._by_column(forced, scaler), generator(seed, "sample"))
        return self.finish(self._values(self.scaler.undo(x)), forced, None)

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """Abduction, action and prediction; nothing random in it."""
        n = check_values(factual, self.nodes, what="factual rows")
        forced = expand(do, n, self._like())
        scaler = self._query_scaler(forced, n)
        x = self.replay_rows(scaler(self._matrix(factual)), self._by_column(forced, scaler))
        return self.finish(self._values(self.scaler.undo(x)), forced, factual)

    def _query_scaler(self, forced: Values, n: int) -> Scaler:
        if not self.refit:
            return self.scaler
        # A quirk of the published comparison: what goes in is scaled by other statistics than what comes out.
        return refitted(self.rows, forced, n, size=self.refit, seed=self.seed)

    def _by_column(self, forced: Values, scaler: Scaler) -> dict[int, Tensor]:
        columns = {self.nodes.index(v): a for v, a in forced.items()}
        return {j: (a - scaler.mean[..., j]) / scaler.std[..., j] for j, a in columns.items()}

    def _like(self) -> Values:
        return {v: torch.empty(0, dtype=torch.float64) for v in self.nodes}

    def _matrix(self, values: Values) -> Tensor:
        return torch.stack([values[v].double() for v in self.nodes], 1)

    def _values(self, x: Tensor) -> Values:
        return dict(zip(self.nodes, x.unbind(1), strict=True))
