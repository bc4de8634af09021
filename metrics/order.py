"""Does one quantity rise with another? The share of pairs that both put in one order."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import MetricError, check_finite

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def monotone_share(u: Tensor, x: Tensor) -> Tensor:
    """The share of pairs of rows that ``u (n,)`` and ``x (g, n)`` put in one order, over all g; ½ to 1.

    ``s = mean [(u_i − u_j)(x_ki − x_kj) > 0]`` over pairs i < j and curves k, a tie counting ½: the mean over curves of
    (1 + τ)/2 with Kendall's τ_a. Returned is ``max(s, 1 − s)``, since noise that is turned around all over is the same
    noise. So 1 says that all curves rise, or all fall; curves of which half rise and half fall score ½, as does a fold
    in the middle.

    Args:
        u: What the curves are functions of, the noise, ``(n,)``, float64.
        x: The values of g curves at `u`, ``(g, n)``, float64.

    Returns:
        The share, a tensor of one number.

    Raises:
        MetricError: For NaN, infinity, other shapes or dtypes, or fewer than two rows.

    References:
        Kendall, "A new measure of rank correlation", Biometrika 30, 1938.

    >>> u = torch.linspace(-1, 1, 5, dtype=torch.float64)
    >>> [float(monotone_share(u, torch.stack(curves))) for curves in ([u, u**3], [-u, -u], [u, -u])]
    [1.0, 1.0, 0.5]
    """
    for name, each, dims in (("the noise", u, 1), ("the curves", x, 2)):
        if not isinstance(each, Tensor) or each.dtype != torch.float64:
            got = each.dtype if isinstance(each, Tensor) else type(each).__name__
            raise MetricError(f"{name}: got {got}; expected a float64 tensor")
        if each.ndim != dims or each.shape[-1] != len(u) or len(u) < 2 or 0 in each.shape:
            raise MetricError(
                f"{name}: shape {tuple(each.shape)}; expected noise (n,) and curves (g, n) of at least two rows"
            )
        check_finite(each, name)
    sign = (u[:, None] - u).sign()
    agree = torch.stack([sign * (curve[:, None] - curve).sign() for curve in x])
    n = len(u)
    share = (1 + agree.sum() / (len(x) * n * (n - 1))) / 2
    return torch.maximum(share, 1 - share)
