"""The four worlds of the TM-SCM paper: every node is a vector, and its noise is told from it component by component.

"Exogenous Isomorphism for Counterfactual Identifiability", Chen, Du, ICML 2025 (arXiv 2505.02212), and the code that
was published with it. Given its causes, a node's components are a triangular monotone map of its noise's: component j
depends on the noise up to j, and strictly on the j-th, so that counterfactuals are identified. Noise is N(0, 1) and
independent, but for `backdoor`, where it is correlated within a node, and `barbell`, where it is uniform.

The paper sets several nodes at once to vectors, as the protocol `tmscm` does. Other protocols set one node to numbers:
these worlds have no targets, and they compare samples.
"""

from __future__ import annotations

import torch
from pyro.distributions import Normal, Uniform
from torch import Tensor
from torch.nn.functional import elu, leaky_relu, softplus

from .registry import register


def _normal(d: int) -> Normal:
    return Normal(torch.zeros(d, dtype=torch.float64), torch.ones(d, dtype=torch.float64))


def _vector(*components: Tensor) -> Tensor:
    """Columns ``(n,)`` as a vector node, ``(n, d)``."""
    return torch.stack(components, dim=-1)


@register("tmscm/stair", noise={"x": _normal(1), "y": _normal(2), "z": _normal(3)}, targets=())
def stair():
    """A linear chain of nodes with one, two and three components, whose scales differ up to sevenfold."""
    return {
        "x": lambda u: 0.75 * u,
        "y": lambda u, x: _vector(10 * x[:, 0] + u[:, 0], 0.25 * x[:, 0] - 0.5 * u[:, 1] + 2),
        "z": lambda u, y: _vector(
            -0.5 * y[:, 0] + u[:, 0] - 4, 5 * y[:, 1] - 1.5 * u[:, 1], y[:, 1] + 2 * u[:, 2] - 0.5
        ),
    }


@register("tmscm/fork", noise={node: _normal(2) for node in "xyzw"}, targets=())
def fork():
    """Two causes of z, which causes w, two components each: the graph of cnf/fork/nlin, its functions across them."""
    return {
        "x": lambda u: _vector(u[:, 0], u[:, 0] + u[:, 1] / 4),
        "y": lambda u: _vector(u[:, 0], u[:, 1] - u[:, 0] / 2),
        "z": lambda u, x, y: _vector(
            torch.sigmoid(x[:, 0] + y[:, 1]) - y[:, 0] ** 2 + u[:, 0] / 2,
            torch.sigmoid(x[:, 0] + y[:, 1]) - x[:, 1] ** 2 + (u[:, 0] + u[:, 1]) / 2,
        ),
        "w": lambda u, z: _vector(
            20 * torch.sigmoid(z[:, 1] - z[:, 0] ** 2 / 2) + u[:, 0],
            20 * torch.sigmoid(z[:, 0] - z[:, 1] ** 2 / 2) + u[:, 0] / 4 - u[:, 1],
        ),
    }


COVARIANCE = ((1.0, 0.8, 0.3, 0.2), (0.8, 1.0, 0.4, 0.1), (0.3, 0.4, 1.0, 0.6), (0.2, 0.1, 0.6, 1.0))
"""Of the noise within a node of `backdoor`."""


def _correlated(u: Tensor) -> Tensor:
    """Independent noise ``(n, 4)`` as noise of this `COVARIANCE`: a triangular map, so that it stays one."""
    return u @ torch.linalg.cholesky(torch.tensor(COVARIANCE, dtype=torch.float64)).T


def _softmax_mean(weights: Tensor, values: Tensor) -> Tensor:
    """The mean of `values` ``(n, k)`` by the softmax of `weights` ``(n, k)``: ``(n,)``."""
    return (weights.softmax(-1) * values).sum(-1)


@register("tmscm/backdoor", noise={node: _normal(4) for node in "xyzw"}, targets=())
def backdoor():
    """A chain x -> y -> z of four components each, all of which cause w; noise is correlated within a node."""
    return {
        "x": lambda u: _backdoor_x(_correlated(u)),
        "y": lambda u, x: _backdoor_y(_correlated(u), x),
        "z": lambda u, y: _backdoor_z(_correlated(u), y),
        "w": lambda u, x, y, z: _backdoor_w(_correlated(u), x, y, z),
    }


def _backdoor_x(e: Tensor) -> Tensor:
    second = torch.sigmoid(-e[:, 1])
    return _vector(torch.tanh(e[:, 0]), second, second - torch.tanh(e[:, 2]), 1 + torch.sigmoid(e[:, 3]))


def _backdoor_y(e: Tensor, x: Tensor) -> Tensor:
    second = torch.sigmoid(x[:, 1] - e[:, 1])
    y = _vector(torch.tanh(x[:, 0] + e[:, 0]), second, second - torch.tanh(e[:, 2]))
    return torch.cat([y, _vector(_softmax_mean(y, x[:, :3]) + torch.sigmoid(e[:, 3]))], dim=-1)


def _backdoor_z(e: Tensor, y: Tensor) -> Tensor:
    second = leaky_relu(y[:, 1] + e[:, 1])
    z = _vector(elu(y[:, 0] - e[:, 0]), second, second + elu(e[:, 2]))
    return torch.cat([z, _vector(_softmax_mean(-z, y[:, :3]) + leaky_relu(e[:, 3]))], dim=-1)


def _backdoor_w(e: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    first = _vector(x[:, 0], y[:, 0], z[:, 0])
    w0 = _softmax_mean(first, first) + elu(z[:, 0] - e[:, 0])
    pair = _vector(w0, e[:, 0])
    w1 = _softmax_mean(-pair, pair) + leaky_relu(y[:, 1] + e[:, 1])
    causes = torch.cat([x[:, :3], y[:, :3], z[:, :3]], dim=-1)
    w2 = _softmax_mean(-causes, causes) + x[:, 1] + elu(e[:, 2])
    before = torch.cat([_vector(w0, w1, w2), e[:, :3]], dim=-1)
    return _vector(w0, w1, w2, _softmax_mean(before, before) + leaky_relu(e[:, 3]))


_UNIFORM = Uniform(torch.zeros(8, dtype=torch.float64), torch.ones(8, dtype=torch.float64))


@register("tmscm/barbell", noise={"x": _UNIFORM, "y": _UNIFORM}, targets=())
def barbell():
    """x -> y of eight components each, every one on the sum of those before it in its node; noise is uniform."""
    return {"x": lambda u: _barbell_x(u), "y": lambda u, x: _barbell_y(u, x)}


def _barbell_x(u: Tensor) -> Tensor:
    x = [softplus(1.8 * u[:, 0]) - 1]
    for j in range(1, 5):
        x.append(_layer(_sum(x), u[:, j]))
    for j in range(5, 7):
        x.append(0.3 * u[:, j] + softplus(_sum(x) + 1) - 1)
    x.append(_falling(u[:, 7], _sum(x[:6]), _sum(x[:5]), 0.6))
    return _vector(*x)


def _barbell_y(u: Tensor, x: Tensor) -> Tensor:
    y = [_layer(softplus(1.8 * u[:, 0]) - 1, x[:, 0])]
    for j in range(1, 5):
        y.append(_layer(_layer(_sum(y), u[:, j]), x[:, j]))
    for j in range(5, 7):
        y.append(_falling(u[:, j], _sum(y), _layer(_sum(y), x[:, j]), 0.4))
    y.append(0.3 * u[:, 7] - 0.5 * _sum(y[:6]) + softplus(_sum(y[:5]) + 1) - 1)
    return _vector(*y)


def _sum(components: list[Tensor]) -> Tensor:
    return torch.stack(components).sum(0)


def _layer(a: Tensor, b: Tensor) -> Tensor:
    return softplus(a + 1) + softplus(b + 0.5) - 3


def _falling(u: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
    """A normal variable whose mean depends on a and b, by its quantiles; it falls in u."""
    return 2 - softplus((a + 1.3 * b) / 3 + 1) - scale * torch.special.ndtri(u)
