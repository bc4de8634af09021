"""A flow a node on a base that is learned, its shape chosen by likelihood: what a wrong family of noise costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..contract.autoregressive import ROOTS, DensityModel, check_options
from ..contract.base import Unsupported
from ..contract.columns import Scaler
from ..contract.levels import spread
from ..contract.nodewise import Mechanism, Task
from ..training.regressed import Diverged
from .bases import BASES, draws
from .training import SHAPES, Fitted, Recipe, log_prob


class BasedFlow(Mechanism):
    """``x = T^{-1}(u; h(pa))`` for a scalar x, u from a learned base; node and parents in robust units."""

    dtype: ClassVar[torch.dtype] = torch.float64
    saves = ("own", "given", "discrete", "flow", "updates")
    own: Scaler
    given: Scaler
    discrete: bool
    flow: Fitted
    updates: int

    def __init__(self, recipe: Recipe):
        self.recipe = recipe

    def fit(self, task: Task) -> Self:
        """Choose a shape and train it. Raises `Diverged` where its parameters are not finite."""
        x, recipe = task.x, self.recipe
        self.discrete = task.levels is not None
        if task.levels is not None:
            x = spread(x[:, 0], task.levels[:, 0], generator(task.seed, "spread"))[:, None]
        self.own, self.given = Scaler.robust(x), Scaler.robust(task.parents)
        features = self._features(task.parents).float()
        if not task.parents.shape[1]:  # without parents a location and a scale are all that there is to learn
            recipe = Recipe(recipe.base, recipe.shapes[:1], recipe.folds, recipe.epochs, recipe.batch_size, recipe.lr)
        self.flow = recipe.chosen(self.own(x)[:, 0].float(), features, task.seed)
        self.updates = recipe.updates(len(x))
        parts = (*self.flow.network.trunk.weights, *self.flow.network.trunk.biases, self.flow.base)
        if not all(bool(torch.isfinite(part).all()) for part in parts):
            raise Diverged("training diverged: the flow's parameters are not finite; lower lr")
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, 1)`` of rows ``x (n, 1)`` given ``parents (n, p)``: exact."""
        return self._map(parents)(self.own(x)[:, 0])[:, None]

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, 1)`` of noise ``u (n, 1)`` given ``parents (n, p)``."""
        return self.own.undo(self._map(parents).inv(u[:, 0])[:, None])

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws of the base, ``(n, 1)``."""
        return draws(self.recipe.base, self.flow.base, n, generator)[:, None]

    def log_prob(self, x: Tensor, parents: Tensor) -> Tensor:
        """``log p(x | pa)``, ``(n,)``, in the units of x. Raises `Unsupported` for a discrete x."""
        if self.discrete:
            raise Unsupported("a flow has no probabilities for a discrete node; tram has")
        found = log_prob(self.flow, self.recipe.base, self.own(x)[:, 0], self._features(parents))
        return found - self.own.std.log().squeeze(-1)

    def cost(self) -> dict[str, int]:
        """Trained scalars and optimiser steps of the flow that was chosen."""
        return {"parameters": self.flow.network.size() + len(self.flow.base), "gradient_steps": self.updates}

    def _map(self, parents: Tensor) -> Any:
        return SHAPES[self.flow.shape].at(self.flow.network(self._features(parents)))

    def _features(self, parents: Tensor) -> Tensor:
        """Parents in robust units; a column of 0 where there are none."""
        return self.given(parents) if parents.shape[1] else parents.new_zeros(len(parents), 1)


class FlowSCM(DensityModel):
    """A flow at every node whose base is a family of laws with learned location, scale and degrees of freedom.

    The rival in "Counterfactual Cocycles: A Framework for Robust and Coherent Counterfactual Transports", Dance,
    Bloem-Reddy, 2024 (arXiv 2405.13844), where it is called a bijective generation mechanism,

        u_v = T(x_v; h(pa_v)),   u_v ~ b,

    T rising in x: a shift that is linear in the parents, a shift or an affine map by a perceptron, or a spline
    (`Shape`). Which one is chosen node by node: by the likelihood of rows that training did not see, in `folds`.
    A base of another family than the noise's makes maximum likelihood buy a better law with a worse map, and the
    counterfactual pays: that is what the method is here for, not to be the best of them. (`nsf` bends its noise by
    several layers instead, `cocycle` has no law to be wrong.)

    Components of a vector are taken in turn, each given those before it. Discrete nodes are numbers spread over their
    cells in training. Roots bootstrap their training rows; `roots="fitted"` gives them the base alone, and the model a
    density.

    Options: `base` (`normal`, `laplace` or `student-t`), `shapes` to choose among, `folds`, `roots` (`resample` or
    `fitted`), then `epochs`, `batch_size` and `lr` of Adam, a tenth of it for splines.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    def __init__(
        self,
        base: str = "normal",
        shapes: Sequence[str] = tuple(SHAPES),
        folds: int = 2,
        roots: str = "resample",
        epochs: int = 200,
        batch_size: int = 128,
        lr: float = 1e-2,
    ):
        check_options(
            whole={"folds": folds, "epochs": epochs, "batch_size": batch_size},
            positive={"lr": lr},
            choices={"base": (base, BASES), "roots": (roots, ROOTS)},
        )
        if folds < 2:
            raise ValueError(f"folds={folds!r}: expected at least 2")
        if isinstance(shapes, str) or not shapes or not set(shapes) <= set(SHAPES):
            raise ValueError(f"shapes={shapes!r}: choose one or more of {list(SHAPES)}")
        self.base, self.shapes, self.folds, self.roots = base, tuple(shapes), folds, roots
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr

    def scalar(self) -> Mechanism:
        """An unfitted flow."""
        return BasedFlow(Recipe(self.base, self.shapes, self.folds, self.epochs, self.batch_size, self.lr))
