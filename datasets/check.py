"""Worlds that check one property rather than reproduce a paper."""

from __future__ import annotations

import torch
from pyro.distributions import Normal
from torch import Tensor

from .registry import register
from .scm import SCM


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
