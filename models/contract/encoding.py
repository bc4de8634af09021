"""A fitted model seen as encoder and decoder of one node, through its public methods alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from scmbench.datasets.values import Values, ValuesError, flatten, n_rows, rows
from torch import Tensor


@dataclass(frozen=True)
class EncoderDecoder:
    """``Z = g(x, pa)``, ``x̂ = h(Z, pa')``: what theory says of "general encoder-decoder models", of any `CausalModel`.

    The encoder is the model's abduction. The decoder is its counterfactual of a row whose parents are set to pa' while
    all other nodes are held at what they are: the causes above and the effects below say nothing more of a node whose
    parents are set, and a model with a mechanism a node then decodes that node alone.

    Attributes:
        model: A fitted model with the public methods of `CausalModel`.
        node: The node.
        parents: The nodes that cause it, at least one.

    Raises:
        ValuesError: For a node without parents, of which there is nothing to decode by.

    References:
        Chao, Blöbaum, Patel, Kasiviswanathan, "Modeling causal mechanisms with diffusion models for interventional and
        counterfactual queries", TMLR 2024, section 4.
    """

    model: Any
    node: str
    parents: Sequence[str]

    def __post_init__(self):
        if not self.parents:
            raise ValuesError(f"the node {self.node!r} has no parents: an encoder and a decoder of it take none")

    def encode(self, factual: Values) -> Tensor:
        """The noise Z ``(n, k)`` of factual rows ``{node: (n, *event)}``, float64.

        Raises:
            Unsupported: The model does, where it does not show the noise that it infers.
            ValuesError: For rows that do not fit, and for an answer without a row of noise for each of them.
        """
        noise, n = self.model.abduct(factual), n_rows(factual)
        if self.node not in noise or len(noise[self.node]) != n:
            raise ValuesError(f"{type(self.model).__name__} infers no noise of {self.node!r} for each of {n} rows")
        return flatten({self.node: noise[self.node].detach().cpu()}, [self.node])

    def decode(self, factual: Values, given: Mapping[str, Tensor], *, seed: int) -> Tensor:
        """The node's value ``(n, d)`` for the noise of factual rows under parents ``given {parent: (n, *event)}``.

        Raises:
            Unsupported: The model does, where it has no counterfactuals.
            ValuesError: For rows or parents that do not fit.
        """
        if missing := [parent for parent in self.parents if parent not in given]:
            raise ValuesError(f"the parents {missing} of {self.node!r} have no values; there are {sorted(given)}")
        held = {node: x for node, x in factual.items() if node != self.node}
        do = held | {parent: given[parent] for parent in self.parents}
        return flatten(self.model.counterfactual(factual, do, seed=seed), [self.node])

    def reconstruct(self, factual: Values, *, seed: int) -> Tensor:
        """``h(g(x, pa), pa)`` ``(n, d)``: `decode` under the parents that the rows have."""
        return self.decode(factual, factual, seed=seed)

    def curves(self, factual: Values, count: int, *, seed: int) -> Tensor:
        """``h(Z_i, pa_k)`` ``(count, n)``: every row's noise under the parents of each of the first `count` rows.

        In one call, rows times `count`. Of a scalar node; of several columns the first.
        """
        n = n_rows(factual)
        count = min(count, n)
        once, of = torch.arange(n).repeat(count), torch.arange(count).repeat_interleave(n)
        return self.decode(rows(factual, once), rows(factual, of), seed=seed)[:, 0].reshape(count, n)
