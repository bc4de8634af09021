"""Intervals that are honest at small n: Student's t for one sample, Welch's for two estimates.

Bootstrapped quantiles of a median are not: of two methods that are equal they call 52 % different at 2 seeds and 26 %
at 3, because a resample of two or three numbers hardly leaves them. Student's t pays for an unknown spread with longer
tails: 12.7 standard errors at 2 seeds, 2.8 at 5. `tests/benchmarks/judging/test_null.py` counts how often each mark
appears where nothing differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95

MEDIAN = 1.2533
"""√(π/2): a sample median's standard error over that of the mean, under normal noise."""

IQR = 1.349
"""A normal distribution's interquartile range, in standard deviations."""


def log(x: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithm with log(x) = -∞ for every x <= 0."""
    x = np.asarray(x, dtype=float)
    return np.log(x, out=np.full(x.shape, -np.inf), where=x > 0)


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and the degrees of freedom of that error."""

    value: float
    se: float
    freedom: float

    @classmethod
    def of_mean(cls, x: NDArray) -> Self:
        """Mean of ``(n,)`` and s / √n; no spread is known of a single number, whose error is infinite."""
        n = len(x)
        return cls(float(x.mean()), float(x.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf, max(n - 1, 1))

    @classmethod
    def of_median(cls, x: NDArray) -> Self:
        """Median of ``(n,)`` and 1.2533 s / √n."""
        mean = cls.of_mean(x)
        return cls(float(np.median(x)), MEDIAN * mean.se, mean.freedom)

    def interval(self) -> tuple[float, float]:
        """``value ± t · se``."""
        return self - Estimate(0.0, 0.0, 1.0)

    def __sub__(self, other: Estimate) -> tuple[float, float]:
        """The interval of the difference of two independent estimates, with Welch and Satterthwaite's degrees of
        freedom (Welch, The generalization of "Student's" problem, Biometrika 1947).
        """
        d, variance = self.value - other.value, self.se**2 + other.se**2
        if variance == 0:
            return d, d
        if math.isinf(variance):
            return -math.inf, math.inf
        freedom = variance**2 / (self.se**4 / self.freedom + other.se**4 / other.freedom)
        half = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(variance)
        return d - half, d + half


def mean_test(d: NDArray) -> tuple[float, float, float, float]:
    """``(mean, low, high, p)`` of ``d (n,)``: Student's t interval of its mean, and the two-sided p-value of mean 0.

    Where a difference is infinite (a score of exactly 0 has no logarithm) there is no mean: the median stands for it,
    with its interval from order statistics and the sign test, which need no more than ranks and leave out 0 from six
    differences of one sign on. One difference has no interval.
    """
    n = len(d)
    if not np.isfinite(d).all():
        low, high = _order_interval(d)
        signs = d[d != 0]
        p = float(stats.binomtest(int((signs < 0).sum()), len(signs)).pvalue) if len(signs) else 1.0
        return float(_median(d)), low, high, p
    mean = Estimate.of_mean(d)
    low, high = mean.interval()
    if n < 2:
        return mean.value, low, high, math.nan
    if mean.se == 0:
        return mean.value, low, high, float(mean.value == 0)
    return mean.value, low, high, float(2 * stats.t.sf(abs(mean.value) / mean.se, n - 1))


def _median(d: NDArray) -> float:
    """np.median, but 0 (neither side) where the two middle values are -∞ and ∞."""
    low, high = np.sort(d)[[(len(d) - 1) // 2, len(d) // 2]]
    return low if low == high else 0.0 if np.isinf(low) and np.isinf(high) else (low + high) / 2


def _order_interval(d: NDArray) -> tuple[float, float]:
    """The narrowest pair of order statistics that holds the median with `LEVEL`; the whole line below six numbers."""
    n, k = len(d), int(stats.binom.ppf((1 - LEVEL) / 2, len(d), 0.5))
    if k < 1:
        return -math.inf, math.inf
    ordered = np.sort(d)
    return float(ordered[k - 1]), float(ordered[n - k])
