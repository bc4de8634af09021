"""TM-SCM: a triangular monotone map at every node, for vectors, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import generator, seeded
from scmbench.datasets.values import Values
from torch import Tensor

from ..contract.autoregressive import ROOTS, VectorModel, check_options, component
from ..contract.base import Unsupported
from ..contract.columns import Scaler
from ..contract.levels import spread
from ..contract.nodewise import Mechanism, Task
from .bases import BASES
from .maps import KINDS
from .training import Recipe, TriangularFlow

CHOICES = ("likelihood", *KINDS)


class Triangular(Mechanism):
    """``x = T^{-1}(u; pa)`` for a vector x, u from a learned base; node and parents standardised."""

    dtype: ClassVar[torch.dtype] = torch.float64
    saves = ("own", "given", "discrete", "kind", "weights", "updates")
    own: Scaler
    given: Scaler
    discrete: bool
    kind: str
    weights: dict[str, Tensor]
    updates: int

    def __init__(self, recipe: Recipe, kind: str):
        self.recipe, self.asked = recipe, kind

    def fit(self, task: Task) -> Self:
        """Train, or train both kinds and choose. Raises `Diverged` where no epoch has a finite likelihood."""
        self.discrete = task.levels is not None
        x = torch.stack([_dequantised(task, k) for k in range(task.x.shape[1])], 1)
        self.own, self.given = Scaler.of(x, correction=0), Scaler.of(task.parents, correction=0)
        kinds = KINDS if self.asked == "likelihood" else (self.asked,)
        seen = self.own(x), self.given(task.parents)
        self.kind, flow, self.updates = self.recipe.chosen(kinds, *seen, task.seed)
        self._use(flow)
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d)`` of rows ``x (n, d)`` given ``parents (n, p)``: exact."""
        return self._flow.map.encode(self.own(x), self.given(parents))

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, d)`` of noise ``u (n, d)`` given ``parents (n, p)``."""
        return self.own.undo(self._flow.map.decode(u, self.given(parents)))

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws of the base, ``(n, d)``."""
        return self._flow.base.draw(n, generator)

    def log_prob(self, x: Tensor, parents: Tensor) -> Tensor:
        """``log p(x | pa)``, ``(n,)``, in the units of x. Raises `Unsupported` for a discrete x."""
        if self.discrete:
            raise Unsupported("a flow has no probabilities for a discrete node; tram has")
        return self._flow.likelihood(self.own(x), self.given(parents)) - self.own.std.log().sum()

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of the map that is used."""
        return {"parameters": sum(p.numel() for p in self._flow.parameters()), "gradient_steps": self.updates}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The fields, the weights in a flow as `fit` makes it."""
        super().restore(fields)
        with seeded(0, "weights"):
            flow = self.recipe.flow(self.kind, len(self.own.mean), len(self.given.mean))
        flow.double().requires_grad_(False)
        flow.load_state_dict(self.weights)
        self._use(flow)
        return self

    def _use(self, flow: TriangularFlow) -> None:
        self._flow, self.weights = flow, dict(flow.state_dict())


def _dequantised(task: Task, k: int) -> Tensor:
    """Component k ``(n,)``, spread over the cells of its levels where it has such."""
    own = component(task, k)
    x = own.x[:, 0]
    return x if own.levels is None else spread(x, own.levels[:, 0], generator(own.seed, "spread"))


class TMSCM(VectorModel):
    """A triangular map at every node given its parents, for vectors: exact noise, and a density.

    "Exogenous Isomorphism for Counterfactual Identifiability", Chen, Du, ICML 2025 (arXiv 2505.02212):

        u_v = T(x_v; pa_v),   u_v ~ b_v,

    T triangular and rising: u_j depends on the components up to j, and rises with the j-th. If the world's mechanisms
    are such maps in the same order of components, the counterfactual ``T^{-1}(T(x; pa); pa')`` of a perfect fit is the
    true one. Two maps: ``cmsm``, affine autoregressive layers in one order (`maps.Composed`), and ``tvsm``, the flow of
    a triangular velocity (`maps.Flowing`); ``likelihood`` trains both at every node and uses the one that predicts a
    held-out tenth of the rows better. Maximum likelihood by Adam with decoupled weight decay, the rate falling along
    half a cosine; of all epochs the one that is best on the tenth.
    (The published numbers are of the epoch with the least *true counterfactual error* on validation rows, which nobody
    has who does not know the answers, and are no measure for this model.)

    Layers of `cmsm` see the parents' own values, not what an earlier layer made of them, so that no ancestor gets in
    that is no parent. For a scalar node both are monotone flows. Discrete components are spread over their cells in
    training. Roots bootstrap their training rows; `roots="fitted"` gives them maps, too, and the model a density.

    Options: `kind` (``likelihood``, ``cmsm`` or ``tvsm``), `base`, the law of the noise (``normal``, ``mixture`` of
    five normals or ``flow``), `layers` of cmsm, `steps` of tvsm's solver, `hidden` widths, `roots` (``resample`` or
    ``fitted``), then `epochs`, `batch_size`, `lr`, `decay`.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2, "steps": 2, "hidden": (16,)}

    def __init__(
        self,
        kind: str = "likelihood",
        base: str = "flow",
        layers: int = 3,
        steps: int = 4,
        hidden: tuple[int, ...] = (64, 64),
        roots: str = "resample",
        epochs: int = 100,
        batch_size: int = 256,
        lr: float = 5e-3,
        decay: float = 0.01,
    ):
        check_options(
            whole={"layers": layers, "steps": steps, "epochs": epochs, "batch_size": batch_size},
            positive={"lr": lr, "decay": decay},
            choices={"kind": (kind, CHOICES), "base": (base, BASES), "roots": (roots, ROOTS)},
        )
        self.kind, self.base, self.layers, self.steps = kind, base, layers, steps
        self.hidden, self.roots = tuple(hidden), roots
        self.epochs, self.batch_size, self.lr, self.decay = epochs, batch_size, lr, decay

    def mechanism(self) -> Mechanism:
        """An unfitted map."""
        recipe = Recipe(
            self.base, self.layers, self.steps, self.hidden, self.epochs, self.batch_size, self.lr, self.decay
        )
        return Triangular(recipe, self.kind)

    def _log_prob(self, x: Values) -> Tensor:
        """The sum over nodes, ``(n,)``. Raises `Unsupported` where roots are resampled."""
        return self._density(x)
