"""Stacks of small networks: right gradients, Adam's steps, and results that do not depend on batch mates."""

from __future__ import annotations

import pytest
import torch
from scmbench.datasets.seeds import generator
from scmbench.models.training import Architecture, Network, Regression, batched, compiled, draw_network, train_stack
from torch import nn

PLAIN, BRANCHED = Architecture((16, 32)), Architecture((16, 32), branch=(4, 8, 6))


class Noisy(Regression):
    """A fixed table in random order, with fresh noise on the inputs and some on the targets."""

    def __init__(self, rows: int, inputs: int, outputs: int, seed: int):
        self.rows, self.inputs, self.outputs, self.seed = rows, inputs, outputs, seed
        draw = generator(seed, "table")
        self.x = torch.randn(rows, inputs, generator=draw)
        noise = 0.1 * torch.randn(rows, outputs, generator=draw)
        self.y = torch.sin(self.x[:, :1] * torch.arange(1, outputs + 1)) + noise

    def epoch(self, generator):
        order = torch.randperm(self.rows, generator=generator)
        return self.x[order] + 0.05 * torch.randn(self.x.shape, generator=generator), self.y[order]


class Module(nn.Module):
    """The same network as an ordinary module."""

    def __init__(self, network: Network):
        super().__init__()
        self.trunk = self.sequence(network.trunk, nn.SiLU)
        self.branch = self.sequence(network.branch, nn.Mish) if network.branch else None

    def sequence(self, perceptron, activation):
        layers = []
        for weight, bias in zip(perceptron.weights, perceptron.biases, strict=True):
            linear = nn.Linear(*weight.shape)
            linear.weight.data, linear.bias.data = weight.T.clone(), bias.clone()
            layers += [linear, activation()]
        return nn.Sequential(*layers[:-1])

    def forward(self, x):
        if self.branch:
            x = torch.cat([x[:, :-4], self.branch(x[:, -4:])], 1)
        return self.trunk(x)

    def tensors(self):
        linears = [layer for layer in self.modules() if isinstance(layer, nn.Linear)]
        return [t for layer in linears for t in (layer.weight.T, layer.bias)]


def tensors(network: Network) -> list[torch.Tensor]:
    perceptrons = [network.trunk, *([network.branch] if network.branch else [])]
    return [t for p in perceptrons for pair in zip(p.weights, p.biases, strict=True) for t in pair]


def largest_difference(a: Network, b: Network) -> float:
    return max(float((x - y).abs().max()) for x, y in zip(tensors(a), tensors(b), strict=True))


def untrained(regression: Regression, architecture: Architecture) -> Network:
    return draw_network(architecture, regression.inputs, regression.outputs, generator(regression.seed, "weights"))


def by_module(regression: Regression, network: Network, *, epochs: int, batch_size: int, lr: float) -> Module:
    module, stream = Module(network), generator(regression.seed, "batches")
    optimizer = torch.optim.Adam(module.parameters(), lr=lr)
    for _ in range(epochs):
        x, y = regression.epoch(stream)
        for a, b in zip(x.split(batch_size), y.split(batch_size), strict=True):
            optimizer.zero_grad()
            nn.functional.mse_loss(module(a), b).backward()
            optimizer.step()
    return module


@pytest.mark.parametrize("architecture", [PLAIN, BRANCHED])
def test_gradient_is_autograds(architecture):
    regressions = [Noisy(40, 7, 2, seed) for seed in (0, 1, 2)]
    networks = [untrained(r, architecture) for r in regressions]
    stack = batched.Stack(networks, lr=0.0)
    stack.step(torch.stack([r.x for r in regressions]), torch.stack([r.y for r in regressions]))
    assert stack.parameters.grad is not None
    parts = stack.parameters.grad.split([tensor.numel() for tensor in stack.tensors])
    gradients = [part.view(tensor.shape) for part, tensor in zip(parts, stack.tensors, strict=True)]
    for k, (regression, network) in enumerate(zip(regressions, networks, strict=True)):
        module = Module(network)
        nn.functional.mse_loss(module(regression.x), regression.y).backward()
        linears = [
            layer for part in (module.trunk, module.branch) if part for layer in part if hasattr(layer, "weight")
        ]
        count = len(network.trunk.weights)
        theirs = []
        for part in (linears[:count], linears[count:]):
            theirs += [layer.weight.grad.T for layer in part] + [layer.bias.grad[None] for layer in part]
        ours = [gradient[k] for gradient in gradients]
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("program", ["compiled", "batched", "branch"])
def test_trajectory_is_that_of_module_and_adam(program):
    architecture = BRANCHED if program == "branch" else PLAIN
    regression = Noisy(150, 7, 2, seed=3)
    options = {"epochs": 15, "batch_size": 64, "lr": 1e-3}
    if program == "compiled":
        trained = compiled.train(regression, untrained(regression, architecture), **options)
    else:
        (trained,) = batched.train([regression], [untrained(regression, architecture)], **options)
    module = by_module(regression, untrained(regression, architecture), **options)
    for ours, theirs in zip(tensors(trained), module.tensors(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-6)


@pytest.mark.parametrize("architecture", [PLAIN, BRANCHED])
def test_result_does_not_depend_on_mates(architecture):
    one = Noisy(320, 7, 1, seed=5)
    mates = [Noisy(320, 7, 1, seed=6), Noisy(100, 9, 3, seed=7), Noisy(320, 5, 1, seed=8), Noisy(320, 7, 1, seed=9)]
    options = {"epochs": 100, "batch_size": 64, "lr": 1e-3}
    (alone,) = train_stack([one], architecture, **options)
    among = train_stack([*mates, one], architecture, **options)
    assert largest_difference(alone, among[-1]) <= 1e-6
    assert largest_difference(alone, among[0]) > 1e-2


def test_compiled_and_batched_agree_after_500_steps():
    regressions = [Noisy(320, 7, 1, seed) for seed in (0, 1)]
    options = {"epochs": 100, "batch_size": 64, "lr": 1e-3}
    stacked = batched.train(regressions, [untrained(r, PLAIN) for r in regressions], **options)
    for regression, network in zip(regressions, stacked, strict=True):
        looped = compiled.train(regression, untrained(regression, PLAIN), **options)
        assert largest_difference(looped, network) <= 1e-4
        torch.testing.assert_close(looped.losses, network.losses, rtol=1e-4, atol=0)


def test_shapes_may_differ_and_order_is_kept():
    regressions = [Noisy(130, 3, 1, 0), Noisy(20, 6, 3, 1), Noisy(64, 3, 1, 2)]
    for architecture in (PLAIN, Architecture((16, 32), branch=(2, 8, 6))):
        networks = train_stack(regressions, architecture, epochs=2, batch_size=64, lr=1e-3)
        for regression, network in zip(regressions, networks, strict=True):
            assert network(regression.x).shape == regression.y.shape
            assert network.losses.shape == (2,)


def test_first_weights_are_those_of_linear():
    network = draw_network(PLAIN, 9, 1, torch.Generator().manual_seed(4))
    with torch.random.fork_rng():
        torch.manual_seed(4)
        linears = [nn.Linear(*weight.shape) for weight in network.trunk.weights]
    for linear, weight, bias in zip(linears, network.trunk.weights, network.trunk.biases, strict=True):
        assert torch.equal(weight.T, linear.weight)
        assert torch.equal(bias, linear.bias)


def test_training_lowers_the_loss_and_forgets_no_short_batch():
    regression = Noisy(65, 3, 1, seed=0)
    (network,) = train_stack([regression], PLAIN, epochs=60, batch_size=64, lr=3e-3)
    assert network.losses[-1] < 0.3 * network.losses[0]
    # 65 rows in batches of 64 are two steps an epoch: with the last row left out the weights would differ.
    (other,) = train_stack([regression], PLAIN, epochs=60, batch_size=65, lr=3e-3)
    assert largest_difference(network, other) > 1e-2


@pytest.mark.parametrize("architecture", [PLAIN, BRANCHED])
def test_divergence_shows_in_losses_and_spares_the_mates(architecture):
    good, bad = Noisy(100, 7, 1, seed=0), Noisy(100, 7, 1, seed=1)
    bad.y[3] = float("inf")
    options = {"epochs": 3, "batch_size": 64, "lr": 1e-3}
    (alone,) = train_stack([good], architecture, **options)
    diverged, spared = train_stack([bad, good], architecture, **options)
    assert not diverged.losses.isfinite().any()
    assert largest_difference(alone, spared) <= 1e-6
