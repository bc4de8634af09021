"""Confounded worlds: a back door that observed nodes can close, and causes of both sides that are never seen.

"Diffusion Model in Causal Inference with Unmeasured Confounders", Shimizu, 2023 (arXiv 2308.03669), five graphs of five
to eleven nodes, each with simple and with complex mechanisms. Noise is N(0, 1). One node is the cause that is set, the
last one the outcome, and the adjustment set is observed:

====  =======  ========  ==========  ================================
SCM   cause    outcome   adjustment  hidden
====  =======  ========  ==========  ================================
1     x2       x5        x3          x1, x4
2     x4       x6        x3          x2
3     x6       x7        x2, x3, x4  x1
4     x9       x10       x3, x4      x1, x2, x5, x6
5     x9       x11       x2, x6      x1, x3, x4, x5, x7, x8 (x10 mediates)
====  =======  ========  ==========  ================================

The published code standardises every node by the rows at hand, those under an intervention by their own mean and
spread, so that do() changes the equations, and the effect of it on a mean is lost. Here the constants are fixed:
those by which the code divides in the middle of 2,000 draws of 1,000 rows, four digits of them (some products have no
spread to speak of but that of their bulk). Where code and graph disagree, the graph stands here: x3 of scm1/complex has
its cause x1 (the code reads x2), and x6 of scm2/complex has no term in itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .registry import register

ADJUSTMENT = {
    "scm1": {"x5": ("x2", "x3")},
    "scm2": {"x6": ("x3", "x4")},
    "scm3": {"x7": ("x2", "x3", "x4", "x6")},
    "scm4": {"x10": ("x3", "x4", "x9")},
    "scm5": {"x10": ("x9",), "x11": ("x10", "x2", "x6", "x9")},
}
"""What the outcome, and a mediator before it, are given in order to close the back door: causes and adjustment set."""


def _z(x: Tensor, mean: float, std: float) -> Tensor:
    return (x - mean) / std


@register(
    "bdcm/scm1/simple",
    latent=(
        "x1",
        "x4",
    ),
    targets=("x2",),
)
def scm1_simple():
    """A square confounds x2 and x3 through the hidden x1; what x3 does to x5 goes through the hidden x4."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z(x1**2 + u, 0.9989, 1.731),
        "x3": lambda u, x1: _z(2 * x1 + u, 0.0, 2.234),
        "x4": lambda u, x3: _z(x3 + u, 0.0, 1.415),
        "x5": lambda u, x2, x4: _z(x2 + 2 * x4 + u, 0.0, 2.45),
    }


@register(
    "bdcm/scm1/complex",
    latent=(
        "x1",
        "x4",
    ),
    targets=("x2",),
)
def scm1_complex():
    """The same graph; noise scales with causes, and x3 is bounded."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z((x1.abs()).sqrt() * (u.abs() + 0.1) / 2 + x1.abs() + u / 5, 1.167, 0.8275),
        "x3": lambda u, x1: _z(1 / (1 + (u.abs() + 0.1) * torch.exp(-x1)), 0.5671, 0.2398),
        "x4": lambda u, x3: _z(x3 + x3 * u + u, 0.0, 1.732),
        "x5": lambda u, x2, x4: _z(x2 + x4 + x2 * x4 * u + u, 0.0, 2.046),
    }


@register("bdcm/scm2/simple", latent=("x2",), targets=("x4",))
def scm2_simple():
    """The hidden x2 causes x3 and the outcome; the outcome is products, with very heavy tails."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z(x1**2 + u, 0.9989, 1.731),
        "x3": lambda u, x2: _z(x2 + u, 0.0, 1.414),
        "x4": lambda u, x3: _z(x3**3 + x3 + u, 0.5386, 6.97),
        "x5": lambda u, x3: _z(x3**2 + 0.1 + u, 1.1, 2.023),
        "x6": lambda u, x2, x4, x5: _z(x2 * x4 + x2 * x5 + x4 * x5 + u, 1.542, 14.39),
    }


@register("bdcm/scm2/complex", latent=("x2",), targets=("x4",))
def scm2_complex():
    """The same graph; x5 falls steeply where its noise is near 0."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z((x1.abs() * (u.abs() + 0.1)).sqrt() / 2 + x1.abs() + u / 5, 1.165, 0.7938),
        "x3": lambda u, x2: _z(1 / (1 + (u.abs() + 0.1) * torch.exp(-x2)), 0.5609, 0.2373),
        "x4": lambda u, x3: _z(u * (x3.abs() + 0.3) / 5 + u, 0.0, 1.236),
        "x5": lambda u, x3: _z(1 / ((u * x3).abs().sqrt() + 0.1) + u, 1.703, 1.57),
        "x6": lambda u, x2, x4, x5: _z(x2**2 * x4 + x2 * x5 + x2 * u, -0.04108, 2.438),
    }


@register("bdcm/scm3/simple", latent=("x1",), targets=("x6",))
def scm3_simple():
    """The hidden root x1 reaches the outcome beside everything; products, with very heavy tails."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z(x1**2 + u, 0.9989, 1.731),
        "x3": lambda u, x1: _z(x1 + u, 0.0, 1.413),
        "x4": lambda u, x1: _z(x1**3 + x1 + u, 0.0, 4.76),
        "x5": lambda u, x3: _z(x3**2 + 0.1 + u, 1.097, 1.726),
        "x6": lambda u, x2, x4: _z(x2 * x4 + u, 0.0, 3.5),
        "x7": lambda u, x1, x5, x6: _z(x1 * x5 + x6**2 + x1 * x6 + u, 1.486, 13.28),
    }


@register("bdcm/scm3/complex", latent=("x1",), targets=("x6",))
def scm3_complex():
    """The same graph; noise scales with causes."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z((x1.abs() * (u.abs() + 0.1)).sqrt() / 2 + x1.abs() + u / 5, 1.165, 0.7938),
        "x3": lambda u, x1: _z(1 / (1 + (u.abs() + 0.1) * torch.exp(-x1)), 0.5671, 0.2398),
        "x4": lambda u, x1: _z(u * (x1.abs() + 0.3) / 5 + u, 0.0, 1.225),
        "x5": lambda u, x3: _z(1 / ((u * x3).abs().sqrt() + 0.1) + u, 1.716, 1.577),
        "x6": lambda u, x2, x4: _z(x2**2 * x4 + x2 * x4 + x2 * u, 0.0, 3.164),
        "x7": lambda u, x1, x5, x6: _z(x1**2 * x5 + x1 * x6 + x1 * x5 * u, -0.2135, 2.947),
    }


@register(
    "bdcm/scm4/simple",
    latent=(
        "x1",
        "x2",
        "x5",
        "x6",
    ),
    targets=("x9",),
)
def scm4_simple():
    """Two hidden roots and two hidden paths; the outcome is a product of three, with very heavy tails."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: u,
        "x3": lambda u, x1: _z(x1 + u, 0.0, 1.413),
        "x4": lambda u, x2: _z(-(x2**3) + x2 + u, 0.0, 3.267),
        "x5": lambda u, x3: _z(x3**2 + 0.1 + u, 1.097, 1.726),
        "x6": lambda u, x4: _z(x4**2 + x4 + u, 0.9964, 6.162),
        "x7": lambda u, x3: _z(-(x3**2) + x3 + u, -0.9978, 1.994),
        "x8": lambda u, x4: _z(3 * x4 + 0.1 + u, 0.09751, 3.165),
        "x9": lambda u, x5, x8: _z(x5 * x8 + x5 + x8 + u, 0.0, 1.96),
        "x10": lambda u, x6, x7, x9: _z(x6 * x7 * x9 + x6 * x7 + u, 0.0, 4.533),
    }


@register(
    "bdcm/scm4/complex",
    latent=(
        "x1",
        "x2",
        "x5",
        "x6",
    ),
    targets=("x9",),
)
def scm4_complex():
    """The same graph; noise scales with causes."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: u,
        "x3": lambda u, x1: _z((x1.abs() * (u.abs() + 0.1)).sqrt() / 2 + x1.abs() + u / 5, 1.164, 0.7932),
        "x4": lambda u, x2: _z(u * (x2.abs() + 0.3) / 5 + u, 0.0, 1.225),
        "x5": lambda u, x3: _z(-1 / (1 + (u.abs() + 0.1) * torch.exp(-x3)), -0.5607, 0.2373),
        "x6": lambda u, x4: _z(u * (x4.abs() + 0.3) / 5 + u, 0.0, 1.225),
        "x7": lambda u, x3: _z(-((x3.abs() * (u.abs() + 0.1)).sqrt()) / 2 + x3.abs() + u / 5, 0.431, 0.516),
        "x8": lambda u, x4: _z(3 * x4 + 0.1 + u, 0.1005, 3.163),
        "x9": lambda u, x5, x8: _z(x5**3 * x8 + x5 + x8 + u, 0.0, 2.727),
        "x10": lambda u, x6, x7, x9: _z(x6**2 * x7 * x9 + x6 * x7 + u, -0.06799, 2.637),
    }


@register(
    "bdcm/scm5/simple",
    latent=(
        "x1",
        "x3",
        "x4",
        "x5",
        "x7",
        "x8",
    ),
    targets=("x9",),
)
def scm5_simple():
    """Eleven nodes, six of them hidden; x10 mediates, and the outcome has no noise of its own."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z(-x1 + u, 0.0, 1.412),
        "x3": lambda u, x2: _z(x2 + 0.1 + u, 0.1012, 1.415),
        "x4": lambda u, x2: _z(-x2 + 0.1 + u, 0.1006, 1.415),
        "x5": lambda u, x1: _z(1.3 * x1 + u + x1 * u, 0.0, 1.918),
        "x6": lambda u, x5: _z(-1.2 * (x5 + 0.1) + x5 + u, -0.1201, 1.019),
        "x7": lambda u, x6: _z(-(x6**2) - x6 + u, -0.9999, 1.992),
        "x8": lambda u, x6: _z(3 * x6 + 0.1 + u, 0.1035, 3.164),
        "x9": lambda u, x1, x5: _z(x1 * x5 + x1 + 0.1 - x5**2 + u, -0.2225, 1.648),
        "x10": lambda u, x9: _z(x9**2 + u, 1.003, 3.688),
        "x11": lambda u, x3, x4, x7, x8, x9, x10: _z(
            x3 * x4 + x7 * x8 - 0.1 + x9 * x10 + x3 * x9 - x7 * x10 + x8, -1.618, 6.962
        ),
    }


@register(
    "bdcm/scm5/complex",
    latent=(
        "x1",
        "x3",
        "x4",
        "x5",
        "x7",
        "x8",
    ),
    targets=("x9",),
)
def scm5_complex():
    """The same graph; noise scales with causes, and the outcome has no noise of its own."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: _z(x1 * (u + 0.1), 0.0, 1.004),
        "x3": lambda u, x2: _z(-((x2.abs() * (u.abs() + 0.1)).sqrt()) / 2 + x2.abs() + u / 5, 0.3357, 0.6399),
        "x4": lambda u, x2: _z(x2 + (u + 0.1) / 2 * x2, 0.0, 1.163),
        "x5": lambda u, x1: _z(-1 / (1 + (u.abs() + 0.1) * torch.exp(-x1)), -0.5671, 0.2399),
        "x6": lambda u, x5: _z(u * (x5.abs() + 0.3) / 5 + u, 0.0, 1.235),
        "x7": lambda u, x6: _z(x6 * u + (x6 + 0.01).abs() * u.abs(), 0.6332, 1.255),
        "x8": lambda u, x6: _z(3 * x6 + 0.1 + u, 0.1019, 3.161),
        "x9": lambda u, x1, x5: _z(x1**3 * x5 + x1 - x5 + u, -2.156, 6.578),
        "x10": lambda u, x9: _z(x9 * u + (u + 0.1) ** 2, 1.01, 1.73),
        "x11": lambda u, x3, x4, x7, x8, x9, x10: _z(
            x3 * (x8 - 0.1) + 2 * x9 * x10 + x3 * x9 - x7 * x10 + x3 * x8 - x4 * x9, -0.4204, 7.933
        ),
    }
