"""A linear pair under five laws of noise, on which a flow with the wrong law fails: x1 ~ N(0, 1), x2 = x1 + u.

"Counterfactual Cocycles: A Framework for Robust and Coherent Counterfactual Transports", Dance, Bloem-Reddy, 2024
(arXiv 2405.13844), the experiment `2var_linear` of the code published with it. The mechanism is the same in all: what
differs is the law of u, which none of the effects depends on.
"""

from __future__ import annotations

import torch
from pyro.distributions import Cauchy, Exponential, Uniform  # type: ignore[attr-defined]  # made on import

from .registry import register

_ZERO, _ONE = (torch.tensor(x, dtype=torch.float64) for x in (0.0, 1.0))


@register("cocycles/pair/normal")
def normal():
    """Noise N(0, 1): the case in which nothing is wrong with a normal base."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1 + u}


@register("cocycles/pair/rademacher", noise={"x2": Uniform(-_ONE, _ONE)})
def rademacher():
    """Noise that is a random sign: two lines of rows, and no density."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1 + torch.where(u < 0, -1.0, 1.0)}


@register("cocycles/pair/cauchy", noise={"x2": Cauchy(_ZERO, _ONE)})
def cauchy():
    """Cauchy noise, which has no mean: least squares does not find the slope."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1 + u}


@register("cocycles/pair/gamma", noise={"x2": Exponential(_ONE)})
def gamma():
    """Noise of the law Gamma(1, 1), skewed and bounded from below."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1 + u}


@register("cocycles/pair/inversegamma", noise={"x2": Exponential(_ONE)})
def inversegamma():
    """Noise 1 / Gamma(1, 1), positive and without a mean."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1 + 1 / u}
