"""The skeletons of models that learn all nodes at once: values as one matrix of standardised columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import networkx as nx
import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values, flatten
from torch import Tensor

from .base import EXACT, CausalModel, Unsupported
from .checks import as_like
from .columns import Columns, Scaler


class JointModel(CausalModel):
    """A model of all nodes together. A subclass writes `learn`, `draw` and `replay_rows`.

    They see and give float64 matrices ``(n, D)`` of standardised columns, laid out by `columns`: a column a scalar
    node, as many as it has components for a vector node or an image. Interventions come as the columns of the nodes
    that are set, ``forced = {node: (n, k)}``, standardised too. Units, types, what is set and what is not reached are
    seen to before and afterwards.
    """

    real_scalars: ClassVar[bool] = False
    """Whether it models real scalar nodes only: others are `Unsupported` then."""

    common: ClassVar[Mapping[str, Any]] = {**CausalModel.common, "columns": Columns}
    columns: Columns

    @abstractmethod
    def learn(self, z: Tensor, *, seed: int) -> None:
        """Train on rows ``z (n, D)``; `graph`, `order` and `columns` are set.

        Args:
            z: Standardised training rows, laid out by `columns`, ``(n, D)``, float64.
            seed: Where all randomness comes from.

        Raises:
            Unsupported: For what the method cannot model.
            FloatingPointError: Where the training diverges.
        """

    @abstractmethod
    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """``(n, D)`` rows, observational where nothing is forced.

        Args:
            n: How many rows.
            forced: Standardised columns of the nodes that are set, ``{node: (n, k)}``.
            seed: Where all randomness comes from.

        Returns:
            Standardised rows, ``(n, D)``.
        """

    @abstractmethod
    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """What the rows ``z (n, D)`` would have been, ``(n, D)``.

        Args:
            z: Standardised factual rows, ``(n, D)``.
            forced: Standardised columns of the nodes that are set, ``{node: (n, k)}``.
            seed: Where all randomness comes from.

        Returns:
            Standardised rows under the intervention, ``(n, D)``.
        """

    def lay_out(self, data: Values) -> Columns:
        """Which node takes which columns, and their scale; by default topological order and unit variance."""
        return Columns(self.order, data)

    def incoming(self, forced: Values) -> Columns:
        """How factual and intervened values are scaled for a query; answers always have the scale of the training."""
        return self.columns

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        for node, x in data.items() if self.real_scalars else ():
            if x.ndim != 1 or not x.is_floating_point():
                what = f"{x.dtype} of event shape {tuple(x.shape[1:])}"
                raise Unsupported(f"{type(self).__name__} models real scalar nodes only; {node!r} is {what}")
        self.columns = self.lay_out(data)
        self.learn(self.columns.pack(data), seed=seed)

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        def ask(held: Values) -> Tensor:
            return self.draw(n, self.incoming(held).standardised(held), seed=seed)

        return self._at_levels(ask, forced, set(self.order))

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        def ask(held: Values) -> Tensor:
            incoming = self.incoming(held)
            return self.replay_rows(incoming.pack(factual), incoming.standardised(held), seed=seed)

        return self._at_levels(ask, forced, self.reached(forced))

    def _at_levels(self, ask: Callable[[Values], Tensor], forced: Values, free: set[str]) -> Values:
        """The answer in which the children of a discrete node follow from its level, not from a number near it.

        All nodes come at once here: the discrete ones among the `free` are held at their levels, causes first, and the
        rest is asked again from the same noise.
        """
        held, values = dict(forced), self.columns.unpack(ask(forced))
        if not self._keeps(EXACT):
            return values
        for generation in nx.topological_generations(self.graph):
            causes = [v for v in generation if v in self.levels and v in free - set(held) and self.graph.out_degree(v)]
            if causes:
                held |= {v: as_like(values[v], self.like[v], self.levels[v]) for v in causes}
                values = self.columns.unpack(ask(held))
        return values


class RefittedModel(JointModel):
    """A joint model whose published comparison scales what goes into a query by statistics of that query's own.

    A quirk of that code, which one scaler for all would have been: on the way in, each intervention value has a scaler
    fitted on `refit` bootstrap rows of the training data; on the way out, answers have the scale of the training.
    """

    common: ClassVar[Mapping[str, Any]] = {**JointModel.common, "rows": Tensor, "seed": int}
    rows: Tensor
    seed: int

    @property
    @abstractmethod
    def refit(self) -> int:
        """On how many rows a query's own scaler is fitted; 0 means that queries use the training scaler."""

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        self.rows, self.seed = flatten(data, self.order), seed
        super()._fit(graph, data, seed=seed)

    def incoming(self, forced: Values) -> Columns:
        """With scalers of the query's own, unless `refit` is 0."""
        if not self.refit:
            return self.columns
        counted = {v: x[:, 0] for v, x in self.columns.counted(forced).items()}
        rows = self.rows - self.columns.origin
        return self.columns.rescaled(refitted(rows, counted, size=self.refit, seed=self.seed))


def refitted(rows: Tensor, forced: Values, *, size: int, seed: int) -> Scaler:
    """A scaler for each row of an intervention, fitted on `size` bootstrap rows of ``rows (m, d)``: one a value.

    Rows that share their intervention ``forced {node: (n,)}`` share a scaler, and so do all queries of one fit (`seed`)
    at the same intervention: its stream is keyed by the seed, the nodes and their values.
    """
    nodes = sorted(forced)
    if not nodes:
        return Scaler.of(_bootstrap(rows, size, seed, []), correction=1)
    settings, member = torch.unique(torch.stack([forced[v] for v in nodes], 1), dim=0, return_inverse=True)
    labels = [[f"{v}={a!r}" for v, a in zip(nodes, setting, strict=True)] for setting in settings.tolist()]
    scalers = [Scaler.of(_bootstrap(rows, size, seed, label), correction=1) for label in labels]
    return Scaler(torch.stack([s.mean for s in scalers])[member], torch.stack([s.std for s in scalers])[member])


def _bootstrap(rows: Tensor, size: int, seed: int, labels: list[str]) -> Tensor:
    stream = generator(seed, "query scaler", *labels)
    return rows[torch.randint(len(rows), (size,), generator=stream)]
