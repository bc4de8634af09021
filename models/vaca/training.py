"""Training of VACA: the evidence lower bound with parent dropout, one network after the other."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..training.loop import Epoch, Flat, autograd, run
from ..training.recipe import Recipe
from .compiled import take_steps
from .network import LATENT, GraphAutoencoder
from .wiring import Wiring


def train(
    x: Tensor, graph: nx.DiGraph, recipe: Recipe, *, steps: int, dropout: float, seed: int, compiled: bool = True
) -> GraphAutoencoder:
    """The network with the greatest evidence lower bound of standardised rows ``x (n, d)``, columns in topological
    order.

    Each epoch goes through the rows in a random order, with fresh noise; with probability `dropout` a node of a row
    loses all its parents, in encoder and decoder alike. The decoder has `steps` steps. The steps of Adam are those of
    autograd on `GraphAutoencoder.negative_elbo`; `compiled` takes the same ones, to rounding, in a compiled loop.
    """
    n, d = x.shape
    wiring = Wiring.of(graph)
    first = GraphAutoencoder.draw(wiring, steps, generator(seed, "weights"))
    columns, flat = x.float().T.contiguous(), Flat.of(first.layers)

    def draw(stream: torch.Generator) -> Epoch:
        rows = columns[:, torch.randperm(n, generator=stream)]
        keep = (torch.rand(d, n, generator=stream) >= dropout).float()
        return rows, keep, torch.randn(d, LATENT, n, generator=stream)

    def loss(weights: Sequence[Tensor], *batch: Tensor) -> Tensor:
        return GraphAutoencoder(wiring, tuple(weights)).negative_elbo(*batch).mean()

    adam = take_steps(flat, recipe, wiring, steps) if compiled else autograd(flat, recipe, loss)
    run(flat, adam, draw, recipe, rows=n, seed=seed)
    return GraphAutoencoder(wiring, flat.tensors())
