"""Training of VACA: the evidence lower bound with parent dropout, one network after the other."""

from __future__ import annotations

import networkx as nx
import numpy as np
import torch
from scmbench.datasets.seeds import generator
from threadpoolctl import threadpool_limits
from torch import Tensor

from ..training.recipe import Recipe, views
from . import compiled
from .compiled import ROWS, WIDE, f32
from .network import HIDDEN, LATENT, Network
from .wiring import Wiring


def train(x: Tensor, graph: nx.DiGraph, recipe: Recipe, *, steps: int, dropout: float, seed: int) -> Network:
    """The network with the greatest evidence lower bound of standardised rows ``x (n, d)``, columns in topological
    order.

    Each epoch goes through the rows in a random order, with fresh noise; with probability `dropout` a node of a row
    loses all its parents, in encoder and decoder alike. The decoder has `steps` steps.
    """
    wiring = Wiring.of(graph)
    n, d, edges = *x.shape, wiring.edges
    drawn = Network.draw(wiring, steps, generator(seed, "weights"))
    shapes = [layer.shape for layer in drawn.layers]
    buffers = tuple(np.zeros(drawn.size(), f32) for _ in range(4))
    weights, gradients = (views(buffer, shapes) for buffer in buffers[:2])
    for view, tensor in zip(weights, drawn.layers, strict=True):
        view[:] = tensor.numpy()
    packs = tuple(np.zeros(_packed_size(d, steps), f32) for _ in range(2))
    parts = (edges, WIDE), (edges, WIDE), (d, 2 * LATENT), (steps + 1, d, HIDDEN), (steps + 1, d, HIDDEN)
    work = tuple(np.zeros((*part, ROWS), f32) for part in parts)
    where = wiring.target.numpy(), wiring.source.numpy(), wiring.starts.numpy()
    columns, stream = x.float().T.contiguous(), generator(seed, "batches")
    with threadpool_limits(1, user_api="blas"):  # products this small only lose by threads
        for epoch in range(recipe.epochs):
            compiled.epoch(
                columns[:, torch.randperm(n, generator=stream)].numpy(),
                (torch.rand(d, n, generator=stream) >= dropout).float().numpy(),
                torch.randn(d, LATENT, n, generator=stream).numpy(),
                recipe.batch_size,
                recipe.lr * recipe.decay**epoch,
                f32(recipe.weight_decay),
                epoch * (n // recipe.batch_size),
                where,
                steps,
                buffers,
                weights[:2],
                gradients[:2],
                packs,
                work,
            )
            recipe.check(epoch, len(x), buffers[0])
    return Network(wiring, tuple(torch.from_numpy(view.copy()) for view in weights))


def _packed_size(d: int, steps: int) -> int:
    widths = [compiled.widths(step, steps) for step in range(steps)]
    return sum(d * out * (width + 1) + d * out * (d * width + 1) for width, out in widths)
