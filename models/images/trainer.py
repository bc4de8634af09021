"""The one training loop of image networks: AdamW, warm-up and decay, clipped gradients, an average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scmbench.datasets.seeds import generator, seeded
from torch import Tensor, nn

from ..training.progress import counted

WARM_UP, CLIP = 0.05, 1.0
"""Share of the steps over which the rate rises, and the norm to which gradients are cut."""

LAST = 50
"""Steps over which the loss that is reported is averaged."""

Loss = Callable[[nn.Module, Tensor, torch.Generator], Tensor]
"""``loss(network, rows, stream)``: the mean loss over rows, given as indices ``(b,)``; noise comes from the stream."""


@dataclass(frozen=True)
class Recipe:
    """`steps` of AdamW on batches of `batch_size`.

    `decay` is `cosine` (with warm-up) or `constant`; `average` is the decay of the exponential average of the weights
    that is kept, 0 for the last weights themselves.
    """

    steps: int
    batch_size: int
    lr: float
    decay: str = "cosine"
    average: float = 0.999
    weight_decay: float = 0.01

    def __post_init__(self):
        for name in ("steps", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r}: expected a whole number of at least 1")
        if not (isinstance(self.lr, int | float) and 0 < self.lr < math.inf):
            raise ValueError(f"lr={self.lr!r}: expected a number above 0")
        if self.decay not in ("cosine", "constant"):
            raise ValueError(f"decay={self.decay!r}: choose 'cosine' or 'constant'")
        if not 0 <= self.average < 1:
            raise ValueError(f"average={self.average!r}: expected a number from 0 to below 1")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0: a linear rise over 5 % of them, then half a cosine to 0."""
        if self.decay == "constant":
            return self.lr
        rising = max(1, round(WARM_UP * self.steps))
        done = (step - rising) / max(1, self.steps - rising)
        return self.lr * ((step + 1) / rising if step < rising else (1 + math.cos(math.pi * done)) / 2)


def train(network: nn.Module, loss: Loss, rows: int, recipe: Recipe, *, seed: int) -> tuple[nn.Module, float]:
    """The network trained on `rows` rows, ready to be asked, and its mean loss over the last steps.

    Rows come in random order, epoch by epoch; their order and their noise have streams of their own under `seed`, on
    the CPU wherever the network is, so that all devices train on the same numbers. After k steps the average of the
    weights moves by 1 - min(average, (1 + k) / (10 + k)), or it would be the first weights for a long time.

    Raises `FloatingPointError` where the loss is no number any more.
    """
    order, stream = _batches(rows, recipe.batch_size, generator(seed, "rows")), generator(seed, "noise")
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)
    averaged = copy.deepcopy(network)
    kept, losses = list(averaged.parameters()), []
    network.train()
    with seeded(seed, "dropout"):
        for step in counted(range(recipe.steps), "steps"):
            optimizer.param_groups[0]["lr"] = recipe.rate(step)
            optimizer.zero_grad()
            value = loss(network, next(order), stream)
            value.backward()
            nn.utils.clip_grad_norm_(parameters, CLIP)
            optimizer.step()
            losses = [*losses[1 - LAST :], value.detach()]
            weight = min(recipe.average, (1 + step) / (10 + step)) if recipe.average else 0.0
            with torch.no_grad():
                for average, current in zip(kept, parameters, strict=True):
                    average.lerp_(current, 1 - weight)
            if step % LAST == LAST - 1 or step == recipe.steps - 1:
                _check(losses[-1], step)
    return averaged.eval().requires_grad_(False), float(torch.stack(losses).mean())


def _check(loss: Tensor, step: int) -> None:
    if not torch.isfinite(loss):
        raise FloatingPointError(f"training diverged by step {step + 1}: loss {loss.item()}; lower lr")


def _batches(rows: int, size: int, stream: torch.Generator):
    """Index batches ``(size,)`` for ever; what is left of an epoch is joined to the next one."""
    left = torch.empty(0, dtype=torch.long)
    while True:
        while len(left) < size:
            left = torch.cat([left, torch.randperm(rows, generator=stream)])
        yield left[:size]
        left = left[size:]
