"""Training of hundreds of small networks at once on a GPU: an epoch's steps are one graph, launched as a whole.

One step on such networks is some twenty short operations, and a GPU waits for the program between any two. Here the
backward pass is written by hand, everything lies in buffers that stay where they are, and the steps of an epoch are
captured once (`torch.cuda.CUDAGraph`) and replayed every epoch. Random numbers are made on the device, by a generator
that is keyed by the network's own seed (`counter`). What is computed is defined by `batched`, with other random
numbers, and held to it by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional

from .network import Network, Perceptron
from .progress import counted
from .recipe import rates
from .regression import Drawn

PAD = 4
"""Input columns are filled up with zeros to a multiple of this, so that networks with few parents share a stack."""

WIDEST = 768
"""Networks of a stack: more are no faster a network, and take memory."""


def padded(columns: int) -> int:
    """Columns of inputs as the stack has them."""
    return -(-columns // PAD) * PAD


class CapturedStack:
    """K perceptrons of one shape with SiLU between layers; parameters, gradients and Adam's moments in flat buffers.

    Weights are ``(K, in, out)``, biases ``(K, 1, out)``. The first layer of a network with fewer inputs has rows of
    zeros at its end: the inputs there are zero, so that their gradient is too, and Adam leaves them where they are.
    """

    def __init__(self, networks: Sequence[Network], inputs: int, lr: float, device: torch.device | str):
        trunks = [network.trunk for network in networks]
        missing = [inputs - trunk.weights[0].shape[0] for trunk in trunks]
        first = [functional.pad(t.weights[0], (0, 0, 0, more)) for t, more in zip(trunks, missing, strict=True)]
        weights = [torch.stack(first), *map(torch.stack, zip(*(t.weights[1:] for t in trunks), strict=True))]
        biases = [torch.stack(layer).unsqueeze(1) for layer in zip(*(t.biases for t in trunks), strict=True)]
        tensors = [tensor.to(device) for tensor in (*weights, *biases)]
        self.parameters = torch.cat([tensor.flatten() for tensor in tensors])
        self.parameters.grad = torch.zeros_like(self.parameters)
        (self.weights, self.biases), (self.weight_gradients, self.bias_gradients) = (
            _views(flat, [t.shape for t in tensors], len(weights)) for flat in (self.parameters, self.parameters.grad)
        )
        self.squares = torch.zeros(len(networks), device=device)
        self.rate = torch.tensor(lr, device=device)
        on_gpu = self.parameters.is_cuda
        self.optimizer = torch.optim.Adam(
            [self.parameters], lr=self.rate if on_gpu else lr, fused=True, capturable=on_gpu
        )

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """One Adam step on the mean squared error of a batch ``(K, batch, columns)``; its squares are added up."""
        hidden, before = [inputs], []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            before.append(torch.baddbmm(bias, hidden[-1], weight))
            hidden.append(functional.silu(before[-1]))
        residual = torch.baddbmm(self.biases[-1], hidden[-1], self.weights[-1]) - targets
        self.squares += residual.square().sum((1, 2))
        gradient = residual * (2 / targets[0].numel())
        for layer in reversed(range(len(self.weights))):
            torch.bmm(hidden[layer].mT, gradient, out=self.weight_gradients[layer])
            torch.sum(gradient, 1, keepdim=True, out=self.bias_gradients[layer])
            if layer:
                error = torch.bmm(gradient, self.weights[layer].mT)
                gradient = torch.ops.aten.silu_backward(error, before[layer - 1])
        self.optimizer.step()

    def set_rate(self, rate: float) -> None:
        """The learning rate of the steps to come."""
        if self.parameters.is_cuda:
            self.rate.fill_(rate)
        else:
            self.optimizer.param_groups[0]["lr"] = rate

    def fresh(self, parameters: Tensor) -> None:
        """As it was before any step."""
        self.parameters.copy_(parameters)
        self.squares.zero_()
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def take(self, k: int, inputs: int, losses: Tensor) -> Network:
        """A copy of network k, which reads `inputs` columns."""
        weights = [self.weights[0][k, :inputs].clone(), *(weight[k].clone() for weight in self.weights[1:])]
        return Network(Perceptron(tuple(weights), tuple(bias[k, 0].clone() for bias in self.biases)), losses=losses)


@torch.no_grad()
def train(
    drawn: Drawn, networks: Sequence[Network], *, epochs: int, batch_size: int, lr: float, anneal: bool = False
) -> list[Network]:
    """Train network k on part k of what is drawn, and return them on its device; `losses` are on the CPU.

    The steps are those of `batched.train`, to rounding, on the random numbers of `drawn`.
    """
    with torch.cuda.device(drawn.device) if drawn.device.type == "cuda" else nullcontext():
        return _train(drawn, networks, epochs, batch_size, lr, anneal=anneal)


def _train(
    drawn: Drawn, networks: Sequence[Network], epochs: int, batch_size: int, lr: float, *, anneal: bool
) -> list[Network]:
    """On the device that is current: streams and graphs belong to one."""
    inputs = max(padded(network.trunk.weights[0].shape[0]) for network in networks)
    stack = CapturedStack(networks, inputs, lr, drawn.device)
    x = torch.zeros(len(networks), drawn.rows, inputs, device=drawn.device)
    y = torch.zeros(len(networks), drawn.rows, drawn.outputs, device=drawn.device)
    batches = list(zip(x.split(batch_size, dim=1), y.split(batch_size, dim=1), strict=True))

    def steps() -> None:
        for batch in batches:
            stack.step(*batch)

    columns = drawn.columns(inputs)
    run = _captured(stack, steps) if stack.parameters.is_cuda else steps
    losses = []
    for epoch, rate in counted(list(enumerate(rates(lr, epochs, anneal))), "epochs"):
        stack.set_rate(rate)
        stack.squares.zero_()
        drawn.fill(epoch, columns, x, y)
        run()
        losses.append(stack.squares / y[0].numel())
    history = torch.stack(losses, dim=1).cpu()
    sizes = [network.trunk.weights[0].shape[0] for network in networks]
    return [stack.take(k, size, history[k]) for k, size in enumerate(sizes)]


def _captured(stack: CapturedStack, steps: Callable[[], None]) -> Callable[[], None]:
    """The steps as one graph. They run once before, as capturing asks for, and what that changed is put back."""
    before = stack.parameters.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        steps()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        steps()
    stack.fresh(before)
    return graph.replay


def _views(flat: Tensor, shapes: Sequence[torch.Size], layers: int) -> tuple[list[Tensor], list[Tensor]]:
    """Weights and biases as views into a flat buffer."""
    parts = flat.split([shape.numel() for shape in shapes])
    views = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
    return views[:layers], views[layers:]
