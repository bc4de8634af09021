"""Worlds that check one property rather than reproduce a paper."""

from __future__ import annotations

import torch

from .registry import register


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
