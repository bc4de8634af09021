"""Training of many small networks as one batched network of stacked weights, on any device PyTorch has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from .network import ACTIVATIONS, Network, Perceptron
from .regression import Regression

BACKWARD = {"silu": torch.ops.aten.silu_backward, "mish": torch.ops.aten.mish_backward}


class StackedPerceptron:
    """K perceptrons of one shape: views `(K, in, out)` into a flat parameter buffer and a flat gradient buffer."""

    def __init__(self, perceptrons: Sequence[Perceptron], parameters: Tensor, gradients: Tensor):
        self.activation = perceptrons[0].activation
        weights = [torch.stack(layer) for layer in zip(*(p.weights for p in perceptrons), strict=True)]
        biases = [torch.stack(layer).unsqueeze(1) for layer in zip(*(p.biases for p in perceptrons), strict=True)]
        shapes = [tensor.shape for tensor in (*weights, *biases)]
        sizes = [tensor.numel() for tensor in (*weights, *biases)]
        torch.cat([tensor.flatten() for tensor in (*weights, *biases)], out=parameters)
        views = [part.view(shape) for part, shape in zip(parameters.split(sizes), shapes, strict=True)]
        self.weights, self.biases = views[: len(weights)], views[len(weights) :]
        views = [part.view(shape) for part, shape in zip(gradients.split(sizes), shapes, strict=True)]
        self.weight_gradients, self.bias_gradients = views[: len(weights)], views[len(weights) :]

    def forward(self, x: Tensor) -> Tensor:
        """Outputs `(K, batch, out)`; keeps what the backward pass needs."""
        self.inputs, self.before = [x], []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            self.before.append(torch.baddbmm(bias, self.inputs[-1], weight))
            self.inputs.append(ACTIVATIONS[self.activation](self.before[-1]))
        return torch.baddbmm(self.biases[-1], self.inputs[-1], self.weights[-1])

    def backward(self, gradient: Tensor, columns: slice | None = None) -> Tensor | None:
        """Write the gradients of all weights; return that of the given input columns, if any are asked for."""
        for layer in reversed(range(len(self.weights))):
            torch.bmm(self.inputs[layer].mT, gradient, out=self.weight_gradients[layer])
            torch.sum(gradient, dim=1, keepdim=True, out=self.bias_gradients[layer])
            if layer > 0:
                gradient = torch.bmm(gradient, self.weights[layer].mT)
                gradient = BACKWARD[self.activation](gradient, self.before[layer - 1])
        return None if columns is None else torch.bmm(gradient, self.weights[0][:, columns].mT)

    def take(self, k: int) -> Perceptron:
        """A copy of network k."""
        weights = tuple(weight[k].clone() for weight in self.weights)
        return Perceptron(weights, tuple(bias[k, 0].clone() for bias in self.biases), self.activation)


class Stack:
    """K networks of one shape, with their parameters, gradients and Adam's moments in flat buffers."""

    def __init__(self, networks: Sequence[Network], lr: float):
        sizes = [sum(n.trunk.size() for n in networks), sum(n.branch.size() for n in networks if n.branch)]
        self.parameters = torch.empty(sum(sizes), device=networks[0].trunk.biases[0].device)
        self.parameters.grad = torch.zeros_like(self.parameters)
        trunk, branch = zip(self.parameters.split(sizes), self.parameters.grad.split(sizes), strict=True)
        self.trunk = StackedPerceptron([n.trunk for n in networks], *trunk)
        branches = [n.branch for n in networks if n.branch]
        self.branch = StackedPerceptron(branches, *branch) if branches else None
        self.optimizer = torch.optim.Adam([self.parameters], lr=lr, fused=True)

    def step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One Adam step on the mean squared error of a batch `(K, batch, columns)`; returns the summed squares."""
        if self.branch is None:
            residual = self.trunk.forward(inputs) - targets
            self.trunk.backward(residual * (2 / residual[0].numel()))
        else:
            features = self.branch.weights[0].shape[1]
            embedded = self.branch.forward(inputs[..., -features:])
            residual = self.trunk.forward(torch.cat([inputs[..., :-features], embedded], -1)) - targets
            columns = slice(-embedded.shape[-1], None)
            gradient = self.trunk.backward(residual * (2 / residual[0].numel()), columns)
            assert gradient is not None
            self.branch.backward(gradient)
        self.optimizer.step()
        return residual.square().sum((1, 2))

    def take(self, k: int, losses: Tensor) -> Network:
        """A copy of network k."""
        return Network(self.trunk.take(k), self.branch.take(k) if self.branch else None, losses)


@torch.no_grad()
def train(
    regressions: Sequence[Regression],
    networks: Sequence[Network],
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    device: torch.device | str = "cpu",
) -> list[Network]:
    """Train network k on regression k; the regressions must agree in rows, inputs and outputs."""
    streams = [generator(r.seed, "batches") for r in regressions]
    # A batched product of one matrix takes another kernel, which rounds differently: a lone network gets a mate.
    copies = 2 if len(networks) == 1 else 1
    stack = Stack([network.to(device) for network in networks] * copies, lr)
    losses = []
    for _ in range(epochs):
        drawn = [r.epoch(stream) for r, stream in zip(regressions, streams, strict=True)]
        x, y = (torch.stack(part * copies) for part in zip(*drawn, strict=True))
        batches = zip(x.split(batch_size, dim=1), y.split(batch_size, dim=1), strict=True)
        losses.append(sum(stack.step(*batch) for batch in batches) / y[0].numel())
    history = torch.stack(losses, dim=1).cpu()
    return [stack.take(k, history[k]) for k in range(len(networks))]
