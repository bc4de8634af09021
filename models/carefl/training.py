"""Training of CAREFL's spline flow by maximum likelihood, one flow after the other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..training.loop import Epoch, Flat, autograd, run
from ..training.recipe import Recipe
from .compiled import take_steps
from .flow import Flow
from .prior import PRIORS


def train(
    x: Tensor, recipe: Recipe, *, layers: int, doubled: bool, prior: str, seed: int, compiled: bool = True
) -> Flow:
    """The flow with the greatest likelihood of standardised rows ``x (n, d)``, columns in causal order.

    Each epoch goes through the rows in a random order; `prior` is `normal` or `logistic`. The steps are those of
    autograd on `Flow.forward`; `compiled` takes the same ones, to rounding, in a compiled loop.
    """
    flow = Flow.draw(x.shape[1], layers, doubled, generator(seed, "weights"))
    columns, flat = x.float().T.contiguous(), Flat.of(flow.tensors())

    def draw(stream: torch.Generator) -> Epoch:
        return (columns[:, torch.randperm(len(x), generator=stream)],)

    def loss(weights: Sequence[Tensor], rows: Tensor) -> Tensor:
        z, log_det = flow.with_tensors(weights).forward(rows)
        return -(log_det + PRIORS[prior].log_prob(z).sum(0)).mean()

    steps = take_steps(flat, recipe, flow, prior) if compiled else autograd(flat, recipe, loss)
    run(flat, steps, draw, recipe, rows=len(x), seed=seed)
    return flow.with_tensors(flat.tensors())
