"""CAREFL as first published: affine couplings, trained pair by pair (Khemakhem et al., 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import networkx as nx
import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values, check_graph
from torch import Tensor

from ..contract.base import Unsupported
from ..contract.columns import Columns, Scaler
from ..contract.joint import JointModel
from ..training.progress import counted
from .coupling import Coupling, CouplingFlow
from .prior import PRIORS


class AffineCAREFL(JointModel):
    """A coupling flow z = T(x): causes pass through affine maps, effects through affine maps that read the causes.

    "Causal Autoregressive Flows", Khemakhem, Monti, Leech, Hyvärinen, AISTATS 2021 (interventions: Algorithm 2). The
    graph must have as many causes as effects, edges leading from a cause to an effect only; an effect depends on all
    causes, parents or not. The defaults are those of the paper's fMRI experiment: with `scale` off, an effect is a
    function of the causes plus noise.

    Variant `reference` keeps what the published code does: a layer's shift of the causes is its log-scale (the shift's
    own parameter is never used); the latent of do(x_i = a) is read off a row that is 0 everywhere else, which is right
    for causes only; data are taken as they come. In `corrected` the shift is a parameter, the value is inserted when
    its turn comes, and columns are standardised.

    Options: `layers`, `width` of the networks, `scale` (whether effects are scaled too), `base` (whether causes are
    scaled and shifted), `prior` (`laplace`, `logistic` or `normal`), `epochs`, `batch_size`, `lr` of Adam, which falls
    to a tenth when the loss has not improved for three epochs, and `train_share`: the first rows, on which it trains
    (the published code keeps the rest to choose among several sizes).
    """

    version: ClassVar[int] = 1
    variants: ClassVar[tuple[str, ...]] = ("reference", "corrected")
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}
    real_scalars: ClassVar[bool] = True
    saves = ("flow", "gradient_steps")
    flow: CouplingFlow
    gradient_steps: int

    def __init__(
        self,
        variant: str = "reference",
        layers: int = 5,
        width: int = 3,
        scale: bool = False,
        base: bool = True,
        prior: str = "laplace",
        epochs: int = 100,
        batch_size: int = 64,
        lr: float = 1e-3,
        train_share: float = 0.8,
    ):
        if variant not in self.variants:
            raise ValueError(f"variant={variant!r}: choose one of {list(self.variants)}")
        if prior not in PRIORS:
            raise ValueError(f"prior={prior!r}: choose one of {sorted(PRIORS)}")
        if not 0 < train_share <= 1:
            raise ValueError(f"train_share={train_share}: choose a share between 0 and 1")
        self.variant, self.layers, self.width, self.scale, self.base, self.prior = (
            variant,
            layers,
            width,
            scale,
            base,
            prior,
        )
        self.epochs, self.batch_size, self.lr, self.train_share = epochs, batch_size, lr, train_share

    @property
    def waives(self) -> Mapping[str, str]:
        """An effect depends on all causes; and in the reference variant intervened effects miss their value."""
        order = "an effect depends on all causes, not on its parents alone"
        waived = {"non-descendants untouched": order, "non-descendants keep their distribution": order}
        if self.variant == "reference":
            waived["do is exact"] = "the published code reads the latent of an intervened value off a row of zeros"
        return waived

    def lay_out(self, data: Values) -> Columns:
        """Causes, then effects; columns as they come in the reference variant."""
        nodes = halves(self.graph)
        return Columns(nodes, data, Scaler.identity(len(nodes)) if self.variant == "reference" else None)

    def learn(self, z: Tensor, *, seed: int) -> None:
        """Train the flow."""
        x = z[: max(1, int(self.train_share * len(z)))].float()
        self.gradient_steps = self.epochs * -(-len(x) // self.batch_size)
        weights, batches = generator(seed, "weights"), generator(seed, "batches")
        options: dict[str, Any] = {"scale": self.scale, "base": self.base, "tied": self.variant == "reference"}
        half = x.shape[1] // 2
        flow = CouplingFlow(
            tuple(Coupling.draw(half, self.width, generator=weights, **options) for _ in range(self.layers))
        )
        parameters, prior = flow.tensors(), PRIORS[self.prior]
        for parameter in parameters:
            parameter.requires_grad_(True)
        optimizer = torch.optim.Adam(parameters, lr=self.lr)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=3)
        for epoch in counted(range(self.epochs), "epochs"):
            total, parts = 0.0, torch.randperm(len(x), generator=batches).split(self.batch_size)
            for part in parts:
                z, log_det = flow.forward(x[part])
                loss = -(prior.log_prob(z).sum(1) + log_det).sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
            if not torch.isfinite(torch.tensor(total)):
                raise FloatingPointError(f"carefl-affine diverged: loss {total} in epoch {epoch + 1}; lower lr")
            schedule.step(total / len(parts))
        for parameter in parameters:
            parameter.requires_grad_(False)
            parameter.data = parameter.data.double()
        self.flow = flow

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps."""
        return {"parameters": sum(t.numel() for t in self.flow.tensors()), "gradient_steps": self.gradient_steps}

    def _abduct(self, factual: Values) -> Values:
        """Latents ``{node: (n,)}``."""
        z, _ = self.flow.forward(self.columns.pack(factual))
        return self.columns.shaped(z)

    def _log_prob(self, x: Values) -> Tensor:
        z, log_det = self.flow.forward(self.columns.pack(x))
        return PRIORS[self.prior].log_prob(z).sum(1) + log_det - self.columns.scaler.std.log().sum()

    def _predict(self, n: int, forced: Values) -> Values:
        """The row of noise 0 under `do`, one a value: for symmetric noise and one layer a conditional median.

        This is the prediction of the paper's fMRI experiment (Algorithm 2, with z = 0 in place of draws).
        """
        z = torch.zeros(n, len(self.order), dtype=torch.float64)
        return self.columns.unpack(self._invert(z, torch.zeros_like(z), self.columns.standardised(forced)))

    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """Invert draws from the prior."""
        z = PRIORS[self.prior].sample((n, len(self.order)), generator(seed, "sample"))
        return self._invert(z, torch.zeros_like(z), forced)

    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """Invert the latents of the factual rows. Nothing is random."""
        latents, _ = self.flow.forward(z)
        return self._invert(latents, z, forced)

    def _invert(self, z: Tensor, context: Tensor, forced: Values) -> Tensor:
        held, half = self.columns.numbered(forced), len(self.order) // 2
        if self.variant == "corrected":
            causes = self.flow.inverse(z)[:, :half]
            return self.flow.inverse(z, _overwrite(causes, held))
        latents, _ = self.flow.forward(_overwrite(context, held))
        x = self.flow.inverse(_overwrite(z, {j: latents[:, j] for j in held}))
        # Rounding aside, intervened causes have their value (this variant scales nothing); effects do not.
        return _overwrite(x, {j: a for j, a in held.items() if j < half})


def halves(graph: nx.DiGraph) -> list[str]:
    """Causes, then effects. Raises `Unsupported` for a graph that does not fall into two such halves."""
    nodes = check_graph(graph)
    half, odd = divmod(len(nodes), 2)
    loose = [v for v in nodes if not graph.in_degree(v) and not graph.out_degree(v)]
    causes, effects = ([v for v in nodes if degree(v)] for degree in (graph.out_degree, graph.in_degree))
    if odd or set(causes) & set(effects) or max(len(causes), len(effects)) > half:
        raise Unsupported(
            "carefl-affine needs as many causes as effects, and edges that lead from a cause to an effect only; "
            f"here are {len(nodes)} nodes and the edges {sorted(graph.edges)}"
        )
    causes = sorted([*causes, *loose[: half - len(causes)]], key=nodes.index)
    return causes + [v for v in nodes if v not in causes]


def _overwrite(x: Tensor, forced: Mapping[int, Tensor]) -> Tensor:
    x = x.clone()
    for j, a in forced.items():
        if j < x.shape[1]:
            x[:, j] = a
    return x
