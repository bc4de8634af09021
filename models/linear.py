"""The linear-Gaussian structural causal model, fitted in closed form."""

from __future__ import annotations

from typing import ClassVar, Self

import torch
from scmbench.datasets.values import Values, n_rows
from torch import Tensor
from torch.distributions import MultivariateNormal

from .contract.additive import AdditiveNoise, AdditiveNoiseModel
from .contract.base import Unsupported
from .contract.nodewise import Mechanism, Task
from .contract.units import even_scale

ROUNDING = 1e-12
"""Variances this small, relative to the largest, are rounding."""


class LinearMechanism(AdditiveNoise):
    """``x = W pa + b + u``, ``u ~ N(0, S)``: least squares with penalty ``ridge · ||W||²``, S the mean of ``u uᵀ``."""

    saves = ("W", "b", "S", "spread")
    W: Tensor
    b: Tensor
    S: Tensor
    spread: Tensor

    def __init__(self, ridge: float = 0.0):
        self.ridge = ridge

    def fit(self, task: Task) -> Self:
        """Solve the normal equations of the centred columns; at `ridge` 0 the solution of least norm.

        Parents are brought to comparable sizes for it: what of them is taken for 0 does not depend on their units.
        """
        x, pa = task.x.double(), task.parents.double()
        centre, pa_centre = x.mean(0), pa.mean(0)
        A, y = pa - pa_centre, x - centre
        if self.ridge:
            identity = torch.eye(A.shape[1], dtype=A.dtype)
            self.W = torch.linalg.solve(A.T @ A + self.ridge * identity, A.T @ y).T
        else:
            scale = even_scale(A)
            self.W = (torch.linalg.pinv(A / scale) @ y).T / scale
        self.b = centre - self.W @ pa_centre
        u = self.encode(x, pa)
        self.S, self.spread = u.T @ u / len(u), y.square().mean()
        return self

    def mean(self, parents: Tensor) -> Tensor:
        """``W pa + b``, ``(n, p)`` to ``(n, d)``."""
        return parents @ self.W.T + self.b

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws from N(0, S), which may be singular."""
        eigenvalues, Q = torch.linalg.eigh(self.S)
        e = torch.randn(n, len(self.b), generator=generator, dtype=torch.float64)
        return e * eigenvalues.clamp(min=0).sqrt() @ Q.T

    def log_prob(self, x: Tensor, parents: Tensor) -> Tensor:
        """``log N(x; W pa + b, S)``, ``(n,)``. Raises `Unsupported` where S is singular."""
        eigenvalues = torch.linalg.eigvalsh(self.S)
        if eigenvalues[0] <= ROUNDING * eigenvalues[-1] or eigenvalues[-1] <= ROUNDING**2 * self.spread:
            raise Unsupported("a node's residuals have a singular covariance, so that it has no density")
        return MultivariateNormal(self.b, self.S).log_prob(x - parents @ self.W.T)

    def cost(self) -> dict[str, int]:
        """Entries of W, b and S."""
        return {"parameters": self.W.numel() + self.b.numel() + self.S.numel()}


class LinearGaussian(AdditiveNoiseModel):
    """``x_j = W_j pa_j + b_j + u_j``, ``u_j ~ N(0, S_j)`` at every node, roots included; maximum likelihood.

    Abduction is the residual, so that counterfactuals are exact where the world is linear, whatever its noise; samples
    are exact where the noise is Gaussian too (Pearl, Causality, 2009, section 5.2).

    Option `ridge`: the penalty on ``||W||²``, as in scikit-learn's ``Ridge(alpha)``.
    """

    version: ClassVar[int] = 1

    def __init__(self, ridge: float = 0.0):
        if ridge < 0:
            raise ValueError(f"ridge={ridge}: a penalty is at least 0")
        self.ridge = ridge

    def mechanism(self) -> Mechanism:
        """A linear mechanism."""
        return LinearMechanism(self.ridge)

    def root(self) -> Mechanism:
        """A linear mechanism without parents: the Gaussian of the training rows."""
        return LinearMechanism()

    def _log_prob(self, x: Values) -> Tensor:
        """Log-density of rows ``{node: (n, *event)}``, ``(n,)``: the sum of ``log p(x_j | pa_j)`` over the nodes.

        Raises `Unsupported` for integer nodes, which have no density, and where residuals have a singular covariance.
        """
        n = n_rows(x)
        total = torch.zeros(n, dtype=torch.float64)
        for node in self.order:
            if not self.like[node].is_floating_point():
                raise Unsupported(f"{node!r} is an integer node: it has no density")
            mechanism = self.mechanisms[node]
            assert isinstance(mechanism, LinearMechanism)
            own, pa = self._own_column(mechanism, node, x), self._parent_columns(mechanism, node, x, n)
            total += mechanism.log_prob(own, pa)
        return total
