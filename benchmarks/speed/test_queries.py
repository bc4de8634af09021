"""Queries: abduction and prediction of one node, and a counterfactual of a whole graph."""

from __future__ import annotations

import time

import networkx as nx
import pytest
import torch
from scmbench.benchmarks.speed import plain
from scmbench.datasets import registry
from scmbench.datasets.seeds import generator
from scmbench.models.contract.nodewise import Task
from scmbench.models.dcm import DCM
from scmbench.models.dcm.schedule import Schedule

pytestmark = pytest.mark.benchmark(timer=time.process_time)

ROWS, SCHEDULE = 2000, Schedule(100)


@pytest.fixture(scope="module")
def mechanism():
    draw = generator(0, "speed")
    pa = torch.randn(ROWS, 6, generator=draw)
    x = pa[:, :1] * pa[:, 1:2] + 0.3 * torch.randn(ROWS, 1, generator=draw)
    return DCM(epochs=30, lr=1e-3).mechanism().fit(Task(x, pa, 0)), x, pa


def as_module(mechanism):
    """The trained network asked the plain way."""
    net = plain.Denoiser(mechanism.parent_scaler.mean.numel())
    trunk = mechanism.sampler.network.trunk
    for linear, weight, bias in zip(net.layers[::2], trunk.weights, trunk.biases, strict=True):
        linear.weight.data, linear.bias.data = weight.T.contiguous(), bias
    return net


def plain_query(function, mechanism, x, pa):
    net, scaler, parent_scaler = as_module(mechanism), mechanism.scaler, mechanism.parent_scaler
    if function is plain.decode:
        return scaler.undo(function(net, SCHEDULE, x, parent_scaler(pa)))
    return function(net, SCHEDULE, scaler(x), parent_scaler(pa))


@pytest.mark.parametrize(
    ("name", "function", "inversion"),
    [("decode", plain.decode, "ddim"), ("encode", plain.encode, "ddim"), ("encode exactly", plain.invert, "implicit")],
)
def test_node(compare, mechanism, name, function, inversion):
    fitted, x, pa = mechanism
    asked = fitted.at_query(inversion=inversion, wraps_time=False)
    ours = asked.decode if name == "decode" else asked.encode
    torch.testing.assert_close(ours(x, pa), plain_query(function, fitted, x, pa), rtol=1e-3, atol=1e-3)
    compare(lambda: ours(x, pa), lambda: plain_query(function, fitted, x, pa), unit=f"{name} 2,000 rows of a node")


def plain_counterfactual(model: DCM, factual, do):
    values = {}
    for node in nx.topological_sort(model.graph):
        parents = sorted(model.graph.predecessors(node))
        if node in do:
            values[node] = do[node]
        elif not parents:
            values[node] = factual[node]
        else:
            before, after = (torch.stack([v[p] for p in parents], 1).float() for v in (factual, values))
            u = plain_query(plain.encode, model.mechanisms[node], factual[node][:, None].float(), before)
            values[node] = plain_query(plain.decode, model.mechanisms[node], u, after)[:, 0].double()
    return values


def test_counterfactual(compare):
    scm = registry.get("dcm/ladder/nlin").scm(0)
    model = DCM(epochs=1).fit(scm.graph, scm.sample(500, seed=0), seed=0)
    factual = scm.sample(ROWS, seed=1)
    do = {"x01": torch.ones(ROWS, dtype=torch.float64)}
    ours, theirs = model.counterfactual(factual, do, seed=0), plain_counterfactual(model, factual, do)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    compare(
        lambda: model.counterfactual(factual, do, seed=0),
        lambda: plain_counterfactual(model, factual, do),
        unit="counterfactual of 2,000 rows on 30 nodes",
        rounds=5,
    )
