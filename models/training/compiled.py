"""Training of one small network on a CPU by a compiled loop, everything it touches staying in the processor's cache."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numba import njit
from scmbench.datasets.seeds import generator

from .network import Network, Perceptron
from .regression import Regression

f32 = np.float32
BETA1, BETA2, EPSILON = f32(0.9), f32(0.999), f32(1e-8)

# Without `nnan` and `ninf`: a diverging network has to show its NaN.
_OPTIONS: Any = {"cache": True, "nogil": True, "error_model": "numpy"}
_OPTIONS["fastmath"] = {"contract", "reassoc", "arcp", "afn", "nsz"}

compiled = njit(**_OPTIONS)
"""What Python calls."""

inlined = njit(**_OPTIONS, forceinline=True)
"""What compiled functions call.

Left as a function, it exists twice in the process that compiles, once optimised alone and once together with its
caller, and once in those that find it in the cache. They round differently, so that the first run after an
installation would not repeat.
"""


@inlined
def sigmoid(z):
    """1/(1 + exp(-z)) by a rational approximation of tanh(z/2), to 1.3e-7; it vectorises, as exp does not."""
    x = min(max(f32(0.5) * z, f32(-7.90531110763549805)), f32(7.90531110763549805))
    s = x * x
    p = s * f32(-2.76076847742355e-16) + f32(2.00018790482477e-13)
    p = s * p + f32(-8.60467152213735e-11)
    p = s * p + f32(5.12229709037114e-08)
    p = s * p + f32(1.48572235717979e-05)
    p = s * p + f32(6.37261928875436e-04)
    p = s * p + f32(4.89352455891786e-03)
    q = s * f32(1.19825839466702e-06) + f32(1.18534705686654e-04)
    q = s * q + f32(2.26843463243900e-03)
    q = s * q + f32(4.89352518554385e-03)
    return f32(0.5) + f32(0.5) * x * p / q


@inlined
def silu(z, bias, value):
    """``value = silu(z + bias)``; its derivative replaces ``z``."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            a = z[i, j] + bias[j]
            s = sigmoid(a)
            h = a * s
            value[i, j] = h
            z[i, j] = s + h * (f32(1) - s)


@inlined
def residual(out, bias, y, bias_gradient):
    """``out`` becomes the gradient of the mean squared error by the output; returns the sum of squares."""
    total, scale = f32(0), f32(2) / f32(out.size)
    bias_gradient[:] = f32(0)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            r = out[i, j] + bias[j] - y[i, j]
            total += r * r
            out[i, j] = scale * r
            bias_gradient[j] += scale * r
    return total


@inlined
def through_silu(error, slope, bias_gradient):
    """``error``, the gradient by an activation's value, becomes that by its argument."""
    bias_gradient[:] = f32(0)
    for i in range(error.shape[0]):
        for j in range(error.shape[1]):
            e = error[i, j] * slope[i, j]
            error[i, j] = e
            bias_gradient[j] += e


@inlined
def transpose(a, b):
    """``b = a.T``."""
    for j in range(a.shape[1]):
        for i in range(a.shape[0]):
            b[j, i] = a[i, j]


@inlined
def adam(parameters, gradients, mean, square, rate, root):
    """Kingma, Ba, "Adam", 2015, Algorithm 1, with both bias corrections in `rate` and `root`."""
    for i in range(parameters.size):
        g = gradients[i]
        m = mean[i] + (f32(1) - BETA1) * (g - mean[i])
        v = BETA2 * square[i] + (f32(1) - BETA2) * g * g
        mean[i] = m
        square[i] = v
        parameters[i] -= rate * m / (np.sqrt(v) * root + EPSILON)


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


def train(regression: Regression, network: Network, *, epochs: int, batch_size: int, lr: float) -> Network:
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
    for _ in range(epochs):
        x, y = (part.numpy() for part in regression.epoch(stream))
        losses.append(epoch(x, y, batch_size, lr, steps, buffers, weights, biases, *gradients, work))
        steps += -(-regression.rows // batch_size)
    weights, biases = (tuple(torch.from_numpy(view.copy()) for view in views) for views in (weights, biases))
    return Network(Perceptron(weights, biases), losses=torch.tensor(losses))
