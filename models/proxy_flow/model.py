"""Proxy flow: a flow of every node given its parents and hidden causes that are inferred from their effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.seeds import chances, derive, generator, seeded
from scmbench.datasets.values import Values, parents
from torch import Tensor

from ..contract.autoregressive import check_options
from ..contract.base import Unsupported
from ..contract.fields import FieldError, lift
from ..contract.joint import JointModel
from ..training.rising import Shape
from .flow import Flow, Layout
from .groups import components, told, written
from .identification import unanswered
from .training import Recipe

TRANSFORMS = ("affine", "spline")
POINTS, BLOCK = 64, 512
"""Draws of z behind a density, the same for every row, and how many rows are computed at once."""


class ProxyFlow(JointModel):
    """Flows given parents and inferred hidden causes: effects under confounding, where there are proxies.

    Nodes with a hidden cause in common are given, beside their parents, a latent z for that cause:

        x_v = T_v^{-1}(u_v; h_v(pa_v, z)),   u_v ~ N(0, 1),   z ~ N(0, I),

    T_v rising, h_v a perceptron. z is inferred by a Gaussian q(z | x) whose mean and spread are a perceptron's answer
    to the nodes that hang together by hidden causes, and their parents. Flows and q are trained together on a lower
    bound of the likelihood by several weighted draws of z (Burda, Grosse, Salakhutdinov, "Importance weighted
    autoencoders", ICLR 2016), from several starts, of which the bound chooses one. A latent variable model of cause,
    effect and proxies for causal effects is from "Causal effect inference with deep latent-variable models", Louizos,
    Shalit, Mooij, Sontag, Zemel, Welling, NeurIPS 2017 (arXiv 1705.08821); that its decoder is a causal flow, from
    "DeCaFlow: a deconfounding causal generative model", Almodóvar, Javaloy and others, 2025 (arXiv 2503.15114). This is
    neither of the two: flows are one a node, on its true parents.

    An intervention draws z from its prior. A counterfactual draws z from q(z | row) by what the seed and the row say
    (equal rows are answered alike), infers the noises given that z, and replays both. `abduct` shows the noises at the
    mean of q.

    **What it can answer.** Which hidden causes there are must be told, by the graph (``graph.graph["confounded"]``, as
    the worlds here have it) or by the option; about one that nobody tells of, it is wrong like any other method.
    ``do(x)`` follows from the data where no child of x hangs together with x by hidden causes. Where one does, the
    hidden cause of x and y needs two *proxies*: effects w and z of it with w independent of x and z, and z of y given
    x, once the hidden cause is known (Miao, Geng, Tchetgen Tchetgen, Biometrika, 2018). Without them the intervention,
    and any counterfactual with it, is `Unsupported` (`identification.unanswered`, which errs to that side); other
    queries of the same fit are answered. x and y alone have no proxy.

    **What is assumed beyond.** That proxies vary enough with the hidden cause (two noises are no proxies, though a
    graph may have them); that it has no more dimensions than `dim`; that training finds the law, and does not end with
    z on one node alone, which a lower bound than other seeds' shows. Where z is of the wrong kind, such models need not
    come to the true effect with ever more rows ("A critical look at the consistency of causal estimation with deep
    latent variable models", Rissanen, Marttinen, NeurIPS 2021). A counterfactual says which part of a row is z and
    which is noise, as the prior and the rising T_v have it; that does not matter where the two add up, and the data do
    not settle it elsewhere.

    A vector takes a column a component, given those before it; discrete nodes are dequantised (see `Columns`), images
    are `Unsupported`. `log_prob` is the bound by 64 fixed draws, close to the density and not below it for certain.

    Options: `confounded`, one text a hidden cause that names its effects, ``("w, z, x, y",)``, instead of what the
    graph says; `dim` of each cause; `transform`, `affine` (normal given parents and z) or `spline` (with a spline of 8
    bins after it); `hidden` widths of all perceptrons; `particles`, draws of z a row and step; `starts`, first weights
    that are tried where there is a hidden cause; `epochs`, `batch_size`, `lr` of Adam.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}
    saves = ("groups", "gradient_steps")
    groups: list[list[Any]]
    gradient_steps: int

    def __init__(
        self,
        confounded: Sequence[str] = (),
        dim: int = 1,
        transform: str = "affine",
        hidden: tuple[int, ...] = (32, 32),
        particles: int = 4,
        starts: int = 3,
        epochs: int = 60,
        batch_size: int = 256,
        lr: float = 3e-3,
    ):
        check_options(
            whole={
                "dim": dim,
                "particles": particles,
                "starts": starts,
                "epochs": epochs,
                "batch_size": batch_size,
            },
            positive={"lr": lr},
            choices={"transform": (transform, TRANSFORMS)},
        )
        if isinstance(hidden, int | str) or not all(type(width) is int and width > 0 for width in hidden):
            raise ValueError(f"hidden={hidden!r}: expected whole numbers above 0, such as (32, 32)")
        written(confounded)
        self.confounded, self.dim, self.transform, self.hidden = tuple(confounded), dim, transform, tuple(hidden)
        self.particles, self.starts, self.epochs = particles, starts, epochs
        self.batch_size, self.lr = batch_size, lr

    def _own(self, graph: nx.DiGraph, data: Values) -> Values:
        """Take note of hidden causes. Raises `ValuesError` for one of unknown nodes."""
        rows = super()._own(graph, data)
        self.groups = [list(group) for group in told(self.confounded, graph)]
        return rows

    def learn(self, z: Tensor, *, seed: int) -> None:
        """Train the flow. Raises `Unsupported` for images."""
        for node, like in self.like.items():
            if like.ndim > 2:
                shape = tuple(like.shape[1:])
                raise Unsupported(f"proxy-flow models scalars and vectors; {node!r} is an image of shape {shape}")
        rows = self.columns.dequantised(z, generator(seed, "dequantise")).float()
        self._look()
        starts = self.starts if self.groups else 1
        flows = [self._untrained(derive(seed, "start", i)) for i in range(starts)]
        recipe = Recipe(self.particles, self.epochs, self.batch_size, self.lr)
        self.flow, self.gradient_steps = recipe.train(flows, rows, seed=derive(seed, "train"))
        self.flow.double().requires_grad_(False)  # trained in single precision; the round trip deserves double

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """As `JointModel`, which also holds discrete nodes at their levels: what is refused is what was asked."""
        self._refuse(forced)
        return super()._sample(n, forced, seed=seed)

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """As `_sample`."""
        self._refuse(forced)
        return super()._counterfactual(factual, forced, seed=seed)

    def draw(self, n: int, forced: Values, *, seed: int) -> Tensor:
        """Rows from noise of one stream a node and hidden causes from their prior."""
        u = torch.empty(n, len(self.columns), dtype=torch.float64)
        for node, column in self.columns.split(u).items():
            column.normal_(generator=generator(seed, "noise", node))
        z = torch.randn(n, self.flow.layout.dim, generator=generator(seed, "hidden causes"), dtype=torch.float64)
        return self.flow.decode(u, z, self.columns.held(torch.zeros_like(u), forced), ~self.columns.mask(forced))

    def replay_rows(self, z: Tensor, forced: Values, *, seed: int) -> Tensor:
        """Hidden causes drawn given these rows, the noises given both, replayed."""
        mean, log_std = self.flow.inferred(z)
        drawn = [torch.special.ndtri(chances(z, seed, "hidden cause", i)) for i in range(mean.shape[1])]
        cause = mean + log_std.exp() * torch.stack(drawn, 1) if drawn else mean
        free = self.columns.mask(self.reached(forced))
        return self.flow.decode(self.flow.encode(z, cause), cause, self.columns.held(z, forced), free)

    def _abduct(self, factual: Values) -> Values:
        """The noise of factual rows at the mean of their hidden causes, shaped like the nodes."""
        x = self.columns.pack(factual)
        return self.columns.shaped(self.flow.encode(x, self.flow.inferred(x)[0]))

    def _log_prob(self, x: Values) -> Tensor:
        """The bound by fixed draws; of integer nodes it is about their log-probability."""
        rows, layout = self.columns.pack(x), self.flow.layout
        points = torch.zeros(1, 1, 0, dtype=torch.float64)
        if layout.dim:
            sobol = torch.quasirandom.SobolEngine(layout.dim, scramble=True, seed=0).draw(POINTS, dtype=torch.float64)
            points = torch.special.ndtri(sobol.clamp(1e-9, 1 - 1e-9))[:, None]
        parts = [self.flow.log_prob(part, points.expand(-1, len(part), -1)) for part in rows.split(BLOCK) if len(part)]
        return torch.cat([*parts, rows.new_zeros(0)]) - self.columns.scaler.std.log().sum()

    def seen_together(self) -> list[tuple[set[str], set[str]]]:
        """For all nodes that hang together by hidden causes: these, and the nodes whose values these are inferred from.

        A counterfactual of one of them rests on all values of its set, a proxy's too, which causes nothing.
        """
        found = []
        for part in components(self.groups):
            members = {node for i in part for node in self.groups[i]}
            found.append((members, members.union(*(parents(self.graph, node) for node in members))))
        return found

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
        if unknown := sorted({str(node) for group in self.groups for node in group if node not in self.like}):
            raise FieldError(f"groups: unknown node(s) {unknown}")
        self._look()
        self.flow = self._untrained(0)
        self.flow.double().requires_grad_(False).load_state_dict(weights)
        return self

    def _look(self) -> None:
        widths = {node: self.columns.width(node) for node in self.order}
        self.blocked = unanswered(self.graph, self.groups, widths, self.dim)

    def _untrained(self, seed: int) -> Flow:
        with seeded(seed, "weights"):
            return Flow(self._layout(), Shape(self.transform, self.hidden))

    def _refuse(self, forced: Values) -> None:
        for node in forced:
            if node in self.blocked:
                raise Unsupported(f"the effects of {node!r} do not follow from the data: {self.blocked[node]}")

    def _layout(self) -> Layout:
        """Columns and causes by number; causes of a component are inferred from its nodes and their parents."""
        slices, dim = self.columns.slices, self.dim
        first: dict[int, int] = {}
        parts = []
        for part, (_, seen) in zip(components(self.groups), self.seen_together(), strict=True):
            start = dim * len(first)
            first |= {group: start + dim * i for i, group in enumerate(part)}
            given = [j for node in self.order if node in seen for j in range(slices[node].start, slices[node].stop)]
            parts.append((list(range(start, start + dim * len(part))), given))
        given, causes, depths = [], [], []
        for node, own in slices.items():
            above = [j for p in parents(self.graph, node) for j in range(slices[p].start, slices[p].stop)]
            mine = [first[i] + k for i, group in enumerate(self.groups) if node in group for k in range(dim)]
            for j in range(own.start, own.stop):
                seen = [*above, *range(own.start, j)]
                given.append(seen)
                causes.append(mine)
                depths.append(1 + max((depths[i] for i in seen), default=0))
        return Layout(given, causes, parts, max(depths))
