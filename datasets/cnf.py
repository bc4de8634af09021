"""The structural equation models of the Causal NF paper, intervened on where the paper does.

"Causal normalizing flows: from theory to practice", Javaloy, Sánchez-Martín, Valera, NeurIPS 2023. Noise is N(0, 1)
except in `large-backdoor`, where it is uniform. Every mechanism is monotone in its own noise, so counterfactuals are
identified. Other papers use the names chain, triangle and diamond for other equations.
"""

from __future__ import annotations

from math import sqrt

import torch
from pyro.distributions import Uniform
from torch import Tensor
from torch.nn.functional import softplus

from .registry import register


@register("cnf/chain/lin", targets=("x1", "x2"))
def chain_lin():
    """A linear chain x1 -> x2 -> x3 whose scales differ tenfold."""
    return {"x1": lambda u: u, "x2": lambda u, x1: 10 * x1 - u, "x3": lambda u, x2: 0.25 * x2 + 2 * u}


@register("cnf/chain/nlin", targets=("x1", "x2"))
def chain_nlin():
    """An exponential, then a cubic, with additive noise."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: torch.exp(x1 / 2) + u / 4,
        "x3": lambda u, x2: (x2 - 5) ** 3 / 15 + u,
    }


@register("cnf/chain/nlin2", targets=("x1", "x2"))
def chain_nlin2():
    """A chain from a root within (0, 1); defined with the paper's code, in none of its experiments."""
    return {
        "x1": lambda u: torch.sigmoid(u),
        "x2": lambda u, x1: 10 * x1.sqrt() - u,
        "x3": lambda u, x2: 0.25 * x2 + 2 * u,
    }


@register("cnf/chain/nlin3", targets=("x1", "x2"))
def chain_nlin3():
    """A chain through a square; defined with the paper's code, in none of its experiments."""
    return {"x1": lambda u: u, "x2": lambda u, x1: x1**2 - u, "x3": lambda u, x2: 0.25 * x2 + 2 * u}


@register("cnf/chain4/lin", targets=("x1", "x2", "x3"))
def chain4_lin():
    """A linear chain of four."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: 5 * x1 - u,
        "x3": lambda u, x2: -0.5 * x2 - 1.5 * u,
        "x4": lambda u, x3: x3 + u,
    }


@register("cnf/chain5/lin", targets=("x1", "x2", "x3"))
def chain5_lin():
    """A linear chain of five."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: 10 * x1 - u,
        "x3": lambda u, x2: 0.25 * x2 + 2 * u,
        "x4": lambda u, x3: x3 + u,
        "x5": lambda u, x4: -x4 + u,
    }


@register("cnf/collider/lin", targets=("x2",))
def collider_lin():
    """Two causes of one effect, linear."""
    return {"x1": lambda u: u, "x2": lambda u: 2 - u, "x3": lambda u, x1, x2: 0.25 * x2 - 0.5 * x1 + 0.5 * u}


@register("cnf/fork/lin", targets=("x2", "x3"))
def fork_lin():
    """Two causes of x3, which causes x4 (elsewhere called Y), linear."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: 2 - u,
        "x3": lambda u, x1, x2: 0.25 * x2 - 1.5 * x1 + 0.5 * u,
        "x4": lambda u, x3: x3 + 0.25 * u,
    }


@register("cnf/fork/nlin", targets=("x2", "x3"))
def fork_nlin():
    """The same graph with sigmoids and a square."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: u,
        "x3": lambda u, x1, x2: 4 * torch.sigmoid(x1 + x2) - x2**2 + u / 2,
        "x4": lambda u, x3: 20 * torch.sigmoid(x3 - x3**2 / 2) + u,
    }


@register("cnf/triangle/lin", targets=("x1", "x2"))
def triangle_lin():
    """A confounded pair, linear; the root has mean 1."""
    return {
        "x1": lambda u: u + 1,
        "x2": lambda u, x1: 10 * x1 - u,
        "x3": lambda u, x1, x2: 0.5 * x2 + x1 + u,
    }


@register("cnf/triangle/nlin", targets=("x1", "x2"))
def triangle_nlin():
    """The DCM paper's triangle without its divisors."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: 2 * x1**2 + u,
        "x3": lambda u, x1, x2: 20 * torch.sigmoid(x2**2 - x1) + u,
    }


@register("cnf/triangle/nlin2", targets=("x1", "x2"))
def triangle_nlin2():
    """A triangle from a root within (0, 1); defined with the paper's code, in none of its experiments."""
    return {
        "x1": lambda u: torch.sigmoid(u),
        "x2": lambda u, x1: 10 * x1.sqrt() - u,
        "x3": lambda u, x1, x2: 0.5 * x2 + 1 / (1 + x1) + u,
    }


@register("cnf/diamond/nlin", targets=("x1", "x2", "x3"))
def diamond_nlin():
    """Beware: x4 divides by what passes through 0, so its extremes reach 1000; in none of the paper's experiments."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: x1**2 + u / 2,
        "x3": lambda u, x1, x2: x2**2 - 2 * torch.sigmoid(x1) + u / 2,
        "x4": lambda u, x2, x3: x3 / ((x2 + 2).abs() + x3 + 0.5) + u / 10,
    }


@register("cnf/simpson/nlin", targets=("x1", "x2", "x3"))
def simpson_nlin():
    """Simpson's paradox: x1 confounds x2 and x3, and x4 follows x3."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: softplus(1 - x1) + sqrt(3 / 20) * u,
        "x3": lambda u, x1, x2: torch.tanh(2 * x2) + 1.5 * x1 - 1 + torch.tanh(u),
        "x4": lambda u, x3: (x3 - 4) / 5 + 3 + u / sqrt(10),
    }


@register("cnf/simpson/symprod", targets=("x1", "x2", "x3"))
def simpson_symprod():
    """x3 follows the product of x1 and x2, and x1 alone causes x4."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: 2 * torch.tanh(2 * x1) + u / sqrt(10),
        "x3": lambda u, x1, x2: x1 * x2 / 2 + u / sqrt(2),
        "x4": lambda u, x1: torch.tanh(1.5 * x1) + sqrt(0.3) * u,
    }


_UNIFORM = Uniform(torch.tensor(1e-6, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))


@register("cnf/large-backdoor/nlin", noise={f"x{i}": _UNIFORM for i in range(1, 10)}, targets=("x1", "x2", "x3", "x5"))
def large_backdoor():
    """Two long paths from x1 that meet in x9, with uniform noise: the back door between x3 and x9 is far away."""
    return {
        "x1": lambda u: softplus(1.8 * u) - 1,
        "x2": lambda u, x1: 0.25 * u + 1.5 * _layer(x1, torch.zeros_like(u)),
        "x3": lambda u, x1: _layer(x1, u),
        "x4": lambda u, x2: _layer(x2, u),
        "x5": lambda u, x3: _layer(x3, u),
        "x6": lambda u, x4: _layer(x4, u),
        "x7": lambda u, x5: _layer(x5, u),
        "x8": lambda u, x6: 0.3 * u + softplus(x6 + 1) - 1,
        "x9": lambda u, x7, x8: _laplace_quantile(u, 2 - softplus((1.3 * x7 + x8) / 3 + 1), 0.6),
    }


def _layer(a: Tensor, b: Tensor) -> Tensor:
    return softplus(a + 1) + softplus(b + 0.5) - 3


def _laplace_quantile(q: Tensor, loc: Tensor, scale: float) -> Tensor:
    return loc - scale * (q - 0.5).sign() * torch.log1p(-2 * (q - 0.5).abs())
