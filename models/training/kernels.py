"""Small parts of compiled loops: exponential and logarithm as plain arithmetic, which vectorises, and sums in place.

numba keeps a compiled loop on disk until the file it stands in changes, and does not look at what it calls elsewhere:
after a change here, touch the files that import from here.
"""

from __future__ import annotations

import numpy as np

from .compiled import inlined

f32, i32 = np.float32, np.int32
HALF, ONE = f32(0.5), f32(1)


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
