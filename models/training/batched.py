"""Training of many small networks as one batched network of stacked weights, on any device PyTorch has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from .network import ACTIVATIONS, Network, Perceptron
from .progress import counted
from .recipe import rates
from .regression import Regression
from .stopping import Best


class StackedPerceptron:
    """K perceptrons of one shape: weights ``(K, in, out)`` and biases ``(K, 1, out)``, views into a flat buffer."""

    def __init__(self, perceptrons: Sequence[Perceptron], parameters: Tensor):
        self.activation = perceptrons[0].activation
        weights = [torch.stack(layer) for layer in zip(*(p.weights for p in perceptrons), strict=True)]
        biases = [torch.stack(layer).unsqueeze(1) for layer in zip(*(p.biases for p in perceptrons), strict=True)]
        tensors = (*weights, *biases)
        torch.cat([tensor.flatten() for tensor in tensors], out=parameters)
        parts = parameters.split([tensor.numel() for tensor in tensors])
        views = [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]
        self.weights, self.biases = views[: len(weights)], views[len(weights) :]

    def __call__(self, x: Tensor) -> Tensor:
        """Rows of inputs ``(K, n, in)`` to rows of outputs ``(K, n, out)``."""
        z = torch.baddbmm(self.biases[0], x, self.weights[0])
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            z = torch.baddbmm(bias, ACTIVATIONS[self.activation](z), weight)
        return z

    def tensors(self) -> list[Tensor]:
        """All that is trained, in the order of the buffer."""
        return [*self.weights, *self.biases]

    def take(self, k: int) -> Perceptron:
        """A copy of network k."""
        weights = tuple(weight[k].clone() for weight in self.weights)
        return Perceptron(weights, tuple(bias[k, 0].clone() for bias in self.biases), self.activation)


class Stack:
    """K networks of one shape; their parameters lie in one flat buffer, on which Adam acts at once."""

    def __init__(self, networks: Sequence[Network], lr: float):
        sizes = [sum(n.trunk.size() for n in networks), sum(n.branch.size() for n in networks if n.branch)]
        self.parameters = torch.empty(sum(sizes), device=networks[0].trunk.biases[0].device)
        trunk, branch = self.parameters.split(sizes)
        self.trunk = StackedPerceptron([n.trunk for n in networks], trunk)
        branches = [n.branch for n in networks if n.branch]
        self.branch = StackedPerceptron(branches, branch) if branches else None
        self.tensors = self.trunk.tensors() + (self.branch.tensors() if self.branch else [])
        for tensor in self.tensors:
            tensor.requires_grad_()
        self.optimizer = torch.optim.Adam([self.parameters], lr=lr, fused=True)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Rows of inputs ``(K, n, in)`` to rows of outputs ``(K, n, out)``."""
        if self.branch is None:
            return self.trunk(inputs)
        width = self.branch.weights[0].shape[1]
        return self.trunk(torch.cat([inputs[..., :-width], self.branch(inputs[..., -width:])], -1))

    def step(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """One Adam step on the mean squared error of a batch `(K, batch, columns)`; returns the summed squares."""
        with torch.enable_grad():
            squares = (self(inputs) - targets).square().sum((1, 2))
            self.descend(squares.sum() / targets[0].numel())
        return squares.detach()

    def descend(self, loss: Tensor) -> None:
        """One Adam step on a loss, a sum over the networks, of which each sees its own gradient."""
        gradients = torch.autograd.grad(loss, self.tensors)
        self.parameters.grad = torch.cat([gradient.flatten() for gradient in gradients])
        self.optimizer.step()

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
    anneal: bool = False,
    patience: int = 0,
    device: torch.device | str = "cpu",
) -> list[Network]:
    """Train network k on regression k; the regressions must agree in rows, inputs and outputs."""
    streams = [generator(r.seed, "batches") for r in regressions]
    # A batched product of one matrix takes another kernel, which rounds differently: a lone network gets a mate.
    copies = 2 if len(networks) == 1 else 1
    stack = Stack([network.to(device) for network in networks] * copies, lr)
    losses = []
    best, held = Best(patience, len(networks)), [r.held for r in regressions] * copies
    for rate in counted(rates(lr, epochs, anneal), "epochs"):
        stack.optimizer.param_groups[0]["lr"] = rate
        drawn = [r.epoch(stream) for r, stream in zip(regressions, streams, strict=True)]
        x, y = (torch.stack(part * copies) for part in zip(*drawn, strict=True))
        batches = zip(x.split(batch_size, dim=1), y.split(batch_size, dim=1), strict=True)
        losses.append(sum(stack.step(*batch) for batch in batches) / y[0].numel())
        if patience:
            asked, truth = (torch.stack(part) for part in zip(*filter(None, held), strict=True))
            now = (stack(asked) - truth).square().mean((1, 2)).tolist()[: len(networks)]
            if best.see(len(losses) - 1, now, [[t[k] for t in stack.tensors] for k in range(len(networks))]):
                break
    history = torch.stack(losses, dim=1).cpu()
    for k, kept in enumerate(best.weights):
        for tensor, value in zip(stack.tensors, kept or [], strict=False):
            tensor[k].copy_(value)
    return [stack.take(k, history[k][: best.ended[k] or None]) for k in range(len(networks))]
