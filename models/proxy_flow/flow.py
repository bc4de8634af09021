"""All columns and hidden causes as one density: what is learned, asked and turned around."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..training.rising import Shape
from .network import Conditioners, Encoder


@dataclass(frozen=True)
class Layout:
    """Which column sees which columns and which causes; causes are numbered through, those of a component in a row.

    Attributes:
        parents: For each of D columns the columns that it is given.
        causes: For each of D columns the hidden causes that it is given; none for most.
        components: For each component its causes and the columns that its causes are inferred from.
        depth: The number of columns on the longest path.
    """

    parents: Sequence[Sequence[int]]
    causes: Sequence[Sequence[int]]
    components: Sequence[tuple[Sequence[int], Sequence[int]]]
    depth: int

    @property
    def dim(self) -> int:
        """Of all causes together."""
        return sum(len(causes) for causes, _ in self.components)

    def touched(self) -> list[int]:
        """The columns that have a hidden cause."""
        return [j for j, own in enumerate(self.causes) if own]

    def component(self, column: int) -> int:
        """The component of a column that has a hidden cause."""
        return next(c for c, (own, _) in enumerate(self.components) if self.causes[column][0] in own)


class Flow(nn.Module):
    """``u_j = T_j(x_j; h_j(x_pa, z))``, ``u_j ~ N(0, 1)``, ``z ~ N(0, I)``, and ``q(z | x)`` beside it.

    Columns without a hidden cause are computed once a row, the others once a draw of z.
    """

    def __init__(self, layout: Layout, shape: Shape):
        super().__init__()
        self.layout, self.shape = layout, shape
        columns = range(len(layout.parents))
        self.touched = layout.touched()
        self.free = [j for j in columns if j not in set(self.touched)]
        zero = len(layout.parents) + layout.dim
        seen = [[*layout.parents[j], *(len(layout.parents) + c for c in layout.causes[j])] for j in columns]
        self.own = Conditioners([seen[j] for j in self.free], zero, shape.hidden, shape.size)
        self.shared = Conditioners([seen[j] for j in self.touched], zero, shape.hidden, shape.size)
        self.encoders = nn.ModuleList(Encoder(given, shape.hidden, len(own)) for own, given in layout.components)
        self.part = torch.tensor([layout.component(j) for j in self.touched], dtype=torch.long)
        self.of_cause = torch.tensor([c for c, (own, _) in enumerate(layout.components) for _ in own], dtype=torch.long)

    def inferred(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation of all causes given rows ``x (n, D)``, ``(n, L)`` each."""
        if not self.layout.dim:
            return x.new_zeros(len(x), 0), x.new_zeros(len(x), 0)
        parts = [encoder(x) for encoder in self.encoders]
        mean, log_std = (torch.cat(side, 1) for side in zip(*parts, strict=True))
        return mean, log_std

    def log_prob(self, x: Tensor, draws: Tensor) -> Tensor:
        """A bound of the log-density of rows ``x (n, D)``, ``(n,)``, by ``draws (K, n, L)`` of N(0, I):

            sum over components c of  log 1/K sum_k p(x_c | z_k) p(z_k) / q(z_k | x),   z_k = mean + std draw_k,

        and the density of the columns that have no hidden cause. Its expectation is a lower bound, which rises with K
        to the density (Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", ICLR 2016).
        """
        total = self._columns(self.own, self.free, x, x.new_zeros(len(x), self.layout.dim)).sum(1)
        if not self.layout.dim:
            return total
        mean, log_std = self.inferred(x)
        z = mean + log_std.exp() * draws
        count, n = draws.shape[:2]
        known = self._columns(self.shared, self.touched, x.repeat(count, 1), z.reshape(count * n, -1))
        ratio = 0.5 * (draws.square() - z.square()) + log_std  # log N(z; 0, 1) - log N(z; mean, std²)
        weights = x.new_zeros(count, n, len(self.layout.components))
        weights = weights.index_add(2, self.part, known.reshape(count, n, -1))
        weights = weights.index_add(2, self.of_cause, ratio)
        return total + (weights.logsumexp(0) - math.log(count)).sum(1)

    def encode(self, x: Tensor, z: Tensor) -> Tensor:
        """Noise ``u (n, D)`` of rows ``x (n, D)`` given their causes ``z (n, L)``."""
        return self._transform(x, z)(x)

    def decode(self, u: Tensor, z: Tensor, held: Tensor, free: Tensor) -> Tensor:
        """Rows ``(n, D)`` whose `free` columns ``(D,)`` follow from noise and causes, the others being as in `held`.

        After k rounds the columns of depth < k are final.
        """
        x = torch.where(free, 0, held)
        for _ in range(self.layout.depth):
            x = torch.where(free, self._transform(x, z).inv(u), held)
        return x

    def _transform(self, x: Tensor, z: Tensor) -> Any:
        h = x.new_empty(*x.shape, self.shape.size)
        inputs = self._inputs(x, z)
        for network, columns in ((self.own, self.free), (self.shared, self.touched)):
            h[:, columns] = network(inputs)
        return self.shape.at(h)

    def _columns(self, network: Conditioners, columns: Sequence[int], x: Tensor, z: Tensor) -> Tensor:
        """``log p(x_j | x_pa, z)`` of these columns, ``(n, m)``."""
        u, log_slope = self.shape.at(network(self._inputs(x, z))).call_and_ladj(x[:, columns])
        return log_slope - 0.5 * (u.square() + math.log(2 * math.pi))

    def _inputs(self, x: Tensor, z: Tensor) -> Tensor:
        return torch.cat([x, z, x.new_zeros(len(x), 1)], 1)
