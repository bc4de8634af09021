"""Rank-preserving nodes: a row keeps its conditional rank under the intervention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from scmbench.datasets.values import ValuesError
from torch import Tensor

from ..contract.columns import Scaler
from ..contract.nodewise import Mechanism, NodewiseModel, Task
from ..contract.points import Points
from .forest import Forest

ROWS = 256
"""Rows whose weights over all training rows are held at once."""


class Ranks(Mechanism):
    """``u_k = Φ⁻¹(F_k(x_k | pa, x_1..x_{k-1}))``, column by column; F_k by a quantile regression forest."""

    dtype: ClassVar[torch.dtype] = torch.float64
    saves = ("scaler", "x", "forests")
    scaler: Scaler
    x: Tensor
    forests: list[Forest]

    def __init__(self, trees: int, leaf: int):
        self.trees, self.leaf = trees, leaf

    def fit(self, task: Task) -> Self:
        """Grow a forest for every column of ``x (n, d)``. Raises `ValuesError` for fewer than two rows."""
        if len(task.x) < 2:
            raise ValuesError(f"ranks need at least 2 rows, got {len(task.x)}")
        given = torch.cat([task.parents, task.x], dim=1)
        self.scaler, self.x = Scaler.of(given, correction=0), task.x
        X, p = self.scaler(given).numpy(), task.parents.shape[1]
        self.forests = [
            Forest.grown(X[:, : p + k], X[:, p + k], trees=self.trees, leaf=self.leaf, seed=task.seed)
            for k in range(task.x.shape[1])
        ]
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The normal scores ``(n, d)`` of rows ``x (n, d)`` given ``parents (n, p)``."""
        columns = []
        for k in range(x.shape[1]):
            laws = self._laws(k, torch.cat([parents, x[:, :k]], dim=1))
            columns.append([float(law.score(np.asarray(v))) for law, v in zip(laws, x[:, k].tolist(), strict=True)])
        return torch.tensor(columns, dtype=self.dtype).T.reshape(x.shape)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The rows ``(n, d)`` of normal scores ``u (n, d)`` given ``parents (n, p)``."""
        x = torch.empty_like(u)
        for k in range(u.shape[1]):
            laws = self._laws(k, torch.cat([parents, x[:, :k]], dim=1))
            column = [float(law.value(np.asarray(v))) for law, v in zip(laws, u[:, k].tolist(), strict=True)]
            x[:, k] = torch.tensor(column, dtype=self.dtype)
        return x

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return torch.randn(n, self.x.shape[1], generator=generator, dtype=self.dtype)

    def cost(self) -> dict[str, int]:
        """Inner and outer nodes of all trees, two numbers each."""
        return {"parameters": 2 * sum(len(forest.left) for forest in self.forests)}

    def _laws(self, k: int, given: Tensor):
        """The conditional law of column k for each row of ``given (n, p + k)``, in turn."""
        part = self.scaler.part(slice(0, given.shape[1]))
        column = self.x[:, k].numpy()
        order = np.argsort(column, kind="stable")
        for piece in part(given).split(ROWS):
            if len(piece):
                for weights in self.forests[k].weights(piece.numpy()):
                    yield Points.of(column[order], weights[order])


class Rank(NodewiseModel):
    """Every node keeps its conditional rank: ``x' = F⁻¹(F(x | pa) | pa')``, F by a quantile regression forest.

    The forest is that of "Quantile Regression Forests", Meinshausen, 2006, by scikit-learn's trees: the law of a node
    given its parents is that of the training rows which share leaves with them. The counterfactual is the true one
    where the world's mechanism rises with its noise ("Counterfactual Identifiability of Bijective Causal Models",
    Nasr-Esfahany, Alizadeh, Shah, 2023, Theorem 5.1). Between training rows ranks are interpolated on the scale of
    normal scores, beyond them they go on as a normal law would (`Points`). No training loop, and no row can pull the
    others far; a forest does not extrapolate, so that interventions beyond the training rows are answered as at their
    edge. The columns of a vector node are taken in order, each given those before it.

    Options: `trees`, and `leaf`, the least number of training rows in a leaf.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"trees": 5}

    def __init__(self, trees: int = 100, leaf: int = 10):
        for name, value in (("trees", trees), ("leaf", leaf)):
            if not (isinstance(value, int) and value > 0):
                raise ValueError(f"{name}={value!r}: expected a whole number above 0")
        self.trees, self.leaf = trees, leaf

    def mechanism(self) -> Mechanism:
        """A mechanism without its forests."""
        return Ranks(self.trees, self.leaf)
