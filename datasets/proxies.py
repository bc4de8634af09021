"""Worlds with a hidden cause of cause and effect, whose strength is known, and two proxies of it.

    x = sqrt(s) h + sqrt(1 - s) u_x,   y = x / 2 + sin(x) + sqrt(s) h + sqrt(5 / 4 - s) u_y,
    w = (4 h + 3 u_w) / 5,   z = (4 h + 3 u_z) / 5,

all noise N(0, 1), h hidden. Of x and y alone these are the rows of `confounded/open-s`, in law: ``do(x)`` gives y the
mean ``x / 2 + sin(x)``, and y given x has ``s x`` more, which is the error of whoever takes one for the other. The
proxies w and z cause nothing, and have correlation 4/5 with h and 16/25 with each other, whatever the strength s.

They do not close the back door: h given x, w and z still varies. But w depends on x and z through h alone, and z on y
through h and x, so that the effect of x on y follows from the law of the four (Miao, Geng, Tchetgen Tchetgen,
"Identifying causal effects with proxy variables of an unmeasured confounder", Biometrika, 2018). Who adjusts for w and
z all the same finds a slope at x that is too steep by `bias_given_proxies`.
"""

from __future__ import annotations

from math import sqrt

import torch

from .registry import register
from .scm import Equation

STRENGTHS = ("0", "0.5", "0.9")

PRECISION = 2 * (4 / 3) ** 2
"""What w and z say of h: the sum of their squared signal to noise, ``2 (4/5)² / (3/5)²``."""


def bias_given_proxies(strength: float) -> float:
    """By how much the slope of ``y - sin(x)`` on x given w and z exceeds 1/2, at a strength below 1.

    h given x, w, z is normal with precision ``1 + s / (1 - s) + PRECISION``, and its mean has the slope
    ``sqrt(s) / (1 - s)`` over that in x; y has ``sqrt(s)`` times h.
    """
    return strength / (1 - strength) / (1 + strength / (1 - strength) + PRECISION)


def _equations(strength: float) -> dict[str, Equation]:
    shared, own, noise = sqrt(strength), sqrt(1 - strength), sqrt(1.25 - strength)
    return {
        "h": lambda u: u,
        "w": lambda u, h: (4 * h + 3 * u) / 5,
        "z": lambda u, h: (4 * h + 3 * u) / 5,
        "x": lambda u, h: shared * h + own * u,
        "y": lambda u, h, x: x / 2 + torch.sin(x) + shared * h + noise * u,
    }


def _register(strength: str) -> None:
    def equations() -> dict[str, Equation]:
        return _equations(float(strength))

    equations.__doc__ = f"A hidden cause of x and y, confounding of strength {strength}, and two proxies of it."
    register(f"proxies/{strength}", latent=("h",), targets=("x",))(equations)


for strength in STRENGTHS:
    _register(strength)
