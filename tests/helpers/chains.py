"""A linear-Gaussian chain with means, whose every answer is known; models are held to it in standard deviations."""

from __future__ import annotations

from scmbench.datasets import SCM, Values
from scmbench.models import CausalModel
from torch import Tensor
from torch.distributions import Normal

CHAIN = SCM({"x1": lambda u: 2 + u, "x2": lambda u, x1: 1.5 * x1 - 0.5 * u, "x3": lambda u, x2: -0.8 * x2 + u})


def counterfactual_error(model: CausalModel, factual: Values) -> float:
    """The larger error of x2 and x3 had x1 been 2.5: root mean square, over the truth's standard deviation."""
    answer = model.counterfactual(factual, {"x1": 2.5}, seed=0)
    moved = 1.5 * (2.5 - factual["x1"])
    truth = {"x2": factual["x2"] + moved, "x3": factual["x3"] - 0.8 * moved}
    return max(float((answer[v] - x).square().mean().sqrt() / x.std()) for v, x in truth.items())


def log_prob(x: Values) -> Tensor:
    """The chain's density of rows, ``(n,)``."""
    below = Normal(1.5 * x["x1"], 0.5).log_prob(x["x2"]) + Normal(-0.8 * x["x2"], 1.0).log_prob(x["x3"])
    return Normal(2.0, 1.0).log_prob(x["x1"]) + below
