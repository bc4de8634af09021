"""Layers of compiled loops, each forward and, beside it, backward: ``through_x`` takes gradients back through ``x``.

Two layouts. A perceptron's activations are ``(rows, features)``, any number of rows. Networks of a whole graph go
through blocks ``(features, ROWS)``: a feature is a line of contiguous numbers. Every layer and its gradient is held to
PyTorch's by one test (tests/models/training/test_layers.py).
"""

from __future__ import annotations

import numpy as np

from .kernels import ONE, ROWS, ZERO, add, exp, f32, inlined, log, sigmoid


@inlined
def silu(z, bias, value):
    """``value = silu(z + bias)``, all ``(rows, features)``; its derivative replaces ``z``."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            a = z[i, j] + bias[j]
            s = sigmoid(a)
            h = a * s
            value[i, j] = h
            z[i, j] = s + h * (f32(1) - s)


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
def affine(weight, bias, x, y):
    """``y = weight x + bias``, with ``weight (out, in)``, ``x (in, ROWS)``."""
    np.dot(weight, x, y)
    for i in range(y.shape[0]):
        for j in range(ROWS):
            y[i, j] += bias[i]


@inlined
def through_affine(weight, x, by_y, by_weight, by_bias, by_x):
    """Add the gradients by weight and bias; ``by_x`` becomes that by the argument."""
    add(by_weight, np.dot(by_y, x.T))
    for i in range(by_y.shape[0]):
        by_bias[i] += by_y[i].sum()
    np.dot(weight.T, by_y, by_x)


@inlined
def leaky_relu(z, bias, leak):
    """``z`` becomes max(z + bias, leak (z + bias)), for 0 <= leak < 1; with 0 it is the ReLU."""
    for i in range(z.shape[0]):
        for j in range(ROWS):
            a = z[i, j] + bias[i]
            z[i, j] = max(a, leak * a)


@inlined
def through_leaky_relu(value, leak, error, by_bias):
    """``error``, the gradient by ``value``, becomes that by the argument; add that by the bias."""
    for i in range(error.shape[0]):
        total = ZERO
        for j in range(ROWS):
            e = error[i, j] * (ONE if value[i, j] > ZERO else leak)
            error[i, j] = e
            total += e
        by_bias[i] += total


@inlined
def softmax(w, at, count, scale, out):
    """The ``count`` lines from ``out`` on become softmax(scale z), where z are those from ``at`` on."""
    for j in range(ROWS):
        top = w[at, j]
        for k in range(1, count):
            top = max(top, w[at + k, j])
        total = ZERO
        for k in range(count):
            e = exp(scale * (w[at + k, j] - top))
            w[out + k, j] = e
            total += e
        for k in range(count):
            w[out + k, j] /= total


@inlined
def through_softmax(w, share, count, scale, by):
    """The lines ``by``, gradients by the softmax's value ``share``, become gradients by its argument z."""
    for j in range(ROWS):
        mean = ZERO
        for k in range(count):
            mean += w[share + k, j] * w[by + k, j]
        for k in range(count):
            w[by + k, j] = scale * w[share + k, j] * (w[by + k, j] - mean)


@inlined
def softplus(w, at, rate):
    """The line ``at`` becomes log(1 + e^x); the line ``rate`` is multiplied by the derivative, 1/(1 + e^-x)."""
    for j in range(ROWS):
        x = w[at, j]
        e = exp(-abs(x))
        w[at, j] = max(x, ZERO) + log(ONE + e)
        w[rate, j] *= (ONE if x > ZERO else e) / (ONE + e)
