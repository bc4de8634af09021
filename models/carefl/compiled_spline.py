"""Rational-quadratic splines in a compiled loop, `ROWS` points at a time: `spline.Spline`, and its gradient.

The splines of one dimension are computed in one array of lines of `ROWS` numbers. Which line holds what is known at
compile time, so that the compiler can tell lines apart and turns every loop into vector instructions.
"""

from __future__ import annotations

from ..training.kernels import HALF, ONE, ROWS, TWO, ZERO, copy, f32, inlined
from ..training.layers import softmax, softplus, through_softmax
from .spline import BINS, BOUND, MINIMUM, PARAMETERS

LEAST, FREE, SIDE = f32(MINIMUM), f32(1 - BINS * MINIMUM), f32(2 * BOUND)

RAW, ONCE, SHARE, BY_RAW = 0, 14, 24, 34
X, Y, BIN, T, LEFT, WIDTH, BOTTOM, HEIGHT = range(48, 56)
SLOPES, RATES, BY_SLOPES, BY_CORNER, BY_SIZE = range(56, 66, 2)
BY_Y, BY_LOG, BY_X = range(66, 69)
LINES = 69
"""The 14 numbers of a spline, both softmaxes of its widths and heights, gradients by the 14 numbers, single lines.

`T` is the position of a point in units of the box's side; slopes have a line for either end of the bin, and gradients
by its corner and size a line for either axis.
"""


@inlined
def locate(w, doubled, end):
    """Find the bins of the points `X`: lower left corners, sizes, slopes at both ends and their derivatives."""
    for axis in (0, BINS):
        softmax(w, RAW + axis, BINS, ONE, ONCE + axis)
        if doubled:
            softmax(w, ONCE + axis, BINS, SIDE, SHARE + axis)
    if not doubled:
        copy(w[SHARE : SHARE + 2 * BINS], w[ONCE : ONCE + 2 * BINS], 0, ROWS)
    for j in range(ROWS):
        t = min(max(w[X, j] / SIDE + HALF, ZERO), ONE)
        knot, rise, index, left, bottom = ZERO, ZERO, ZERO, ZERO, ZERO
        wide, high = LEAST + FREE * w[SHARE, j], LEAST + FREE * w[SHARE + BINS, j]
        width, height, slope0, slope1 = wide, high, end, w[RAW + 2 * BINS, j]
        for k in range(1, BINS):
            knot, rise = knot + wide, rise + high
            wide = LEAST + FREE * w[SHARE + k, j]
            high = LEAST + FREE * w[SHARE + BINS + k, j]
            before = w[RAW + 2 * BINS + k - 1, j]
            after = w[RAW + min(2 * BINS + k, PARAMETERS - 1), j]
            passed = t >= knot
            index = f32(k) if passed else index
            left, width = knot if passed else left, wide if passed else width
            bottom, height = rise if passed else bottom, high if passed else height
            slope0, slope1 = before if passed else slope0, after if passed else slope1
        w[T, j], w[BIN, j], w[LEFT, j], w[WIDTH, j], w[BOTTOM, j], w[HEIGHT, j] = t, index, left, width, bottom, height
        w[SLOPES, j], w[SLOPES + 1, j] = slope0, end if index == f32(BINS - 1) else slope1
        w[RATES, j], w[RATES + 1, j] = ONE, ONE
    for side in (0, 1):
        softplus(w, SLOPES + side, RATES + side)
        if doubled:
            softplus(w, SLOPES + side, RATES + side)
        for j in range(ROWS):
            w[SLOPES + side, j] += LEAST


@inlined
def forward(w):
    """The splines' values `Y` at `X`."""
    for j in range(ROWS):
        x, d0, d1 = w[X, j], w[SLOPES, j], w[SLOPES + 1, j]
        xi, s = (w[T, j] - w[LEFT, j]) / w[WIDTH, j], w[HEIGHT, j] / w[WIDTH, j]
        a = xi * (ONE - xi)
        q = (s * xi * xi + d0 * a) / (s + (d0 + d1 - TWO * s) * a)
        y = (w[BOTTOM, j] + w[HEIGHT, j] * q - HALF) * SIDE
        w[Y, j] = y if abs(x) <= f32(BOUND) else x


@inlined
def backward(w, doubled):
    """From gradients by values and logarithms of slopes to those by the points `BY_X` and the numbers `BY_RAW`.

    With s = height/width and a = ξ(1 - ξ), the value is bottom + height q, where q = (s ξ² + d0 a)/r and
    r = s + (d0 + d1 - 2 s) a, and the logarithm of the slope is log(s² m/r²), where m = d1 ξ² + 2 s a + d0 (1 - ξ)².
    """
    for j in range(ROWS):
        width, height, d0, d1 = w[WIDTH, j], w[HEIGHT, j], w[SLOPES, j], w[SLOPES + 1, j]
        xi, s = (w[T, j] - w[LEFT, j]) / width, height / width
        a, lean = xi * (ONE - xi), ONE - TWO * xi
        square, rest, both = xi * xi, (ONE - xi) * (ONE - xi), ONE - TWO * a
        curve = d0 + d1 - TWO * s
        r = ONE / (s + curve * a)
        q = (s * square + d0 * a) * r
        m = d1 * square + TWO * s * a + d0 * rest
        inside = ONE if abs(w[X, j]) <= f32(BOUND) else ZERO
        by_y = w[BY_Y, j]
        up, log_s = inside * SIDE * by_y, inside * w[BY_LOG, j]
        up_r, log_m, log_r = up * height * r, log_s / m, TWO * log_s * r

        by_xi = up_r * r * s * m + log_m * TWO * (d1 * xi + s * lean - d0 * (ONE - xi)) - log_r * curve * lean
        by_s = up_r * (square - q * both) + log_m * TWO * a - log_r * both + TWO * log_s / s
        by_t, by_s = by_xi / width, by_s / width
        w[BY_X, j] = by_t / SIDE + (ONE - inside) * by_y
        w[BY_CORNER, j], w[BY_CORNER + 1, j] = -by_t, up
        w[BY_SIZE, j], w[BY_SIZE + 1, j] = -(by_s * s + by_t * xi), up * q + by_s
        w[BY_SLOPES, j] = (up_r * a * (ONE - q) + log_m * rest - log_r * a) * w[RATES, j]
        w[BY_SLOPES + 1, j] = (log_m * square - up_r * a * q - log_r * a) * w[RATES + 1, j]
    for axis in range(2):
        lines = axis * BINS
        for k in range(BINS):
            for j in range(ROWS):
                index, by_corner, by_size = w[BIN, j], w[BY_CORNER + axis, j], w[BY_SIZE + axis, j]
                at = by_size if index == f32(k) else ZERO
                w[BY_RAW + lines + k, j] = FREE * (by_corner if index > f32(k) else at)
        if doubled:
            through_softmax(w, SHARE + lines, BINS, SIDE, BY_RAW + lines)
        through_softmax(w, ONCE + lines, BINS, ONE, BY_RAW + lines)
    for k in range(BINS - 1):
        for j in range(ROWS):
            index, by_left, by_right = w[BIN, j], w[BY_SLOPES, j], w[BY_SLOPES + 1, j]
            at = by_right if index == f32(k) else ZERO
            w[BY_RAW + 2 * BINS + k, j] = by_left if index == f32(k + 1) else at
