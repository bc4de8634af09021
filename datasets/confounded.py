"""Worlds whose confounding has a known strength: a hidden cause h of x and z, and z, which is a cause of y as x is.

    x = sqrt(s) h + sqrt(1 - s) u_x,   z = sqrt(s) h + sqrt(1 - s) u_z,   y = x / 2 + sin(x) + z + u_y / 2,

all noise N(0, 1), so that x and z have unit variance and the correlation s, which is the strength. In `closed-s`, z is
observed and closes the back door x <- h -> z -> y (Pearl, Causality, 2009, Definition 3.3.1): y given x and z is its
mechanism. In `open-s` the same z is hidden: y given x has the mean ``x / 2 + sin(x) + s x``, and ``do(x)`` has it
without the last term, so that whoever takes one for the other is off by s x. Rows of x and y are the same in both.
"""

from __future__ import annotations

from math import sqrt

import torch

from .registry import register
from .scm import Equation

STRENGTHS = ("0", "0.25", "0.5", "0.75", "0.9")


def _equations(strength: float) -> dict[str, Equation]:
    shared, own = sqrt(strength), sqrt(1 - strength)
    return {
        "h": lambda u: u,
        "x": lambda u, h: shared * h + own * u,
        "z": lambda u, h: shared * h + own * u,
        "y": lambda u, x, z: x / 2 + torch.sin(x) + z + u / 2,
    }


def _register(name: str, strength: str, latent: tuple[str, ...], what: str) -> None:
    def equations() -> dict[str, Equation]:
        return _equations(float(strength))

    equations.__doc__ = f"A hidden cause of x and z, which have the correlation {strength}; z {what}."
    register(f"confounded/{name}-{strength}", latent=latent, targets=("x",))(equations)


for strength in STRENGTHS:
    _register("closed", strength, ("h",), "is observed and closes the back door")
    _register("open", strength, ("h", "z"), "is hidden, too")
