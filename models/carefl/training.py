"""Training of CAREFL's spline flow by maximum likelihood, one flow after the other."""

from __future__ import annotations

import numpy as np
import torch
from scmbench.datasets.seeds import generator
from threadpoolctl import threadpool_limits
from torch import Tensor

from ..training.recipe import Recipe, views
from . import compiled
from .compiled import LINES, ROWS, f32
from .flow import HIDDEN, Flow
from .spline import PARAMETERS, end_slope


def train(x: Tensor, recipe: Recipe, *, layers: int, doubled: bool, prior: str, seed: int) -> Flow:
    """The flow with the greatest likelihood of standardised rows ``x (n, d)``, columns in causal order.

    Each epoch goes through the rows in a random order; `prior` is `normal` or `logistic`.
    """
    d = x.shape[1]
    drawn = Flow.draw(d, layers, doubled, generator(seed, "weights"))
    buffers = tuple(np.zeros(sum(t.numel() for t in drawn.tensors()), f32) for _ in range(4))
    weights, gradients = (views(buffer, [t.shape for t in drawn.tensors()]) for buffer in buffers[:2])
    for view, tensor in zip(weights, drawn.tensors(), strict=True):
        view[:] = tensor.numpy()
    shapes = (layers + 1, d), (layers, d, HIDDEN), (layers, d, PARAMETERS), (LINES,), (d, HIDDEN), (d,)
    work = tuple(np.empty((*shape, ROWS), f32) for shape in shapes)
    columns, stream = x.float().T.contiguous(), generator(seed, "batches")
    with threadpool_limits(1, user_api="blas"):  # products this small only lose by threads
        for epoch in range(recipe.epochs):
            shuffled = columns[:, torch.randperm(len(x), generator=stream)].numpy()
            compiled.epoch(
                shuffled,
                recipe.batch_size,
                recipe.lr * recipe.decay**epoch,
                f32(recipe.weight_decay),
                epoch * (len(x) // recipe.batch_size),
                doubled,
                f32(end_slope(doubled)),
                prior == "normal",
                buffers,
                weights,
                gradients,
                work,
            )
            recipe.check(epoch, len(x), buffers[0])
    first, first_bias, second, second_bias = (torch.from_numpy(view.copy()) for view in weights)
    return Flow(first, first_bias, second, second_bias, doubled)
