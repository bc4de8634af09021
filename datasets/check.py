"""Worlds that check one property rather than reproduce a paper."""

from __future__ import annotations

import torch
from pyro.distributions import Normal
from torch import Tensor

from .registry import register
from .scm import SCM

_PAIR = Normal(torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
"""Independent noise of a node with two components."""


@register("check/sine")
def sine():
    """A mechanism that cannot be inverted: x2 = sin(x1 + u2) folds the noise, so no method can reach zero error."""
    return {"x1": lambda u: u, "x2": lambda u, x1: torch.sin(x1 + u)}


@register("check/treatment")
def treatment():
    """A treatment of two levels, confounded: age -> treated in {0, 1}, treated and age -> outcome, effect 2 exactly.

    Who is treated is a threshold of noise, which a row does not tell: counterfactual labels have an error that no
    method avoids where age is set, and none where the treatment is.
    """
    return {
        "age": lambda u: u,
        "treated": lambda u, age: (age + u > 0).long(),
        "outcome": lambda u, age, treated: 2 * treated - age + u / 2,
    }


@register("check/turning", noise={"y": _PAIR})
def turning():
    """Two components whose correlation follows their cause: told in the other order, the same law has other rows.

    y = (u1, r u1 + sqrt(1 - r^2) u2) with r = tanh(x): given x, normal with variances 1 and the correlation r. With the
    second component first, (r v1 + sqrt(1 - r^2) v2, v1) has this very law, and so has any other root of its covariance
    in place of these two triangular ones: no rows, observed or under do, tell which it is, and counterfactuals differ.
    """
    return {
        "x": lambda u: u,
        "y": lambda u, x: torch.stack([u[:, 0], torch.tanh(x) * u[:, 0] + u[:, 1] / torch.cosh(x)], 1),
    }


@register("check/shifting", noise={"y": _PAIR})
def shifting():
    """Two components that their cause shifts, their noise correlated and added: all orders have the same rows.

    y = (x / 2, sin(2 x)) + (u1, 0.8 u1 + 0.6 u2). The noise of a row is what is left of y without its mean, whichever
    map it is told by: the counterfactual is y - m(x) + m(x').
    """
    return {
        "x": lambda u: u,
        "y": lambda u, x: torch.stack([x / 2 + u[:, 0], torch.sin(2 * x) + 0.8 * u[:, 0] + 0.6 * u[:, 1]], 1),
    }


@register("check/bar")
def bar() -> SCM:
    """A class of three -> an image of 8 x 8: a bar whose column is the class, its brightness noise; for fast tests."""
    pixels = torch.zeros(1 + 64, dtype=torch.float64)
    columns = torch.arange(8, dtype=torch.float64)

    def image(u: Tensor, place: Tensor) -> Tensor:
        ink = torch.exp(-(columns - 1 - 2.5 * place.unsqueeze(1)).square()) * torch.sigmoid(u[:, :1])
        return (ink.reshape(-1, 1, 1, 8) + 0.02 * u[:, 1:].reshape(-1, 1, 8, 8)).float()

    return SCM(
        {"place": lambda u: torch.special.ndtr(u).mul(3).long().clamp(max=2), "bar": image},
        noise={"bar": Normal(pixels, pixels + 1)},
        images=["bar"],
    )
