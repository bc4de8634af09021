"""my-worlds: structural causal models with known truth."""

from __future__ import annotations

import torch
from pyro.distributions import Laplace, Normal
from scmbench.datasets import register
from torch import Tensor


@register("my-worlds/chain")
def chain():
    """A cause, a mediator and an effect.

    One function a node: its noise ``u (n,)`` comes first, the other arguments are its parents by name, and so the edges
    are x1 -> x2 -> x3. The noise is N(0, 1) where nothing else is said.
    """
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: torch.tanh(x1) + u / 2,
        "x3": lambda u, x2: x2**2 / 2 + u,
    }


# Noise of other kinds (any of Pyro's distributions that has `icdf`), a hidden confounder, a vector node.
@register(
    "my-worlds/confounded",
    noise={
        "effect": Laplace(torch.zeros((), dtype=torch.float64), 1.0),
        "readings": Normal(torch.zeros(3, dtype=torch.float64), 1.0),
    },
    latent=["hidden"],  # generated and used by its children, but no model sees it
    targets=["dose"],  # what is intervened on; without this, every node that has descendants
    version=1,  # count it up whenever the data change
)
def confounded():
    """A dose and an effect with a hidden common cause, and three noisy readings of the effect."""
    return {
        "hidden": lambda u: u,
        "dose": lambda u, hidden: hidden + u,
        "effect": lambda u, dose, hidden: 2 * torch.sigmoid(dose) - hidden + u / 4,
        "readings": lambda u, effect: effect[:, None] * torch.tensor([1.0, 0.5, -1.0]) + u / 10,
    }


# A node of whole numbers is discrete: its values are levels, an intervention sets one of them, and labels are scored by
# how often they are wrong.
@register("my-worlds/treatment")
def treatment():
    """A treatment of two levels, confounded by age, and an outcome."""
    return {
        "age": lambda u: u,
        "treated": lambda u, age: (age + u > 0).long(),
        "outcome": lambda u, age, treated: 2 * treated - age + u / 2,
    }


# Equations that are drawn rather than written: take `seed`, and give parents by name with a function of (u, *parents).
@register("my-worlds/drawn")
def drawn(seed: int):
    """``x2 = w x1 + u`` with a weight of its own for every seed."""
    w = float(torch.rand(1, generator=torch.Generator().manual_seed(seed)))

    def x2(u: Tensor, x1: Tensor) -> Tensor:
        return w * x1 + u

    return {"x1": ((), lambda u: u), "x2": (("x1",), x2)}
