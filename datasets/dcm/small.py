"""The DCM paper's small SCMs: chain, triangle, diamond, Y, hexagon and the bivariate ones.

Chao, Blöbaum, Patel, Kasiviswanathan, "Modeling Causal Mechanisms with Diffusion Models for Interventional and
Counterfactual Queries", TMLR 2024, appendix D, as its released code has them. ``nlin`` mechanisms add their noise,
``nadd`` ones do not. All noise is N(0, 1); the constant divisors bring most nodes near unit variance. Where a mechanism
is not injective in its noise, the true counterfactual is no function of the factual row, and no method reaches error 0.
"""

from __future__ import annotations

import torch
from torch import sigmoid

from ..registry import register


@register("dcm/chain/nlin")
def chain_nlin():
    """1→2→3, additive noise."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: (torch.exp(x1 / 2) + u / 4) / 0.65,
        "x3": lambda u, x2: ((x2 - 5) ** 3 / 15 + u) / 2.13,
    }


@register("dcm/chain/nadd")
def chain_nadd():
    """1→2→3; x2 has two roots in its noise."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: 1 / ((u + x1) ** 2 + 0.5) / 0.63,
        "x3": lambda u, x2: torch.sqrt(x2 + u.abs()) / (0.1 + x2),
    }


@register("dcm/triangle/nlin")
def triangle_nlin():
    """1→2, 1→3, 2→3, additive noise."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: (2 * x1**2 + u) / 3,
        "x3": lambda u, x1, x2: (20 * sigmoid(x2**2 - x1) + u) / 2.41,
    }


@register("dcm/triangle/nadd")
def triangle_nadd():
    """1→2, 1→3, 2→3; x2 folds its noise where |x1| > 0.385, x3 where x2 < 2 x1."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: (x1 / ((u + x1) ** 2 + 1) + u / 4) / 0.47,
        "x3": lambda u, x1, x2: (u.abs() + 0.3) * (-x1 + x2 / 2 + u.abs() / 5) ** 2 / 0.93,
    }


@register("dcm/diamond/nlin")
def diamond_nlin():
    """1→2, 1→3, 2→3, 2→4, 3→4 (denser than a usual diamond), additive noise; x3 has heavy tails."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: (x1**2 + u / 2) / 1.5,
        "x3": lambda u, x1, x2: (x2**2 - 2 * sigmoid(x1) + u / 2) / 1.27,
        "x4": lambda u, x2, x3: (x3 / ((x2 + x3).abs() + 0.5) + u / 5) / 0.54,
    }


@register("dcm/diamond/nadd")
def diamond_nadd():
    """1→2, 1→3, 2→3, 2→4, 3→4; x2 folds its noise where |x1| > 0.16, x4 has two roots."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: (torch.sqrt(x1.abs()) * (u.abs() + 0.1) / 2 + x1.abs() + u / 5) / 0.83,
        "x3": lambda u, x1, x2: 6 / (1 + (u.abs() + 0.5) * torch.exp(x1 - x2)),
        "x4": lambda u, x2, x3: ((x3 + x2 + u / 4 - 7) ** 2 - 20) / 7.27,
    }


@register("dcm/y/nlin")
def y_nlin():
    """1→3, 2→3, 3→4, additive noise."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: u,
        "x3": lambda u, x1, x2: (-(x2**2) + 4 * sigmoid(x1 + x2) + u / 2) / 1.83,
        "x4": lambda u, x3: (20 * sigmoid(x3 - x3**2 / 2) + u) / 3.26,
    }


@register("dcm/y/nadd")
def y_nadd():
    """1→3, 2→3, 3→4; x3 sees only the size of its noise, x4 has two roots."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: u,
        "x3": lambda u, x1, x2: (x1 - 2 * x2 - 2) * (u.abs() + 0.2) / 2.87,
        "x4": lambda u, x3: 1 / ((u + 2 * x3).abs() + 0.5) / 0.43,
    }


@register("dcm/hexagon/nlin")
def hexagon_nlin():
    """1→2, 1→3, {2,3}→4, {2,3}→5, {4,5}→6: in the released code without a graph, and in none of its runs."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: x1**2 / 5 - x1 + u,
        "x3": lambda u, x1: x1**2 / 5 - 4 * sigmoid(x1) + u,
        "x4": lambda u, x2, x3: (x2**2 + x3**2) / 5 + u,
        "x5": lambda u, x2, x3: (x2**2 + x3**2) / 5 + u,
        "x6": lambda u, x4, x5: (x4**2 + x5**2) / 5 + u,
    }


@register("dcm/bivariate/exp")
def bivariate_exp():
    """1→2, additive noise."""
    return {"x1": lambda u: u, "x2": lambda u, x1: torch.exp(x1) + u}


@register("dcm/bivariate/linear")
def bivariate_linear():
    """1→2, linear, with means far from 0."""
    return {"x1": lambda u: u + 10, "x2": lambda u, x1: 2 * x1 + u + 10}


@register("dcm/bivariate/nlin")
def bivariate_nlin():
    """1→2, additive noise, uncorrelated."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1**2 + u}


@register("dcm/bivariate/nlin2")
def bivariate_nlin2():
    """1→2, additive noise, saturating."""
    return {"x1": lambda u: u, "x2": lambda u, x1: (20 * sigmoid(x1 - x1**2 / 2) + u) / 3.26}


@register("dcm/bivariate/nadd")
def bivariate_nadd():
    """1→2, the sign of the noise's effect is that of x1."""
    return {"x1": lambda u: u, "x2": lambda u, x1: 4 / (1 + 2 * torch.exp(-x1)) + 4 * x1 * u}


@register("dcm/bivariate/sign")
def bivariate_sign():
    """1→2, x2 = ±2 x1: of its noise only the sign matters."""
    return {"x1": lambda u: u, "x2": lambda u, x1: 2 * torch.sign(u) * x1}
