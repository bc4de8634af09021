"""Divergence of a model from the truth by their densities of the same rows."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import MetricError, check_finite

VERSION = 1
"""Counts changes of what this function returns; part of every record's key."""


def kl(truth: Tensor, answer: Tensor) -> Tensor:
    """``mean_i log p(x_i) − log q(x_i)`` over rows x of the truth: its forward KL divergence from the model, in nats.

    A sample mean, which may be negative. Its standard error is sd(log p − log q) / √n: where the fit is good, it is as
    large as the divergence itself.

    Args:
        truth: ``log p(x_i)`` of rows drawn from p, ``(..., n)``, float64.
        answer: ``log q(x_i)`` of the same rows, ``(..., n)``, float64.

    Returns:
        The estimate of each group, ``(...)``.

    Raises:
        MetricError: For NaN, infinity, another dtype, no rows or shapes that differ.

    References:
        Javaloy, Sánchez-Martín, Valera, "Causal normalizing flows: from theory to practice", NeurIPS 2023, section 6;
        Kullback, Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22, 1951, equation 2.4.

    >>> kl(torch.tensor([-1.0, -2.0]).double(), torch.tensor([-1.5, -2.0]).double()).item()
    0.25
    """
    for x, name in ((truth, "the truth"), (answer, "the answer")):
        if not isinstance(x, Tensor) or x.dtype != torch.float64:
            got = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise MetricError(f"{name} is {got}; expected a float64 tensor (..., n) of log-densities")
        if x.ndim < 1 or 0 in x.shape:
            raise MetricError(f"{name} has shape {tuple(x.shape)}; expected log-densities (..., n) of at least one row")
        check_finite(x, name)
    if truth.shape != answer.shape:
        raise MetricError(f"the truth has shape {tuple(truth.shape)}, the answer {tuple(answer.shape)}; expected alike")
    return (truth - answer).mean(-1)
