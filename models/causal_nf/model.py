"""Causal NF: a causal normalizing flow (Javaloy, Sánchez-Martín, Valera, 2023)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.seeds import derive, generator, seeded
from scmbench.datasets.values import Intervention, Values, check_graph, expand, parents
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from ..contract.columns import Table
from .flow import UNIVARIATE, CausalFlow

HELD_OUT = 0.1
FACTOR = 0.95
"""Share of the rows that the schedule watches, and what it multiplies the learning rate by."""


class CausalNF(CausalModel):
    """One flow for all nodes, u = T(x) with u ~ N(0, I), whose Jacobian is masked by the graph.

    "Causal normalizing flows: from theory to practice", Javaloy, Sánchez-Martín, Valera, NeurIPS 2023, in the
    configuration that the paper recommends: an abductive model (x to u) of one layer that knows the graph. Maximum
    likelihood on z-scored rows; a tenth of them is held out, and when its likelihood has not improved for `patience`
    epochs, the learning rate is cut by 5 %. The last epoch is used. The paper trains on 20,000 rows in batches of
    4,000; the default batch keeps its five steps an epoch on 5,000 rows.

    Abduction is exact: u = T(x). A query holds the intervened nodes at their values and solves the other nodes'
    equations for x in causal order (`CausalFlow.decode`). For one intervened node i that is the paper's rule: u_i
    becomes [T(x with x_i = a)]_i, then x = T^{-1}(u). For several nodes the rule would have to be applied one by one in
    causal order, since mediators between them move; solving under `do` needs no such care.

    A vector node takes a column a component, which is conditioned on the parents and on the components before it.
    Integer nodes are dequantised (see `Table`). Images are `Unsupported`.

    Options: `transform` (`affine` or `spline`), `hidden` (widths of the conditioner; None gives three layers of 16
    units per distinct parent set, since the mask deals the units out to these sets), `epochs`, `batch_size`, `lr`,
    `patience`.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 10}

    def __init__(
        self,
        transform: str = "affine",
        hidden: tuple[int, ...] | None = None,
        epochs: int = 1000,
        batch_size: int = 1000,
        lr: float = 1e-3,
        patience: int = 60,
    ):
        if transform not in UNIVARIATE:
            raise ValueError(f"transform={transform!r}: choose one of {list(UNIVARIATE)}")
        self.transform, self.hidden, self.epochs = transform, hidden, epochs
        self.batch_size, self.lr, self.patience = batch_size, lr, patience

    def fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> Self:
        """Learn T from ``{node: (n, *event)}``.

        Raises `ValuesError` for a cycle, a missing column, NaN or fewer than two rows, `Unsupported` for images,
        `FloatingPointError` where the training diverges.
        """
        order = check_graph(graph)
        self.graph, self.table = copy.deepcopy(graph), Table(order, data)
        for node, like in self.table.like.items():
            if like.ndim > 2:
                shape = tuple(like.shape[1:])
                raise Unsupported(f"causal-nf models scalars and vectors; {node!r} is an image of shape {shape}")
        z = self.table.dequantised(self.table.pack(data, what="training data"), generator(seed, "dequantise"))
        with seeded(seed, "weights"):
            self.flow = CausalFlow(self._adjacency(), transform=self.transform, hidden=self.hidden)
        self._train(z.float(), seed=derive(seed, "train"))
        self.flow.double().requires_grad_(False)  # trained in single precision; the round trip deserves double
        return self

    def sample(self, n: int, do: Intervention | None = None, *, seed: int) -> Values:
        """``n`` rows, observational or under `do`, from noise of one stream a node."""
        forced = expand(do, n, self.table.like)
        u = torch.empty(n, len(self.table.mean), dtype=torch.float64)
        for node, column in self.table.split(u).items():
            column.normal_(generator=generator(seed, "noise", node))
        z = self.flow.decode(u, self._held(torch.zeros_like(u), forced), ~self.table.mask(forced))
        return {**self.table.unpack(z), **forced}

    def counterfactual(self, factual: Values, do: Intervention, *, seed: int) -> Values:
        """The noise of these rows replayed under `do`; what `do` cannot reach is copied."""
        z = self.table.pack(factual)
        forced = expand(do, len(z), self.table.like)
        reached = set().union(*(nx.descendants(self.graph, node) for node in forced)) - set(forced)
        z = self.flow.decode(self.flow.encode(z), self._held(z, forced), self.table.mask(reached))
        copied = {v: factual[v].to(like.dtype, copy=True) for v, like in self.table.like.items() if v not in reached}
        return {**self.table.unpack(z), **copied, **forced}

    def abduct(self, factual: Values) -> Values:
        """The noise ``u = T(x)`` of factual rows, shaped like the nodes."""
        u = self.flow.encode(self.table.pack(factual))
        return {v: x.reshape(len(u), *self.table.like[v].shape[1:]) for v, x in self.table.split(u).items()}

    def log_prob(self, x: Values) -> Tensor:
        """Log-density ``(n,)`` in the units of the data, nats; of integer nodes about their log-probability."""
        return self.flow.log_prob(self.table.pack(x, what="rows")) - self.table.std.log().sum()

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps."""
        trained = sum(int(p.numel()) for p in self.flow.parameters())
        return {"parameters": trained, "gradient_steps": self.gradient_steps}

    def _held(self, z: Tensor, forced: Values) -> Tensor:
        held = z.clone()
        for node, column in self.table.split(held).items():
            if node in forced:
                column.copy_(self.table.standardise(node, forced[node]))
        return held

    def _adjacency(self) -> Tensor:
        """Which column sees which: a component its node's parents and the components before it."""
        rows = []
        for node, s in self.table.slices.items():
            for column in range(s.start, s.stop):
                seen = self.table.mask(parents(self.graph, node))
                seen[s.start : column] = True
                rows.append(seen)
        return torch.stack(rows)

    def _train(self, z: Tensor, *, seed: int) -> None:
        stream = generator(seed)
        z = z[torch.randperm(len(z), generator=stream)]
        held, rows = z.tensor_split([max(1, int(HELD_OUT * len(z)))])
        optimizer = torch.optim.Adam(self.flow.parameters(), lr=self.lr, fused=True)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=FACTOR, patience=self.patience)
        self.gradient_steps = 0
        for epoch in range(self.epochs):
            for batch in rows[torch.randperm(len(rows), generator=stream)].split(self.batch_size):
                optimizer.zero_grad()
                (-self.flow.log_prob(batch).mean()).backward()
                optimizer.step()
                self.gradient_steps += 1
            with torch.no_grad():
                loss = -self.flow.log_prob(held).mean()
            if not torch.isfinite(loss):
                raise FloatingPointError(f"causal-nf diverged: held-out loss {loss.item()} in epoch {epoch}; lower lr")
            schedule.step(loss)
