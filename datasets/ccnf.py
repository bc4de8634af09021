"""The structural equation models of the CCNF paper: names of the Causal NF paper's, but other equations.

"Causally Consistent Normalizing Flow", Zhou, Lu, Xu, AAAI 2025 (arXiv 2412.12401), and the code published with it.
Noise is N(0, 1), and softsign, s(a) = a / (1 + |a|), stands where the Causal NF paper has tanh. Every mechanism is
monotone in its own noise. The paper's chain of four is cnf/chain4/lin. The code names no nodes to intervene on: here it
is every node that causes another.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus, softsign

from .registry import register
from .scm import SCM, Equation
from .values import Values


@register("ccnf/triangle")
def triangle():
    """x2 has its noise inside a softsign, so that it is bounded given x1."""
    return {
        "x1": lambda u: u + 1,
        "x2": lambda u, x1: 2 * x1**2 - softsign(x1 + u),
        "x3": lambda u, x1, x2: 20 * torch.sigmoid(x2**2 - x1) + u,
    }


@register("ccnf/simpson")
def simpson():
    """Simpson's paradox: x2 rises with x1 here, and x3 has bounded noise."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: softplus(x1) + sqrt(3 / 20) * u,
        "x3": lambda u, x1, x2: softsign(2 * x2) + 1.5 * x1 - 1 + softsign(u),
        "x4": lambda u, x3: (x3 - 4) / 5 + 3 + u / sqrt(10),
    }


@register("ccnf/m")
def m():
    """Two causes of three effects, the graph that looks like an M; the spread of x4 and x5 depends on their causes."""
    return {
        "x1": lambda u: u,
        "x2": lambda u: u,
        "x3": lambda u, x1: softsign(torch.exp(x1) + u),
        "x4": lambda u, x1, x2: (x2**2 + 0.5 * x1**2 + 1) * u,
        "x5": lambda u, x2: -(1.5 * x2**2 + 1) * u,
    }


@register("ccnf/network")
def network():
    """Two layers of softplus units between x1 and x6, which lies within (-5, 5)."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: softplus(2 * x1 + u + 1),
        "x3": lambda u, x1: softplus(-1.5 * x1 + u - 1),
        "x4": lambda u, x2, x3: softplus(2 * x2 - 2.5 * x3 + u),
        "x5": lambda u, x2, x3: softplus(0.5 * x2 - 3.5 * x3 + u),
        "x6": lambda u, x4, x5: 10 * (torch.sigmoid(0.5 * x4 - 1.5 * x5 + u) - 0.5),
    }


@register("ccnf/chain8")
def chain8():
    """A chain of eight whose steps lie within (-1, 1) and are nearly -1 or 1 where the cause is large."""
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: torch.exp(softsign(x1 + u)),
        "x3": lambda u, x2: x2 + softsign(torch.exp(x2) * u),
        "x4": lambda u, x3: x3 + softsign(torch.exp(x3) * u),
        "x5": lambda u, x4: x4 + softsign(torch.exp(x4) * u),
        "x6": lambda u, x5: x5 + softsign(torch.exp(x5) * u),
        "x7": lambda u, x6: x6 + softsign(torch.exp(x6) * u),
        "x8": lambda u, x7: x7 + softsign(torch.exp(x7) * u),
    }


def _backdoor() -> Mapping[str, Equation]:
    return {
        "x1": lambda u: u,
        "x2": lambda u, x1: softplus(x1 + u),
        "x3": lambda u, x2: softplus(x2 + u + 2),
        "x4": lambda u, x1: softplus(-x1 + u),
        "x5": lambda u, x3: softplus(x3 + u - 1),
        "x6": lambda u, x4: softplus(x4 + u + 1),
        "x7": lambda u, x5, x6: 10 * (torch.sigmoid(x5 / 3 - x6 / 3 + u) - 0.5),
    }


@register("ccnf/backdoor")
def backdoor():
    """Two paths from x1 that meet in x7, which lies within (-5, 5)."""
    return _backdoor()


class AsPublished(SCM):
    """ccnf/backdoor with the log-density of the published code, which is no density: it does not integrate to 1.

    The slope of x7 is taken at x5 - x6 + u7, where the equation has x5 / 3 - x6 / 3 + u7. With the difference added to
    the true log-density, every divergence from it is too large by the mean of

        log s'(x5 / 3 - x6 / 3 + u7) - log s'(x5 - x6 + u7),   log s'(a) = log s(a) + log s(-a), s the sigmoid,

    over the world's rows, whatever the model: 0.4605.
    """

    def log_prob(self, x: Values) -> Tensor:
        """The published log-density of rows, ``(n,)``. Raises as `SCM.log_prob` does."""
        return super().log_prob(x) + excess(x)


def excess(x: Values) -> Tensor:
    """What the published log-density of ccnf/backdoor has too much at rows ``{node: (n,)}``: ``(n,)``, in nats."""
    inside = torch.logit(x["x7"] / 10 + 0.5)  # x5 / 3 - x6 / 3 + u7
    wrong = inside + (x["x5"] - x["x6"]) * 2 / 3
    return _log_slope(inside) - _log_slope(wrong)


def _log_slope(a: Tensor) -> Tensor:
    return logsigmoid(a) + logsigmoid(-a)


@register("ccnf/backdoor/published")
def backdoor_published():
    """The same with the published log-density, a division by 3 missing: only to reproduce a KL, 0.4605 too large."""
    return AsPublished(_backdoor())
