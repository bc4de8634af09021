"""Worlds in which an assumption of counterfactual identification fails, while the data look as if it held.

"Position: Causal Machine Learning Requires Rigorous Synthetic Experiments for Broader Adoption", Poinsot, Panayiotou,
Leite, Chesneau, Şimşek, Schoenauer, ICML 2025 (arXiv 2508.08883), and the code published with it. Noise is N(0, 1), and
interventions are on x1 and x2.

* `ctf1` to `ctf6`: a mechanism takes its noise as it is where its parent is not negative, and left of 0 *shifts* it
  (u - 1) or *mirrors* it (-u). A mirror changes no distribution, observational or interventional, since -u is
  distributed as u; it changes the counterfactual. x1 is a cause of x3 in the graph that models are given only.
* `flat-W` and `sine-F`: the equations of cnf/triangle/nlin with noise g(u), which is constant on an interval of width W
  around 0.5, or sin(2 pi F u). Many noises give one value, but the value alone enters what follows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import pi

import torch
from torch import Tensor

from .registry import register
from .scm import Equation

TARGETS = ("x1", "x2")

Noise = Callable[[Tensor], Tensor]


def _shift(u: Tensor, parent: Tensor) -> Tensor:
    """u, or u - 1 where the parent is negative."""
    return torch.where(parent >= 0, u, u - 1)


def _mirror(u: Tensor, parent: Tensor) -> Tensor:
    """u, or -u where the parent is negative."""
    return torch.where(parent >= 0, u, -u)


@register("violations/ctf1", targets=TARGETS)
def ctf1():
    """x2 is shifted where x1 is negative; x3 = x2 + u."""
    return {"x1": lambda u: u, "x2": lambda u, x1: _shift(u, x1), "x3": lambda u, x1, x2: x2 + u}


@register("violations/ctf2", targets=TARGETS)
def ctf2():
    """x2 is mirrored where x1 is negative; x3 = x2 + u. No data tell it from a world without mirror."""
    return {"x1": lambda u: u, "x2": lambda u, x1: _mirror(u, x1), "x3": lambda u, x1, x2: x2 + u}


@register("violations/ctf3", targets=TARGETS)
def ctf3():
    """x2 is shifted where x1 is negative, x3 where x2 is."""
    return {"x1": lambda u: u, "x2": lambda u, x1: _shift(u, x1), "x3": lambda u, x1, x2: _shift(u, x2)}


@register("violations/ctf4", targets=TARGETS)
def ctf4():
    """x2 is mirrored where x1 is negative, x3 where x2 is. No data tell it from three independent normals."""
    return {"x1": lambda u: u, "x2": lambda u, x1: _mirror(u, x1), "x3": lambda u, x1, x2: _mirror(u, x2)}


@register("violations/ctf5", targets=TARGETS)
def ctf5():
    """x2 is shifted where x1 is negative, x3 mirrored where x2 is."""
    return {"x1": lambda u: u, "x2": lambda u, x1: _shift(u, x1), "x3": lambda u, x1, x2: _mirror(u, x2)}


@register("violations/ctf6", targets=TARGETS)
def ctf6():
    """x2 is mirrored where x1 is negative, x3 shifted where x2 is."""
    return {"x1": lambda u: u, "x2": lambda u, x1: _mirror(u, x1), "x3": lambda u, x1, x2: _shift(u, x2)}


def _triangle(g: Noise) -> dict[str, Equation]:
    return {
        "x1": lambda u: g(u),
        "x2": lambda u, x1: 2 * x1**2 + g(u),
        "x3": lambda u, x1, x2: 20 * torch.sigmoid(x2**2 - x1) + g(u),
    }


def _flat(u: Tensor, width: float) -> Tensor:
    """u up to 0.5 - width / 2, constant over the width, then u - width: continuous."""
    return torch.where(u < 0.5 + width / 2, u.clamp(max=0.5 - width / 2), u - width)


def _sine(u: Tensor, frequency: float) -> Tensor:
    return torch.sin(2 * pi * frequency * u)


def _register(name: str, noise: Noise, what: str) -> None:
    def equations() -> dict[str, Equation]:
        return _triangle(noise)

    equations.__doc__ = f"cnf/triangle/nlin with noise g(u), {what}."
    register(f"violations/{name}", targets=TARGETS)(equations)


for width in ("0.2", "0.4", "0.6", "0.8", "1.0"):
    _register(f"flat-{width}", partial(_flat, width=float(width)), f"constant on an interval of width {width}")

for frequency in ("0.25", "0.30", "0.35", "0.40", "0.45", "0.5", "1.0", "2.0", "4.0", "6.0", "8.0", "10.0"):
    _register(f"sine-{frequency}", partial(_sine, frequency=float(frequency)), f"sin(2 pi {frequency} u)")
