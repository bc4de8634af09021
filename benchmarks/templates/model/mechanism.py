"""my-method: a mechanism for every node, learned from the node and its parents."""

from __future__ import annotations

from typing import ClassVar, Self

import torch
from scmbench.models import Mechanism, NodewiseModel, Task
from torch import Tensor


class MyMethodMechanism(Mechanism):
    """One node's ``x = f(pa, u)``; this skeleton learns ``x = W pa + b + u``: put your own method in its place.

    Rows come first in every tensor. ``d`` is 1 for a scalar node and the number of components of a vector node; ``p``
    is that of all parents together, in the order of their names.
    """

    dtype: ClassVar[torch.dtype] = torch.float64
    """What `fit`, `encode` and `decode` receive and return; the default is float32."""

    saves = ("W", "residuals")
    """What `fit` sets and answers need: a fitted model is saved as these, and each has the type that stands here."""
    W: Tensor
    residuals: Tensor

    def __init__(self, ridge: float):
        self.ridge = ridge

    def fit(self, task: Task) -> Self:
        """Learn from ``task.x (n, d)``, ``task.parents (n, p)``; all randomness from ``task.seed``."""
        # A method that draws: generator = torch.Generator().manual_seed(task.seed), never the global generator.
        A = self._columns(task.parents)
        penalty = self.ridge * torch.eye(A.shape[1], dtype=A.dtype)
        self.W = torch.linalg.solve(A.T @ A + penalty, A.T @ task.x)
        self.residuals = self.encode(task.x, task.parents)
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Abduction: the noise ``u (n, k)`` behind the rows ``x (n, d)``, for counterfactuals; k is yours to choose."""
        return x - self._columns(parents) @ self.W

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Prediction: the value ``x (n, d)`` of noise ``u (n, k)``. ``decode(encode(x, pa), pa)`` should be x."""
        return self._columns(parents) @ self.W + u

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Fresh noise ``u (n, k)`` for samples; here the residuals of the training rows, drawn with replacement."""
        return self.residuals[torch.randint(len(self.residuals), (n,), generator=generator)]

    def cost(self) -> dict[str, int]:
        """What the tables say a fit took; count ``gradient_steps`` too where there are any."""
        return {"parameters": self.W.numel()}

    def _columns(self, parents: Tensor) -> Tensor:
        return torch.cat([parents, parents.new_ones(len(parents), 1)], dim=1)


class MyMethod(NodewiseModel):
    """Say in one sentence what the method does, then cite it: title, authors, year.

    `NodewiseModel` walks the graph, obeys `do`, leaves untouched what an intervention does not reach, and gives nodes
    without parents their training rows; override `root` to learn those too.

    Option `ridge`: the penalty on the squared weights.
    """

    version: ClassVar[int] = 1
    """Count it up whenever answers change, so that old results are not taken for new ones."""

    def __init__(self, ridge: float = 1e-6):
        self.ridge = ridge  # every option is a plain value, kept under its own name

    def mechanism(self) -> Mechanism:
        """A new, unfitted mechanism for a node that has parents."""
        return MyMethodMechanism(self.ridge)
