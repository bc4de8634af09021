"""One autoregressive layer u = T(x) whose conditioners see the parents alone, with its inverse under interventions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.gaussianization import ElementWiseTransform
from zuko.transforms import MonotonicAffineTransform, MonotonicRQSTransform

BINS = 8
UNITS = (16, 16, 16)
"""Hidden units per distinct parent set where none are asked for: (32, 32, 32) on a triangle, of the paper's grid."""

UNIVARIATE = {
    "affine": {"univariate": MonotonicAffineTransform, "shapes": ((), ())},
    "spline": {"univariate": MonotonicRQSTransform, "shapes": ((BINS,), (BINS,), (BINS - 1,))},
}


class CausalFlow(nn.Module):
    """T: R^D -> R^D with ``u_i = tau(x_i; h_i(x_pa(i)))``, tau monotone, so that T and its inverse are both causal.

    `parents (D, D)` is boolean, ``parents[i, j]`` meaning j -> i, without self-loops. `affine` is
    ``tau(x) = e^a x + b`` with |a| < ln 1000; `spline` is a monotone rational-quadratic spline of 8 bins on [-5, 5],
    the identity outside (Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", 2019). h is one masked
    perceptron with ELU units (Germain, Gregor, Murray, Larochelle, "MADE", 2015; zuko masks it by a graph); a root's
    parameters are free constants. There is one layer because several would let in ancestors that are no parents.
    """

    def __init__(self, parents: Tensor, *, transform: str, hidden: tuple[int, ...] | None):
        super().__init__()
        size = len(parents)
        if parents.any():
            sets = len({tuple(row) for row in parents.tolist() if any(row)})
            self.layer = MaskedAutoregressiveTransform(
                size,
                adjacency=parents | torch.eye(size, dtype=torch.bool),  # type: ignore[arg-type]
                hidden_features=hidden or [units * sets for units in UNITS],
                activation=nn.ELU,
                **UNIVARIATE[transform],
            )
            self.depth = self.layer.passes
        else:  # a masked perceptron refuses a graph without edges
            self.layer = ElementWiseTransform(size, **UNIVARIATE[transform])
            for constant in self.layer.parameters():  # zuko draws them from N(0, 1): a start far from the identity
                nn.init.zeros_(constant)
            self.depth = 1

    def univariate(self, x: Tensor) -> Any:
        """zuko's transform ``x_i -> u_i`` of every column i, given the parents' values in ``x (n, D)``."""
        return self.layer().meta(x) if isinstance(self.layer, MaskedAutoregressiveTransform) else self.layer()

    def encode(self, x: Tensor) -> Tensor:
        """Noise ``u (n, D)`` of the rows ``x (n, D)``."""
        return self.univariate(x)(x)

    def decode(self, u: Tensor, held: Tensor, free: Tensor) -> Tensor:
        """The rows ``(n, D)`` whose `free` columns ``(D,)`` follow from their noise, the others being as in `held`.

        x_i = tau^{-1}(u_i; h_i(x_pa(i))) for free i, x_i = held_i otherwise: the structural equations under do. After k
        rounds the columns of depth < k are final, so the depth of the graph is enough.
        """
        x = torch.where(free, 0, held)
        for _ in range(self.depth):
            x = torch.where(free, self.univariate(x).inv(u), held)
        return x

    def log_prob(self, x: Tensor) -> Tensor:
        """``sum_i log N(u_i; 0, 1) + log |d u_i / d x_i|``, shape ``(n,)``."""
        u, log_slope = self.univariate(x).call_and_ladj(x)
        return log_slope - 0.5 * (u.square().sum(-1) + u.shape[-1] * math.log(2 * math.pi))
