"""DSCM: deep structural causal models (Pawlowski, Coelho de Castro, Glocker, 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pyro
import torch
from pyro.infer import Trace_ELBO
from scmbench.datasets.seeds import generator, seeded
from scmbench.datasets.values import Values, parents
from torch import Tensor

from ..contract.base import Unsupported
from ..contract.fields import lift
from ..contract.joint import JointModel
from ..training.progress import counted
from .mechanisms import Amortised, Explicit
from .program import ByNode, Program

TRANSFORMS = ("spline", "affine")


class DSCM(JointModel):
    """A deep mechanism a node in one Pyro program, trained by variational inference; abduction, action, prediction.

    "Deep Structural Causal Models for Tractable Counterfactual Inference", Pawlowski, Coelho de Castro, Glocker,
    NeurIPS 2020. A scalar node, root or not, is a conditional flow of its noise (`Explicit`); a vector or image node is
    a conditional variational autoencoder with dense networks (`Amortised`); both see the parents side by side. Training
    maximises the evidence lower bound on z-scored rows, with one draw of z,

        sum_v E_q(z_v | x_v, pa_v) [log p(x_v | z_v, pa_v) + log p(z_v) - log q(z_v | x_v, pa_v)],

    of which a scalar node's term is its exact log-likelihood.

    Counterfactuals are Pyro's: `poutine.condition` on the abducted noise, `poutine.do`, run. A flow's noise is exact.
    Of a vector node, z is drawn from q `particles` times, and the rest is exact given z; the answer is the mean over
    these draws, which are the same for all rows. Integer nodes are dequantised (see `Columns`).

    The paper's experiments choose mechanisms node by node, with convolutions for images; one kind of flow and dense
    networks for all nodes are this library's choice.

    Options: `transform` of scalar nodes (`spline` or `affine`), `hidden` (widths of every network), `latent` (size of z
    of a vector node), `epochs`, `batch_size`, `lr` of Adam, `particles`.
    """

    version: ClassVar[int] = 1
    query_options: ClassVar[frozenset[str]] = frozenset({"particles"})
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 3, "particles": 4}
    saves = ("gradient_steps",)
    gradient_steps: int

    def __init__(
        self,
        transform: str = "spline",
        hidden: tuple[int, ...] = (32, 32),
        latent: int = 8,
        epochs: int = 100,
        batch_size: int = 256,
        lr: float = 1e-3,
        particles: int = 32,
    ):
        if transform not in TRANSFORMS:
            raise ValueError(f"transform={transform!r}: choose one of {list(TRANSFORMS)}")
        self.transform, self.hidden, self.latent = transform, hidden, latent
        self.epochs, self.batch_size, self.lr, self.particles = epochs, batch_size, lr, particles

    def learn(self, z: Tensor, *, seed: int) -> None:
        """Train all mechanisms."""
        z = self.columns.dequantised(z, generator(seed, "dequantise"))
        with seeded(seed, "weights"):
            self.program = self._program()
        self._train(z.float(), seed=seed)
        self.program.double().requires_grad_(False)  # trained in single precision; the round trip deserves double

    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """Rows from noise of one stream a node."""

        def noise(node: str, part: str, width: int) -> Tensor:
            return torch.randn(n, width, generator=generator(seed, "noise", node, part), dtype=torch.float64)

        return self._joined(self.program.replay(self.program.noise(noise), forced))

    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """The noise of these rows replayed under `do`, averaged over `particles`."""
        particles = self.particles if self._amortised() else 1
        noise = self._abducted(z, particles, seed)
        values = self.program.replay(noise, {node: a.repeat(particles, 1) for node, a in forced.items()})
        return self._joined({v: x.reshape(particles, len(z), -1).mean(0) for v, x in values.items()})

    def _abduct(self, factual: Values) -> Values:
        """The noise u of factual rows, shaped like the nodes; of a vector node given the mean of q(z | x, pa)."""
        x = self.columns.split(self.columns.pack(factual))
        noise = self.program.abduct(x, {site: q.mean for site, q in self.program.posterior(x).items()})
        return {v: noise[f"x({v})_base"].reshape(len(x[v]), *like.shape[1:]) for v, like in self.like.items()}

    def _log_prob(self, x: Values) -> Tensor:
        """The density; of integer nodes it is about their log-probability.

        Raises `Unsupported` where a node is a vector: its density is only bounded.
        """
        if bounded := self._amortised():
            raise Unsupported(f"dscm knows only a lower bound of the density of the vector node(s) {bounded}")
        z = self.columns.split(self.columns.pack(x))
        return self.program.log_prob(z) - self.columns.scaler.std.log().sum()

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps."""
        trained = sum(int(p.numel()) for p in self.program.parameters())
        return {"parameters": trained, "gradient_steps": self.gradient_steps}

    def saved(self) -> dict[str, Any]:
        """The fields and all weights."""
        return super().saved() | {"program": dict(self.program.state_dict())}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, the weights in a program as `learn` makes it."""
        fields = dict(fields)
        weights = lift(fields.pop("program", None), dict[str, Tensor], "program")
        super().restore(fields)
        with seeded(0, "weights"):
            self.program = self._program()
        self.program.double().requires_grad_(False).load_state_dict(weights)
        return self

    def _program(self) -> Program:
        """A program of new networks."""
        causes = {v: parents(self.graph, v) for v in self.order}
        return Program(causes, {v: self._mechanism(v, causes[v]) for v in self.order})

    def _mechanism(self, node: str, causes: list[str]) -> Explicit | Amortised:
        width, context = self.columns.width(node), sum(map(self.columns.width, causes)) or 1
        if width == 1:
            return Explicit(width, context, transform=self.transform, hidden=self.hidden)
        return Amortised(width, context, latent=self.latent, hidden=self.hidden)

    def _amortised(self) -> list[str]:
        return [v for v, mechanism in self.program.mechanisms.items() if isinstance(mechanism, Amortised)]

    def _joined(self, parts: ByNode) -> Tensor:
        return torch.cat([parts[node] for node in self.order], 1)

    def _abducted(self, x: Tensor, particles: int, seed: int) -> dict[str, Tensor]:
        """Noise by site, ``(particles * n, width)``; a particle's draw of z is the same for all rows."""
        z = {}
        for site, q in self.program.posterior(self.columns.split(x)).items():
            eps = torch.randn(particles, 1, self.latent, generator=generator(seed, site), dtype=x.dtype)
            z[site] = (q.mean + q.stddev * eps).flatten(0, 1)
        return self.program.abduct(self.columns.split(x.repeat(particles, 1)), z)

    def _train(self, z: Tensor, *, seed: int) -> None:
        elbo, stream = Trace_ELBO(), generator(seed, "batches")
        optimizer = torch.optim.Adam(self.program.parameters(), lr=self.lr, fused=True)
        self.gradient_steps = 0
        with seeded(seed, "svi"), pyro.validation_enabled(False):
            for epoch in counted(range(self.epochs), "epochs"):
                for batch in z[torch.randperm(len(z), generator=stream)].split(self.batch_size):
                    optimizer.zero_grad()
                    loss = self.program.negative_elbo(self.columns.split(batch), elbo)
                    loss.backward()
                    optimizer.step()
                    self.gradient_steps += 1
                if not torch.isfinite(loss):
                    raise FloatingPointError(f"dscm diverged: loss {loss.item()} in epoch {epoch}; lower lr")
