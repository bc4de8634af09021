"""Denoisers that are told the parents in different ways, as functions of plain weights.

Weights have a name each. Those of one network are matrices ``(r, c)``, a bias a row ``(1, c)``; those of K stacked ones
are ``(K, r, c)``, and every function here takes either, with rows ``(n, ...)`` or ``(K, n, ...)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import silu

Weights = Mapping[str, Tensor]
Given = tuple[Tensor, ...]
"""What a network has made of the parents; a sampler makes it once for all its steps."""

BIAS, OUT = " bias", "out"
HEADS = 4
"""Heads of the attention."""


@dataclass(frozen=True)
class Shape:
    """A matrix: its rows and columns, the inputs that first values are scaled by, how often a row goes through."""

    rows: int
    columns: int
    fan_in: int
    uses: int = 1


@dataclass(frozen=True)
class Entry(ABC):
    """The noise in a value, predicted by a network that reads the state [noisy value, time] and is told the parents.

    Attributes:
        own: Columns of the noisy value.
        parents: Columns of the parents.
        told: Columns about time.
        outputs: Columns that are predicted.
        hidden: Widths of the hidden layers.
    """

    own: int
    parents: int
    told: int
    outputs: int
    hidden: tuple[int, ...]

    @abstractmethod
    def shapes(self) -> dict[str, Shape]:
        """Every matrix by name, in the order in which first weights are drawn; a name with `BIAS` is a bias."""

    @abstractmethod
    def condition(self, w: Weights, parents: Tensor) -> Given:
        """What depends on ``parents (n, p)`` alone."""

    @abstractmethod
    def predict(self, w: Weights, state: Tensor, given: Given) -> Tensor:
        """The outputs ``(n, outputs)`` for a state ``(n, own + told)``, its parents being `given`."""

    def __call__(self, w: Weights, inputs: Tensor) -> Tensor:
        """The outputs for inputs ``(n, own + parents + told)``, in that order."""
        own, parents, told = inputs.split([self.own, self.parents, self.told], -1)
        return self.predict(w, torch.cat([own, told], -1), self.condition(w, parents))

    def size(self) -> int:
        """Number of trained scalars."""
        return sum(shape.rows * shape.columns for shape in self.shapes().values())

    def multiplications(self) -> int:
        """Multiply-adds of one row's pass through the matrices, all else left out."""
        matrices = [shape for name, shape in self.shapes().items() if not name.endswith(BIAS)]
        return sum(shape.rows * shape.columns * shape.uses for shape in matrices)

    def draw(self, generator: torch.Generator) -> dict[str, Tensor]:
        """First weights: each from U(-b, b), b = 1/sqrt(fan_in), in the order of `torch.nn.Linear`."""
        drawn = {}
        for name, shape in self.shapes().items():
            bound = shape.fan_in**-0.5
            drawn[name] = torch.empty(shape.columns, shape.rows).uniform_(-bound, bound, generator=generator)
            drawn[name] = drawn[name].T.contiguous()
        return drawn

    def trunk(self, inputs: int) -> dict[str, Shape]:
        """The layers ``0``, ``1``, ... and `OUT` of a perceptron with these hidden layers."""
        sizes = (inputs, *self.hidden, self.outputs)
        names = [*map(str, range(len(self.hidden))), OUT]
        return _layers(dict(zip(names, pairwise(sizes), strict=True)))

    def conditioner(self, outputs: int) -> dict[str, Shape]:
        """A perceptron from the parents to `outputs` numbers, its hidden layer as wide as the first of the trunk."""
        return _layers({"given 0": (self.parents, self.hidden[0]), "given 1": (self.hidden[0], outputs)})


def _layers(sizes: Mapping[str, tuple[int, int]]) -> dict[str, Shape]:
    shapes = {}
    for name, (rows, columns) in sizes.items():
        fan_in = max(rows, 1)
        shapes |= {name: Shape(rows, columns, fan_in), name + BIAS: Shape(1, columns, fan_in)}
    return shapes


def affine(w: Weights, name: str, x: Tensor) -> Tensor:
    """``x W + b`` of the layer of that name."""
    product = torch.baddbmm if x.dim() == 3 else torch.addmm
    return product(w[name + BIAS], x, w[name])


def _rest(w: Weights, x: Tensor, names: Iterable[str]) -> Tensor:
    for name in names:
        x = affine(w, name, silu(x))
    return x


class Concatenated(Entry):
    """Parents beside the noisy value and the time in the input, as in DCM (Chao et al., TMLR 2024)."""

    def shapes(self) -> dict[str, Shape]:
        """One perceptron."""
        return self.trunk(self.own + self.parents + self.told)

    def condition(self, w: Weights, parents: Tensor) -> Given:
        """Their share of the first layer."""
        product = torch.baddbmm if parents.dim() == 3 else torch.addmm
        return (product(w["0" + BIAS], parents, w["0"][..., self.own : self.own + self.parents, :]),)

    def predict(self, w: Weights, state: Tensor, given: Given) -> Tensor:
        """The rest of the first layer, and all others."""
        matrix = w["0"]
        mine = torch.cat([matrix[..., : self.own, :], matrix[..., self.own + self.parents :, :]], -2)
        product = torch.baddbmm if state.dim() == 3 else torch.addmm
        return _rest(w, product(given[0], state, mine), [*map(str, range(1, len(self.hidden))), OUT])


class Modulated(Entry):
    """Parents scale and shift every hidden unit before its activation: h = silu((1 + s(pa)) (W h' + b) + t(pa)).

    Perez, Strub, de Vries, Dumoulin, Courville, "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018,
    eq. 2. One perceptron of the parents makes all s and t.
    """

    def shapes(self) -> dict[str, Shape]:
        """The conditioner, then the trunk."""
        return self.conditioner(2 * sum(self.hidden)) | self.trunk(self.own + self.told)

    def condition(self, w: Weights, parents: Tensor) -> Given:
        """Scales, then shifts, of every layer."""
        made = affine(w, "given 1", silu(affine(w, "given 0", parents)))
        parts = made.split([*self.hidden, *self.hidden], -1)
        return (*(1 + scale for scale in parts[: len(self.hidden)]), *parts[len(self.hidden) :])

    def predict(self, w: Weights, state: Tensor, given: Given) -> Tensor:
        """The trunk, modulated."""
        layers = len(self.hidden)
        for i in range(layers):
            state = silu(torch.addcmul(given[layers + i], given[i], affine(w, str(i), state)))
        return affine(w, OUT, state)


class Gated(Entry):
    """Parents open and close every hidden unit: h = 2 sigmoid(g(pa)) silu(W h' + b).

    A gate on a unit scales a row of the next matrix, so that the matrices are functions of the parents, each of rank
    one: the cheap form of a network that makes another's weights (Ha, Dai, Le, "HyperNetworks", ICLR 2017, section on
    weight scaling). Unlike FiLM it shifts nothing.
    """

    def shapes(self) -> dict[str, Shape]:
        """The conditioner, then the trunk."""
        return self.conditioner(sum(self.hidden)) | self.trunk(self.own + self.told)

    def condition(self, w: Weights, parents: Tensor) -> Given:
        """The gates of every layer."""
        gates = 2 * torch.sigmoid(affine(w, "given 1", silu(affine(w, "given 0", parents))))
        return tuple(gates.split(self.hidden, -1))

    def predict(self, w: Weights, state: Tensor, given: Given) -> Tensor:
        """The trunk, gated."""
        for i, gate in enumerate(given):
            state = gate * silu(affine(w, str(i), state))
        return affine(w, OUT, state)


class Attending(Entry):
    """Parents are tokens, one each; what was made of noisy value and time asks them, and adds what it is answered.

    Parent j is the token silu(e_j pa_j + b_j), as numbers become tokens in Gorishniy, Rubachev, Khrulkov, Babenko,
    "Revisiting Deep Learning Models for Tabular Data", NeurIPS 2021, section 3.3. The first hidden layer h of
    [noisy value, time] asks by `HEADS` heads, h + O softmax(Q h · K tokens / sqrt(width of a head)) V tokens (Vaswani
    et al., "Attention Is All You Need", NeurIPS 2017, section 3.2), and the other layers follow. One more token is the
    same in every row: with a single parent there would be nothing to choose from.
    """

    @property
    def inner(self) -> int:
        """Columns of all heads together."""
        return HEADS * max(1, self.hidden[0] // HEADS)

    def shapes(self) -> dict[str, Shape]:
        """The token of no parent, those of parents, their keys and values, then the trunk with queries and answers."""
        width, p = self.hidden[0], self.parents
        tokens = {"tokens": Shape(p, width, 1), "tokens" + BIAS: Shape(p, width, 1), "none": Shape(1, width, 1)}
        asked = _layers({name: (width, self.inner) for name in ("keys", "values")})
        asked |= {name: Shape(width, self.inner, width, uses=p) for name in ("keys", "values")}
        return (
            tokens | asked | _layers({"queries": (width, self.inner), "answers": (self.inner, width)}) | self._trunk()
        )

    def _trunk(self) -> dict[str, Shape]:
        return self.trunk(self.own + self.told)

    def condition(self, w: Weights, parents: Tensor) -> Given:
        """Keys and values ``(..., n, 1 + p, HEADS, inner / HEADS)``."""
        tokens = silu(torch.addcmul(w["tokens" + BIAS].unsqueeze(-3), parents.unsqueeze(-1), w["tokens"].unsqueeze(-3)))
        none, rows = silu(w["none"]), tokens.flatten(-3, -2)
        made = []
        for name in ("keys", "values"):
            own = affine(w, name, rows).unflatten(-2, parents.shape[-2:])
            same = affine(w, name, none).unsqueeze(-3).expand(*own.shape[:-2], 1, -1)
            made.append(torch.cat([same, own], -2).unflatten(-1, (HEADS, -1)))
        return tuple(made)

    def predict(self, w: Weights, state: Tensor, given: Given) -> Tensor:
        """The trunk; its first hidden layer asks."""
        keys, values = given
        h = silu(affine(w, "0", state))
        queries = affine(w, "queries", h).unflatten(-1, (HEADS, -1)).unsqueeze(-3)
        shares = torch.softmax((queries * keys).sum(-1) / keys.shape[-1] ** 0.5, -2)
        heard = (shares.unsqueeze(-1) * values).sum(-3).flatten(-2)
        h = h + affine(w, "answers", heard)
        names = [*map(str, range(1, len(self.hidden))), OUT]
        return _rest(w, affine(w, names[0], h), names[1:])


class Mean(Entry):
    """A perceptron of the parents alone: the conditional mean that a residual is left by."""

    def shapes(self) -> dict[str, Shape]:
        """One perceptron."""
        return self.trunk(self.parents)

    def condition(self, w: Weights, parents: Tensor) -> Given:
        """All of it."""
        names = [*map(str, range(1, len(self.hidden))), OUT]
        return (_rest(w, affine(w, "0", parents), names),)

    def predict(self, w: Weights, state: Tensor, given: Given) -> Tensor:
        """What was made of the parents."""
        return given[0]
