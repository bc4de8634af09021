"""VACA: the variational causal graph autoencoder (Sánchez-Martín, Rateike, Valera, 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.joint import RefittedModel
from ..training.recipe import Recipe
from .network import LATENT, GraphAutoencoder
from .training import train
from .wiring import longest_path

REFIT = 200
"""Rows on which the published comparison fits a fresh scaler for every interventional and counterfactual query."""


class VACA(RefittedModel):
    """A graph autoencoder whose encoder sees a node and its parents, and whose decoder passes messages down the graph.

    "VACA: Designing Variational Graph Autoencoders for Causal Queries", Sánchez-Martín, Rateike, Valera, AAAI 2022,
    as it was run in the comparison of "Modeling Causal Mechanisms with Diffusion Models for Interventional and
    Counterfactual Queries", Chao et al., TMLR 2024. Every node i has a latent z_i ~ N(0, I_4). Observational: decode
    z. do(x_i = a): without the edges into i, z_i becomes the posterior mean of a, the other latents are fresh.
    Counterfactual: all latents are posterior means of the factual row, then as for do.

    Variant `reference` keeps what the published comparison does: the decoder has three steps, so that an intervention
    moves nothing more than three edges away; every query scales its inputs with a scaler fitted on 200 rows of its
    own, one per intervention value, and its outputs with the training scaler; the intervened node shows its
    reconstruction, not the value; and it trains for 1000 steps in all, the last epoch being used (early stopping
    could never fire). `corrected` has one scaler, and as many decoder steps as the longest path has edges (at least
    three): the paper's condition for interventions is that the decoder has at least γ - 1 hidden layers, γ being the
    length of the longest path. Answers show the intervened value itself, and in a counterfactual the factual value of
    what the intervention cannot reach.

    Options: `depth` (decoder steps) and `scaler_refit` (rows of a query's own scaler, 0 for none), by default the
    variant's; `dropout` (of parents, in training), `epochs`, `batch_size` (less if there are fewer rows) and `lr` of
    Adam.
    """

    version: ClassVar[int] = 1
    variants: ClassVar[tuple[str, ...]] = ("reference", "corrected")
    query_options: ClassVar[frozenset[str]] = frozenset({"scaler_refit"})
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2, "batch_size": 100}
    real_scalars: ClassVar[bool] = True
    saves = ("network",)
    network: GraphAutoencoder

    def __init__(
        self,
        variant: str = "reference",
        depth: int | None = None,
        scaler_refit: int | None = None,
        dropout: float = 0.2,
        epochs: int = 200,
        batch_size: int = 1000,
        lr: float = 5e-3,
    ):
        if variant not in self.variants:
            raise ValueError(f"variant={variant!r}: choose one of {list(self.variants)}")
        if depth is not None and depth < 1:
            raise ValueError(f"depth={depth}: the decoder needs at least one step")
        self.variant, self.depth, self.scaler_refit, self.dropout = variant, depth, scaler_refit, dropout
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr

    @property
    def waives(self) -> Mapping[str, str]:
        """The reference variant's answers are reconstructions, scaled with other statistics than its inputs."""
        if self.variant == "corrected":
            return {}
        return {
            "do is exact": "the published code shows the decoder's reconstruction of the intervened node",
            "empty do is identity": "the published code shows the decoder's reconstruction of every node",
            "non-descendants untouched": "the published code decodes every node again from its approximate latent",
        }

    @property
    def refit(self) -> int:
        """200 rows in the reference variant, unless `scaler_refit` says otherwise."""
        default = REFIT if self.variant == "reference" else 0
        return default if self.scaler_refit is None else self.scaler_refit

    def learn(self, z: Tensor, *, seed: int) -> None:
        """Train the network."""
        self.network = train(z, self.graph, self._recipe(), steps=self._steps(), dropout=self.dropout, seed=seed)

    def _recipe(self) -> Recipe:
        return Recipe(self.epochs, min(self.batch_size, len(self.rows)), self.lr, weight_decay=1.2e-6, decay=0.99)

    def _steps(self) -> int:
        if self.depth is not None:
            return self.depth
        # The published configuration has three steps whatever the graph: interventions end after three edges.
        return 3 if self.variant == "reference" else max(3, longest_path(self.graph))

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps."""
        return {"parameters": self.network.size(), "gradient_steps": self._recipe().steps(len(self.rows))}

    def _abduct(self, factual: Values) -> Values:
        """Posterior means ``{node: (n, 4)}`` of the latents, under the training scaler."""
        mean, _ = self._encode(self.columns.pack(factual).T)
        return {v: z.T for v, z in zip(self.order, mean, strict=True)}

    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """Decode latents from the prior, and posterior means of their values for intervened nodes."""
        z = torch.randn(len(self.order), LATENT, n, generator=generator(seed, "sample"), dtype=torch.float64)
        return self._decode(z, torch.zeros(len(self.order), n, dtype=torch.float64), forced)

    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """Decode posterior means of the factual rows, and of their values for intervened nodes. Nothing is random."""
        mean, _ = self._encode(z.T)
        return self._decode(mean.clone(), z.T.clone(), forced)

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.double().encode(x, torch.ones_like(x))

    def _decode(self, z: Tensor, x: Tensor, forced: Values) -> Tensor:
        """Decode under do. An intervened node hears only itself: what `x` says of the others makes no difference."""
        network, keep, held = self.network.double(), torch.ones_like(x), self.columns.numbered(forced)
        for j, a in held.items():
            x[j], keep[j] = a, 0
        mean, _ = network.encode(x, keep)
        for j in held:
            z[j] = mean[j]
        return network.decode(z, keep).T
