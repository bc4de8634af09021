"""TM-SCM's worlds: equations worked out number by number, triangular monotone nodes, several nodes set at once."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
import torch
from scmbench.benchmarks.questions import protocols
from scmbench.datasets import NoDensity, get, names
from scmbench.datasets.tmscm import COVARIANCE

SIZES = {
    "stair": {"x": 1, "y": 2, "z": 3},
    "fork": dict.fromkeys("xyzw", 2),
    "backdoor": dict.fromkeys("xyzw", 4),
    "barbell": dict.fromkeys("xy", 8),
}


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def softplus(a):
    return math.log(1 + math.exp(a))


def elu(a):
    return a if a > 0 else math.exp(a) - 1


def leaky(a):
    return a if a > 0 else 0.01 * a


def mean(weights, values):
    """The mean by softmax."""
    shares = [math.exp(a) for a in weights]
    return sum(s * x for s, x in zip(shares, values, strict=True)) / sum(shares)


def softmin(weights):
    return [-a for a in weights]


def layer(a, b):
    return softplus(a + 1) + softplus(0.5 + b) - 3


def quantile(mu, beta, u):
    return mu - beta * NormalDist().inv_cdf(u)


def stair(x, y, z):
    x = [0.75 * x[0]]
    y = [10 * x[0] + y[0], 0.25 * x[0] - 0.5 * y[1] + 2]
    return x, y, [-0.5 * y[0] + z[0] - 4, 5 * y[1] - 1.5 * z[1], y[1] + 2 * z[2] - 0.5]


def fork(x, y, z, w):
    x, y = [x[0], x[0] + 0.25 * x[1]], [y[0], -0.5 * y[0] + y[1]]
    both = 1 / (1 + math.exp(-x[0] - y[1]))
    z = [both - y[0] ** 2 + 0.5 * z[0], both - x[1] ** 2 + 0.5 * (z[0] + z[1])]
    first, second = (20 / (1 + math.exp(0.5 * a**2 - b)) for a, b in (z, z[::-1]))
    return x, y, z, [first + w[0], second + 0.25 * w[0] - w[1]]


def correlated(u):
    """Rows of the lower triangular root of the covariance, found column by column."""
    root = [[0.0] * 4 for _ in range(4)]
    for i in range(4):
        for j in range(i + 1):
            rest = COVARIANCE[i][j] - sum(root[i][k] * root[j][k] for k in range(j))
            root[i][j] = math.sqrt(rest) if i == j else rest / root[j][j]
    return [sum(a * b for a, b in zip(line, u, strict=True)) for line in root]


def backdoor(x, y, z, w):
    a, b, c, d = map(correlated, (x, y, z, w))
    x = [math.tanh(a[0]), sigmoid(-a[1])]
    x += [x[1] - math.tanh(a[2]), 1 + sigmoid(a[3])]
    y = [math.tanh(x[0] + b[0]), sigmoid(x[1] - b[1])]
    y.append(y[1] - math.tanh(b[2]))
    y.append(mean(y, x[:3]) + sigmoid(b[3]))
    z = [elu(y[0] - c[0]), leaky(y[1] + c[1])]
    z.append(z[1] + elu(c[2]))
    z.append(mean(softmin(z), y[:3]) + leaky(c[3]))
    firsts = [x[0], y[0], z[0]]
    w = [mean(firsts, firsts) + elu(z[0] - d[0])]
    pair = [w[0], d[0]]
    w.append(mean(softmin(pair), pair) + leaky(y[1] + d[1]))
    nine = x[:3] + y[:3] + z[:3]
    w.append(mean(softmin(nine), nine) + x[1] + elu(d[2]))
    six = w + d[:3]
    w.append(mean(six, six) + leaky(d[3]))
    return x, y, z, w


def barbell(u, v):
    x = [softplus(1.8 * u[0]) - 1]
    for j in range(1, 5):
        x.append(layer(sum(x), u[j]))
    for j in (5, 6):
        x.append(0.3 * u[j] + softplus(sum(x) + 1) - 1)
    x.append(quantile(-softplus((sum(x[:5]) * 1.3 + sum(x[:6])) / 3 + 1) + 2, 0.6, u[7]))
    y = [layer(softplus(1.8 * v[0]) - 1, x[0])]
    for j in range(1, 5):
        y.append(layer(layer(sum(y), v[j]), x[j]))
    for j in (5, 6):
        y.append(quantile(-softplus((layer(sum(y), x[j]) * 1.3 + sum(y)) / 3 + 1) + 2, 0.4, v[j]))
    y.append(0.3 * v[7] - 0.5 * sum(y[:6]) + softplus(sum(y[:5]) + 1) - 1)
    return x, y


BY_HAND = {"stair": stair, "fork": fork, "backdoor": backdoor, "barbell": barbell}


def scm_of(name):
    return get(f"tmscm/{name}").scm()


def test_all_of_them_are_here():
    assert {name for name in names() if name.startswith("tmscm/")} == {f"tmscm/{name}" for name in SIZES}


@pytest.mark.parametrize("name", SIZES)
def test_values_are_those_worked_out_by_hand(name):
    scm = scm_of(name)
    noise = scm.noise(20, seed=1)
    values = scm.run(noise)
    assert {node: x.shape[1:].numel() for node, x in values.items()} == SIZES[name]
    for i in range(20):
        expected = BY_HAND[name](*(noise[node][i].tolist() for node in SIZES[name]))
        for node, row in zip(SIZES[name], expected, strict=True):
            assert values[node][i].tolist() == pytest.approx(row, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", SIZES)
def test_a_node_is_a_triangular_monotone_map_of_its_noise(name):
    """Which is what identifies counterfactuals, up to what does the same to each component of the noise."""
    scm = scm_of(name)
    noise = scm.noise(50, seed=2)
    values = scm.run(noise)
    for node, d in SIZES[name].items():
        u = noise[node].clone().requires_grad_()
        x = scm.functions[node](u, *(values[parent] for parent in scm.parents[node]))
        slopes = torch.stack([torch.autograd.grad(x[:, j].sum(), u, retain_graph=True)[0] for j in range(d)], dim=1)
        assert (slopes.triu(1) == 0).all()
        own = slopes.diagonal(dim1=1, dim2=2)
        assert (own != 0).all()
        assert (own.sign() == own.sign()[:1]).all()


@pytest.mark.parametrize("name", SIZES)
def test_several_nodes_are_set_at_once_and_what_they_do_not_cause_stays(name):
    scm = scm_of(name)
    noise = scm.noise(30, seed=3)
    factual = scm.run(noise)
    order = list(SIZES[name])
    do = {node: factual[node].flip(0) for node in order[:-1]}
    forced = scm.counterfactual(noise, do)
    assert all(forced[node].equal(do[node]) for node in do)
    assert not forced[order[-1]].equal(factual[order[-1]])
    parents = (do[parent] for parent in scm.parents[order[-1]])
    assert forced[order[-1]].equal(scm.functions[order[-1]](noise[order[-1]], *parents))
    back = scm.counterfactual(noise, {node: factual[node] for node in order[:-1]})
    assert all(back[node].equal(factual[node]) for node in order)
    last = scm.counterfactual(noise, {order[-1]: torch.zeros(SIZES[name][order[-1]], dtype=torch.float64)[None]})
    assert all(last[node].equal(factual[node]) for node in order[:-1])
    assert (last[order[-1]] == 0).all()


def test_noise_of_the_backdoor_is_correlated_within_a_node_and_not_between():
    noise = scm_of("backdoor").noise(100_000, seed=4)
    x = scm_of("backdoor").run(noise)["x"]
    e = torch.stack([x[:, 0].atanh(), -x[:, 1].logit(), (x[:, 1] - x[:, 2]).atanh(), (x[:, 3] - 1).logit()])
    torch.testing.assert_close(torch.cov(e), torch.tensor(COVARIANCE, dtype=torch.float64), atol=0.02, rtol=0)
    between = torch.corrcoef(torch.cat([noise["x"].T, noise["y"].T]))[:4, 4:]
    assert between.abs().max() < 0.02


@pytest.mark.parametrize("name", SIZES)
def test_protocols_compare_samples_and_set_no_vector(name):
    asked = protocols.get("standard").queries(scm_of(name), seed=0)
    assert {query.kind for query in asked} == {"observational"}


def test_a_density_of_vectors_is_refused_by_name():
    scm = scm_of("stair")
    with pytest.raises(NoDensity, match="real scalars of scalar noise; 'x'"):
        scm.log_prob(scm.sample(3, seed=0))
