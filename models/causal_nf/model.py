"""Causal NF: a causal normalizing flow (Javaloy, Sánchez-Martín, Valera, 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import derive, generator, seeded
from scmbench.datasets.values import Values, parents
from torch import Tensor

from ..contract.base import Unsupported
from ..contract.fields import lift
from ..contract.joint import JointModel
from ..training.progress import counted
from .flow import UNIVARIATE, CausalFlow

HELD_OUT = 0.1
FACTOR = 0.95
"""Share of the rows that the schedule watches, and what it multiplies the learning rate by."""


class CausalNF(JointModel):
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
    Integer nodes are dequantised (see `Columns`). Images are `Unsupported`.

    Options: `transform` (`affine` or `spline`), `hidden` (widths of the conditioner; None gives three layers of 16
    units per distinct parent set, since the mask deals the units out to these sets), `epochs`, `batch_size`, `lr`,
    `patience`.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 10}
    saves = ("gradient_steps",)
    gradient_steps: int

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

    def learn(self, z: Tensor, *, seed: int) -> None:
        """Train the flow. Raises `Unsupported` for images."""
        for node, like in self.like.items():
            if like.ndim > 2:
                shape = tuple(like.shape[1:])
                raise Unsupported(f"causal-nf models scalars and vectors; {node!r} is an image of shape {shape}")
        z = self.columns.dequantised(z, generator(seed, "dequantise"))
        with seeded(seed, "weights"):
            self.flow = CausalFlow(self._adjacency(), transform=self.transform, hidden=self.hidden)
        self._train(z.float(), seed=derive(seed, "train"))
        self.flow.double().requires_grad_(False)  # trained in single precision; the round trip deserves double

    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """Rows from noise of one stream a node."""
        u = torch.empty(n, len(self.columns), dtype=torch.float64)
        for node, column in self.columns.split(u).items():
            column.normal_(generator=generator(seed, "noise", node))
        return self.flow.decode(u, self.columns.held(torch.zeros_like(u), forced), ~self.columns.mask(forced))

    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """The noise of these rows replayed under `do`; what it cannot reach is held at its value. Nothing is random."""
        return self.flow.decode(
            self.flow.encode(z), self.columns.held(z, forced), self.columns.mask(self.reached(forced))
        )

    def _abduct(self, factual: Values) -> Values:
        """The noise ``u = T(x)`` of factual rows, shaped like the nodes."""
        return self.columns.shaped(self.flow.encode(self.columns.pack(factual)))

    def _log_prob(self, x: Values) -> Tensor:
        """The density; of integer nodes it is about their log-probability."""
        return self.flow.log_prob(self.columns.pack(x)) - self.columns.scaler.std.log().sum()

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps."""
        trained = sum(int(p.numel()) for p in self.flow.parameters())
        return {"parameters": trained, "gradient_steps": self.gradient_steps}

    def saved(self) -> dict[str, Any]:
        """The fields and all weights."""
        return super().saved() | {"flow": dict(self.flow.state_dict())}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, the weights in a flow as `learn` makes it."""
        fields = dict(fields)
        weights = lift(fields.pop("flow", None), dict[str, Tensor], "flow")
        super().restore(fields)
        with seeded(0, "weights"):
            self.flow = CausalFlow(self._adjacency(), transform=self.transform, hidden=self.hidden)
        self.flow.double().requires_grad_(False).load_state_dict(weights)
        return self

    def _adjacency(self) -> Tensor:
        """Which column sees which: a component its node's parents and the components before it."""
        rows = []
        for node, s in self.columns.slices.items():
            for column in range(s.start, s.stop):
                seen = self.columns.mask(parents(self.graph, node))
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
        for epoch in counted(range(self.epochs), "epochs"):
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
