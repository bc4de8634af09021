"""CAREFL's training as a compiled loop: gradients `ROWS` rows at a time, everything they touch staying in the cache.

The definition is `Flow.forward`; an execution of it, no more (`loop.autograd` is the other).
"""

from __future__ import annotations

import numpy as np

from ..training.kernels import ONE, ROWS, TWO, ZERO, adam, add, compiled, copy, exp, f32, inlined, put
from ..training.layers import affine, leaky_relu, through_affine, through_leaky_relu
from ..training.loop import Epoch, Flat, Steps
from ..training.recipe import Recipe
from .compiled_spline import BY_LOG, BY_RAW, BY_X, BY_Y, LINES, RAW, X, Y, backward, forward, locate
from .flow import HIDDEN, SLOPE, Flow
from .spline import PARAMETERS, end_slope

LEAK = f32(SLOPE)


@inlined
def descent(w, normal):
    """From latents `Y`, and `BY_LOG`, to the gradient `BY_Y` of ``BY_LOG log p(Y)``, normal or logistic."""
    for j in range(ROWS):
        z = w[Y, j]
        w[BY_Y, j] = -w[BY_LOG, j] * (z if normal else TWO / (ONE + exp(-z)) - ONE)


@inlined
def add_gradient(x, by_log, doubled, end, normal, weights, gradients, work):
    """Add to `gradients` that of ``Σ by_log (log |det dz/dx| + log p(z))`` over ``x (d, ROWS)``, ``by_log (ROWS,)``.

    `weights` and `gradients` are the tensors of a `Flow`; what dimensions may not see gets a gradient too. `work` keeps
    what the layers need on the way back: inputs, hidden features and spline numbers ``(layers, d, ..., ROWS)``; then
    the lines, and gradients by hidden features and inputs.
    """
    first, first_bias, second, second_bias = weights
    by_first, by_first_bias, by_second, by_second_bias = gradients
    inputs, hidden, raw, w, by_hidden, back = work
    layers, d = first.shape[:2]
    by_raw = w[BY_RAW : BY_RAW + PARAMETERS]
    put(w, BY_LOG, by_log)
    copy(inputs[0], x, 0, ROWS)
    for layer in range(layers):
        np.dot(first[layer].reshape(d * HIDDEN, d), inputs[layer], hidden[layer].reshape(d * HIDDEN, ROWS))
        for i in range(d):
            leaky_relu(hidden[layer, i], first_bias[layer, i], LEAK)
            affine(second[layer, i], second_bias[layer, i], hidden[layer, i], raw[layer, i])
            put(w, X, inputs[layer, i])
            copy(w[RAW : RAW + PARAMETERS], raw[layer, i], 0, ROWS)
            locate(w, doubled, end)
            forward(w)
            put(inputs[layer + 1], i, w[Y])
    for i in range(d):
        put(w, Y, inputs[layers, i])
        descent(w, normal)
        put(back, i, w[BY_Y])

    for layer in range(layers - 1, -1, -1):
        for i in range(d):
            put(w, X, inputs[layer, i])
            put(w, BY_Y, back[i])
            copy(w[RAW : RAW + PARAMETERS], raw[layer, i], 0, ROWS)
            locate(w, doubled, end)
            backward(w, doubled)
            put(back, i, w[BY_X])
            through_affine(
                second[layer, i], hidden[layer, i], by_raw, by_second[layer, i], by_second_bias[layer, i], by_hidden[i]
            )
            through_leaky_relu(hidden[layer, i], LEAK, by_hidden[i], by_first_bias[layer, i])
        flat = by_hidden.reshape(d * HIDDEN, ROWS)
        add(by_first[layer].reshape(d * HIDDEN, d), np.dot(flat, inputs[layer].T))
        add(back, np.dot(first[layer].reshape(d * HIDDEN, d).T, flat))


@compiled
def epoch(x, batch, lr, weight_decay, steps, doubled, end, normal, buffers, weights, gradients, work):
    """Adam steps on a batch's mean of -(log |det dz/dx| + log p(z)), through ``x (d, n)``; a short last is left out."""
    parameters, gradient, mean, square = buffers
    d, n = x.shape
    block, by_log = np.zeros((d, ROWS), f32), np.zeros(ROWS, f32)
    for start in range(0, n - batch + 1, batch):
        gradient[:] = ZERO
        for first in range(start, start + batch, ROWS):
            rows = min(ROWS, start + batch - first)
            copy(block, x, first, rows)
            for j in range(ROWS):
                by_log[j] = -ONE / f32(batch) if j < rows else ZERO
            add_gradient(block, by_log, doubled, end, normal, weights, gradients, work)
        for i in range(d):
            gradients[0][:, i, :, i:] = ZERO
        for i in range(gradient.size):
            gradient[i] += weight_decay * parameters[i]
        steps += 1
        adam(parameters, gradient, mean, square, f32(lr / (1 - 0.9**steps)), f32(1 / np.sqrt(1 - 0.999**steps)))


def take_steps(flat: Flat, recipe: Recipe, flow: Flow, prior: str) -> Steps:
    """Steps for flows of the shape of `flow`; `prior` is `normal` or `logistic`."""
    layers, d = flow.first.shape[:2]
    shapes = (layers + 1, d), (layers, d, HIDDEN), (layers, d, PARAMETERS), (LINES,), (d, HIDDEN), (d,)
    work = tuple(np.empty((*shape, ROWS), f32) for shape in shapes)
    decay, end = f32(recipe.weight_decay), f32(end_slope(flow.doubled))
    settings, arrays = (flow.doubled, end, prior == "normal"), (flat.buffers, flat.weights, flat.gradients, work)

    def run(drawn: Epoch, rate: float, done: int) -> None:
        epoch(drawn[0].numpy(), recipe.batch_size, rate, decay, done, *settings, *arrays)

    return run
