"""Every layer of the compiled loops, forward and backward, against PyTorch and its autograd; Adam against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numba import njit
from scmbench.datasets.seeds import generator
from scmbench.models.carefl import compiled_spline as lines
from scmbench.models.carefl.spline import PARAMETERS, Spline, end_slope
from scmbench.models.training.kernels import ROWS, adam, exp, log, sigmoid
from scmbench.models.training.layers import (
    affine,
    leaky_relu,
    residual,
    silu,
    softmax,
    softplus,
    through_affine,
    through_leaky_relu,
    through_silu,
    through_softmax,
)
from torch import Tensor
from torch.nn import functional

LEAK, SCALE = np.float32(0.2), np.float32(6)


class Layer(NamedTuple):
    """A layer as the loops have it and as PyTorch defines it."""

    shapes: tuple[tuple[int, ...], ...]
    run: Callable[..., tuple[np.ndarray, tuple[np.ndarray, ...]]]
    """From arguments and the gradient by the value to the value and the gradients by the arguments."""
    definition: Callable[..., Tensor]


def zeros(*like: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros_like(array) for array in like)


def run_affine(weight, bias, x, by_y):
    @njit
    def both(weight, bias, x, by_y, y, by_weight, by_bias, by_x):
        affine(weight, bias, x, y)
        through_affine(weight, x, by_y, by_weight, by_bias, by_x)

    y, gradients = np.empty_like(by_y), zeros(weight, bias, x)
    both(weight, bias, x, by_y, y, *gradients)
    return y, gradients


def run_silu(z, bias, by_value):
    @njit
    def both(z, bias, value, error, by_bias):
        silu(z, bias, value)
        through_silu(error, z, by_bias)

    value, by_bias = zeros(z, bias)
    both(z.copy(), bias, value, by_value, by_bias)
    return value, (by_value, by_bias)


def run_leaky_relu(leak):
    def run(z, bias, by_value):
        @njit
        def both(z, bias, error, by_bias):
            leaky_relu(z, bias, leak)
            through_leaky_relu(z, leak, error, by_bias)

        z, by_bias = z.copy(), np.zeros_like(bias)
        both(z, bias, by_value, by_bias)
        return z, (by_value, by_bias)

    return run


def run_softmax(z, by_value):
    @njit
    def both(w):
        softmax(w, 0, 5, SCALE, 5)
        through_softmax(w, 5, 5, SCALE, 10)

    w = np.concatenate([z, np.empty_like(z), by_value])
    both(w)
    return w[5:10], (w[10:],)


def run_softplus(x, by_value):
    @njit
    def both(w):
        softplus(w, 0, 1)

    w = np.stack([x, by_value])
    both(w)
    return w[0], (w[1],)


def run_residual(out, bias, by_value):
    @njit
    def both(out, bias, y, by_bias):
        return residual(out, bias, y, by_bias)

    out, by_bias = out.copy(), np.zeros_like(bias)
    total = both(out, bias, np.ones_like(out), by_bias)
    return np.float32(total / out.size), (by_value * out, by_value * by_bias)


def run_spline(doubled):
    def run(raw, x, by_values):
        @njit
        def both(w, end):
            lines.locate(w, doubled, end)
            lines.forward(w)
            lines.backward(w, doubled)

        w = np.empty((lines.LINES, ROWS), np.float32)
        w[lines.RAW : lines.RAW + PARAMETERS], w[lines.X] = raw, x
        w[lines.BY_Y], w[lines.BY_LOG] = by_values
        both(w, np.float32(end_slope(doubled)))
        by_raw = w[lines.BY_RAW : lines.BY_RAW + PARAMETERS]
        return w[lines.Y], (by_raw, w[lines.BY_X])

    return run


def spline(doubled: bool) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda raw, x: torch.stack(Spline.of(raw, doubled).forward(x))


LAYERS = {
    "affine": Layer(((3, 7), (3,), (7, ROWS)), run_affine, lambda weight, bias, x: weight @ x + bias[:, None]),
    "silu": Layer(((50, 9), (9,)), run_silu, lambda z, bias: functional.silu(z + bias)),
    "relu": Layer(((6, ROWS), (6,)), run_leaky_relu(np.float32(0)), lambda z, bias: (z + bias[:, None]).relu()),
    "leaky relu": Layer(
        ((6, ROWS), (6,)),
        run_leaky_relu(LEAK),
        lambda z, bias: functional.leaky_relu(z + bias[:, None], float(LEAK)),
    ),
    "softmax": Layer(((5, ROWS),), run_softmax, lambda z: (float(SCALE) * z).softmax(0)),
    "softplus": Layer(((ROWS,),), run_softplus, functional.softplus),
    "squared error": Layer(((50, 2), (2,)), run_residual, lambda out, bias: (out + bias - 1).square().mean()),
    "spline": Layer(((PARAMETERS, ROWS), (ROWS,)), run_spline(False), spline(False)),
    "doubled spline": Layer(((PARAMETERS, ROWS), (ROWS,)), run_spline(True), spline(True)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients_are_those_of_pytorch(name):
    layer, stream = LAYERS[name], generator(0, name)
    arguments = [(2 * torch.randn(shape, generator=stream)).requires_grad_() for shape in layer.shapes]
    wanted = layer.definition(*arguments)
    by_value = torch.randn(wanted.shape, generator=stream)
    gradients = torch.autograd.grad(wanted, arguments, by_value)
    value, found = layer.run(*(a.detach().numpy() for a in arguments), by_value.numpy().copy())
    # The loops never compute the logarithm of a spline's slope: training needs no more than its gradient.
    np.testing.assert_allclose(value, (wanted[0] if "spline" in name else wanted).detach(), rtol=1e-5, atol=2e-6)
    assert len(found) == len(gradients)
    for ours, theirs in zip(found, gradients, strict=True):
        scale = float(theirs.abs().max())
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)


def test_elementary_functions_are_right_to_rounding():
    @njit
    def all_three(x, out):
        for i in range(x.size):
            out[0, i], out[1, i], out[2, i] = exp(x[i]), log(abs(x[i]) + np.float32(1e-3)), sigmoid(x[i])

    x = np.linspace(-15, 15, 4001, dtype=np.float32)
    out = np.empty((3, x.size), np.float32)
    all_three(x, out)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(out[0], np.exp(exact), rtol=3e-7)
    np.testing.assert_allclose(out[1], np.log(np.abs(x) + np.float32(1e-3), dtype=np.float64), rtol=3e-7, atol=2e-7)
    np.testing.assert_allclose(out[2], 1 / (1 + np.exp(-exact)), rtol=0, atol=2e-7)


def test_adam_is_pytorchs():
    @njit
    def step(parameters, gradient, mean, square, lr, t):
        rate, root = np.float32(lr / (1 - 0.9**t)), np.float32(1 / np.sqrt(1 - 0.999**t))
        adam(parameters, gradient, mean, square, rate, root)

    theirs = torch.randn(100, generator=generator(0)).requires_grad_()
    ours, state = theirs.detach().numpy().copy(), [np.zeros(100, np.float32) for _ in range(2)]
    optimizer = torch.optim.Adam([theirs], lr=1e-2)
    for t in range(1, 21):
        gradient = torch.randn(100, generator=generator(t))
        theirs.grad = gradient
        optimizer.step()
        step(ours, gradient.numpy(), *state, 1e-2, t)
    np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-5, atol=1e-6)
