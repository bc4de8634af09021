"""Training of one small network on a CPU by a compiled loop, everything it touches staying in the processor's cache."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from scmbench.datasets.seeds import generator

from .kernels import adam, compiled, f32, transpose
from .layers import residual, silu, through_silu
from .network import Network, Perceptron
from .recipe import rates
from .regression import Regression
from .stopping import Best


@compiled
def epoch(x, y, batch_size, lr, steps, buffers, weights, biases, weight_gradients, bias_gradients, work):
    """Adam steps through all rows in order; returns the mean squared error seen on the way."""
    parameters, gradients, mean, square = buffers
    values, slopes, transposed = work
    last = len(weights) - 1
    total = 0.0
    for start in range(0, x.shape[0], batch_size):
        rows = min(batch_size, x.shape[0] - start)
        h = x[start : start + rows]
        for layer in range(last):
            np.dot(h, weights[layer], slopes[layer][:rows])
            h = values[layer][:rows]
            silu(slopes[layer][:rows], biases[layer], h)
        g = slopes[last][:rows]
        np.dot(h, weights[last], g)
        total += residual(g, biases[last], y[start : start + rows], bias_gradients[last])
        for layer in range(last, 0, -1):
            error = values[layer - 1][:rows]
            np.dot(error.T, g, weight_gradients[layer])
            # The product with a transposed right factor is BLAS's slowest; transposing first costs less.
            transpose(weights[layer], transposed[layer])
            np.dot(g, transposed[layer], error)
            through_silu(error, slopes[layer - 1][:rows], bias_gradients[layer - 1])
            g = error
        np.dot(x[start : start + rows].T, g, weight_gradients[0])
        steps += 1
        root = 1 / np.sqrt(1 - 0.999**steps)
        adam(parameters, gradients, mean, square, f32(lr / (1 - 0.9**steps)), f32(root))
    return total / y.size


def views(flat: np.ndarray, sizes: tuple[int, ...]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Weights `(in, out)` and biases `(out,)` of all layers as views into a flat buffer."""
    weights, biases, offset = [], [], 0
    for fan_in, fan_out in pairwise(sizes):
        weights.append(flat[offset : offset + fan_in * fan_out].reshape(fan_in, fan_out))
        offset += fan_in * fan_out
        biases.append(flat[offset : offset + fan_out])
        offset += fan_out
    return tuple(weights), tuple(biases)


def train(
    regression: Regression,
    network: Network,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    anneal: bool = False,
    patience: int = 0,
) -> Network:
    """Train a network without a branch; the steps are those of `batched.train`, to rounding."""
    trunk = network.trunk
    sizes = (*(weight.shape[0] for weight in trunk.weights), regression.outputs)
    buffers = tuple(np.zeros(trunk.size(), f32) for _ in range(4))
    weights, biases = views(buffers[0], sizes)
    for view, tensor in zip((*weights, *biases), (*trunk.weights, *trunk.biases), strict=True):
        view[:] = tensor.numpy()
    gradients = views(buffers[1], sizes)
    rows = min(batch_size, regression.rows)
    values, slopes = (tuple(np.empty((rows, size), f32) for size in sizes[1:]) for _ in range(2))
    transposed = tuple(np.empty((fan_out, fan_in), f32) for fan_in, fan_out in pairwise(sizes))
    work = (values, slopes, transposed)
    stream, losses, steps = generator(regression.seed, "batches"), [], 0
    best = Best(patience, 1)
    now = Network(Perceptron(tuple(map(torch.from_numpy, weights)), tuple(map(torch.from_numpy, biases))))
    for rate in rates(lr, epochs, anneal):
        x, y = (part.numpy() for part in regression.epoch(stream))
        losses.append(epoch(x, y, batch_size, rate, steps, buffers, weights, biases, *gradients, work))
        steps += -(-regression.rows // batch_size)
        if patience and best.see(len(losses) - 1, [held_out(now, regression)], [now.trunk.tensors()]):
            break
    kept = best.weights[0] or [tensor.clone() for tensor in now.trunk.tensors()]
    return Network(Perceptron(tuple(kept[: len(weights)]), tuple(kept[len(weights) :])), losses=torch.tensor(losses))


def held_out(network: Network, regression: Regression) -> float:
    """The mean squared error on the rows that are held out."""
    assert regression.held is not None
    x, y = regression.held
    return float((network(x) - y).square().mean())
