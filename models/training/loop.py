"""Training of a network of a whole graph: epochs of Adam through rows in random order, by autograd or a compiled loop.

What is minimised is defined once, in PyTorch (CAREFL: `Flow.forward`; VACA: `GraphAutoencoder.negative_elbo`), and
`autograd` trains on that definition. A method's ``compiled.py`` takes the same steps on the same random numbers, equal
to rounding and many times faster; it could be deleted and nothing else would change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scmbench.datasets.seeds import generator
from threadpoolctl import threadpool_limits
from torch import Tensor

from .progress import counted
from .recipe import Recipe, views

Epoch = tuple[Tensor, ...]
"""What the steps of an epoch go through, each float32 ``(..., n)``, rows last in the order of training."""

Steps = Callable[[Epoch, float, int], None]
"""Adam's steps through an epoch, at a rate, after so many steps before; a short last batch is left out."""


@dataclass(frozen=True)
class Flat:
    """Float32 weights, their gradients and Adam's two moments, each as one flat array.

    `weights` and `gradients` are views of the first two, shaped like the network's tensors.
    """

    buffers: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    weights: tuple[np.ndarray, ...]
    gradients: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> Flat:
        """The first weights, nothing else yet."""
        first, *rest = (np.zeros(sum(t.numel() for t in tensors), np.float32) for _ in range(4))
        weights, gradients = (views(buffer, [t.shape for t in tensors]) for buffer in (first, rest[0]))
        for view, tensor in zip(weights, tensors, strict=True):
            view[...] = tensor.numpy()
        return cls((first, rest[0], rest[1], rest[2]), weights, gradients)

    def tensors(self) -> tuple[Tensor, ...]:
        """A copy of the weights."""
        return tuple(torch.from_numpy(view.copy()) for view in self.weights)


def autograd(flat: Flat, recipe: Recipe, loss: Callable[..., Tensor]) -> Steps:
    """Steps on ``loss(weights, *batch)``, the mean over the rows of a batch, by PyTorch's autograd and Adam."""
    weights = [torch.from_numpy(view).requires_grad_() for view in flat.weights]
    adam = torch.optim.Adam(weights, weight_decay=recipe.weight_decay)

    def steps(epoch: Epoch, rate: float, done: int) -> None:
        adam.param_groups[0]["lr"] = rate
        size = recipe.batch_size
        for start in range(0, epoch[0].shape[-1] - size + 1, size):
            adam.zero_grad()
            loss(weights, *(part[..., start : start + size] for part in epoch)).backward()
            adam.step()

    return steps


def run(
    flat: Flat, steps: Steps, draw: Callable[[torch.Generator], Epoch], recipe: Recipe, *, rows: int, seed: int
) -> None:
    """Train the weights in place, on epochs drawn from a stream of `seed`.

    Raises `FloatingPointError` where they diverge.
    """
    stream = generator(seed, "batches")
    with threadpool_limits(1, user_api="blas"):  # products this small only lose by threads
        for k in counted(range(recipe.epochs), "epochs"):
            steps(draw(stream), recipe.lr * recipe.decay**k, k * (rows // recipe.batch_size))
            recipe.check(k, rows, flat.buffers[0])
