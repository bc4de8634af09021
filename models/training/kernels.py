"""What compiled loops are made of: the compiler's options, elementary functions that vectorise, Adam, moves in place.

`layers.py` builds on it; a method has its own loop in a file ``compiled.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .cache import keep

f32, i32 = np.float32, np.int32
ZERO, HALF, ONE, TWO = f32(0), f32(0.5), f32(1), f32(2)

ROWS = 128
"""Rows of a block, where features come first and rows last: ``(features, ROWS)``. What a block needs stays in cache."""

BETA1, BETA2, EPSILON = f32(0.9), f32(0.999), f32(1e-8)

# Without `nnan` and `ninf`: a diverging network has to show its NaN.
_OPTIONS: Any = {"nogil": True, "error_model": "numpy"}
_OPTIONS["fastmath"] = {"contract", "reassoc", "arcp", "afn", "nsz"}


def compiled(function: Any) -> Any:
    """Decorator of what Python calls: compiled when first called, and kept on disk (`cache.keep`)."""
    return keep(njit(**_OPTIONS)(function))


inlined = njit(**_OPTIONS, forceinline=True)
"""Decorator of what compiled functions call.

Left as a function, it exists twice in the process that compiles, once optimised alone and once together with its
caller, and once in those that find it in the cache. They round differently, so that the first run after an
installation would not repeat.
"""


@inlined
def exp(x):
    """e^x to 1.2e-7, for |x| < 87: 2^n times a polynomial (Moshier, Cephes Mathematical Library, expf)."""
    x = min(max(x, f32(-87)), f32(87))
    n = np.floor(x * f32(1.44269504088896341) + HALF)
    r = x - n * f32(0.693359375) - n * f32(-2.12194440e-4)
    p = r * f32(1.9875691500e-4) + f32(1.3981999507e-3)
    p = r * p + f32(8.3334519073e-3)
    p = r * p + f32(4.1665795894e-2)
    p = r * p + f32(1.6666665459e-1)
    p = r * p + f32(5.0000001201e-1)
    return (p * r * r + r + ONE) * i32((i32(n) + i32(127)) << i32(23)).view(f32)


@inlined
def log(x):
    """log x to 1.2e-7, for normal positive x: exponent plus a polynomial of the mantissa (Moshier, Cephes, logf)."""
    bits = f32(x).view(i32)
    e = (bits - i32(0x3F3504F3)) >> i32(23)
    m = i32(bits - (e << i32(23))).view(f32) - ONE
    p = m * f32(7.0376836292e-2) + f32(-1.1514610310e-1)
    p = m * p + f32(1.1676998740e-1)
    p = m * p + f32(-1.2420140846e-1)
    p = m * p + f32(1.4249322787e-1)
    p = m * p + f32(-1.6668057665e-1)
    p = m * p + f32(2.0000714765e-1)
    p = m * p + f32(-2.4999993993e-1)
    p = m * p + f32(3.3333331174e-1)
    n = f32(e)
    return m + (m * m * m * p + n * f32(-2.12194440e-4) - HALF * m * m) + n * f32(0.693359375)


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
def adam(parameters, gradients, mean, square, rate, root):
    """Kingma, Ba, "Adam", 2015, Algorithm 1, with both bias corrections in `rate` and `root`."""
    for i in range(parameters.size):
        g = gradients[i]
        m = mean[i] + (f32(1) - BETA1) * (g - mean[i])
        v = BETA2 * square[i] + (f32(1) - BETA2) * g * g
        mean[i] = m
        square[i] = v
        parameters[i] -= rate * m / (np.sqrt(v) * root + EPSILON)


@inlined
def add(into, part):
    """``into += part`` for matrices. numba's own takes seconds to compile, most of them for its error message."""
    for i in range(into.shape[0]):
        for j in range(into.shape[1]):
            into[i, j] += part[i, j]


@inlined
def copy(into, part, first, count):
    """The columns ``into[:, :count]`` become ``part[:, first : first + count]``."""
    for i in range(into.shape[0]):
        for j in range(count):
            into[i, j] = part[i, first + j]


@inlined
def put(into, i, line):
    """Row `i` of a matrix becomes `line`."""
    for j in range(line.size):
        into[i, j] = line[j]


@inlined
def transpose(a, b):
    """``b = a.T``."""
    for j in range(a.shape[1]):
        for i in range(a.shape[0]):
            b[j, i] = a[i, j]
