"""Does a cell come out as published? The rule and its interval, for one cell.

**By ratio.** With our scores of n seeds and a published box (q1, m', q3 of n' runs), r = log(our median / m'). Its 95 %
interval is Welch's, from two standard errors of a median under normal noise: of ours 1.2533 s / √n, s the standard
deviation of our logarithms, with n - 1 degrees of freedom; of theirs 1.2533 (log q3 - log q1) / (1.349 √n'), with
n' - 1. Against a published mean and sd: the same on means, with the standard errors s / (mean √n) and
sd / (mean √n'). In this order:

* **undecided**: fewer than three seeds of ours
* **reproduced**: the interval contains 0, and |r| <= log 1.5
* **undecided**: it contains 0, and its half-width exceeds log 2
* **close**: |r| <= log 2 (a small difference that is sure, or one beyond a factor 1.5 that is not)
* **better** or **worse**: otherwise, by the sign of r

**By difference.** A number at the noise floor has no ratio to speak of: a divergence of 0.001 ± 0.001, an unbiased
distance around 0. A published cell is *at the floor* where it is no larger than the `tolerance` that its file gives the
query, or cannot be told from 0 by its own runs: a mean with mean <= t sd / √n' (t the 97.5 % quantile of Student's
distribution), a box with q1 <= 0. Then, as where our own median is not positive, d = ours - theirs is judged, with
Welch's interval of d on plain scores, and w = the tolerance, or else their standard deviation (of a box (q3 - q1) /
1.349):

* **undecided**: fewer than three seeds of ours
* **at the floor**: theirs is at the floor, and |d| <= w
* **undecided**: the interval contains 0
* **better** or **worse**: otherwise, by the sign of d

Lower is better, unless the published file says that higher is. A cell without both numbers says what it lacks: *no
published number*, *not run*, *failed*, *unsupported*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from .intervals import IQR, LEVEL, MEDIAN, Estimate

MEANING = {
    "reproduced": "the interval of the ratio contains 1, and the ratio is within a factor 1.5",
    "at the floor": "the published number cannot be told from zero, and ours is as near to zero",
    "close": "within a factor 2: a small difference that is sure, or one beyond 1.5 that is not",
    "undecided": "too few seeds (below three) or too wide an interval to say",
    "better": "further away, on the better side",
    "worse": "further away, on the worse side",
}
"""Words of the rule, each in a sentence."""

JUDGED = list(MEANING)
LEAST = 3
"""Seeds below which a cell is undecided: two numbers have a spread that is off by a factor of ten either way."""


def spread(theirs: Mapping[str, Any]) -> float:
    """Standard deviation of published runs: as given, or (q3 - q1) / 1.349."""
    return float(theirs["sd"] if theirs["form"] == "moments" else (theirs["q3"] - theirs["q1"]) / IQR)


def standard_error(theirs: Mapping[str, Any]) -> float:
    """Standard error of the logarithm of a published median, or mean, from its quartiles, or sd, and n.

    Where the first quartile is not positive, (q3 - q1) / median stands for log q3 - log q1.
    """
    root = math.sqrt(theirs["n"])
    if theirs["form"] == "moments":
        return theirs["sd"] / (theirs["mean"] * root)
    width = (theirs["q3"] - theirs["q1"]) / theirs["median"]
    if theirs["q1"] > 0:
        width = math.log(theirs["q3"] / theirs["q1"])
    return MEDIAN * width / IQR / root


def at_floor(theirs: Mapping[str, Any]) -> bool:
    """Whether a published cell is at the noise floor: see this module's first lines."""
    moments = theirs["form"] == "moments"
    value = theirs["mean" if moments else "median"]
    if theirs.get("tolerance", math.nan) >= value:  # false without one
        return True
    if not moments:
        return theirs["q1"] <= 0
    t = float(stats.t.ppf((1 + LEVEL) / 2, theirs["n"] - 1))
    return value <= t * theirs["sd"] / math.sqrt(theirs["n"])


def interval(scores: ArrayLike, theirs: Mapping[str, Any]) -> tuple[float, float, float]:
    """``(r, low, high)``: the log-ratio of ours to theirs and its 95 % interval (this module's first lines).

    `theirs` is a row of `Published.cells`: ``form, n`` and ``q1, median, q3`` or ``mean, sd``. With one score the
    interval is the whole line. Where a score of ours is not positive, the standard deviation over the median stands for
    that of the logarithms. Raises `ValueError` where one of the two numbers is not positive: `difference` takes these.
    """
    x = np.asarray(scores, dtype=float)
    moments = theirs["form"] == "moments"
    word, centre, own = ("mean", theirs["mean"], x.mean()) if moments else ("median", theirs["median"], np.median(x))
    for whose, number in (("published", centre), ("own", own)):
        if not number > 0:
            raise ValueError(f"the {whose} {word} {number} is not positive: it has no ratio")
    logs = x / own if moments or x.min() <= 0 else np.log(x)
    error = Estimate.of_mean(logs) if moments else Estimate.of_median(logs)
    r = float(np.log(own) - math.log(centre))
    low, high = Estimate(r, error.se, error.freedom) - Estimate(0.0, standard_error(theirs), theirs["n"] - 1)
    return r, low, high


def difference(scores: ArrayLike, theirs: Mapping[str, Any]) -> tuple[float, float, float]:
    """``(d, low, high)``: ours minus theirs, of medians or means, and its 95 % interval (Welch's, on plain scores)."""
    x = np.asarray(scores, dtype=float)
    se = spread(theirs) / math.sqrt(theirs["n"])
    if theirs["form"] == "moments":
        ours, published = Estimate.of_mean(x), Estimate(theirs["mean"], se, theirs["n"] - 1)
    else:
        ours, published = Estimate.of_median(x), Estimate(theirs["median"], MEDIAN * se, theirs["n"] - 1)
    return ours.value - published.value, *(ours - published)


def judge(r: float, low: float, high: float, *, seeds: int = LEAST, higher_is_better: bool = False) -> str:
    """The rule's word for a log-ratio and its interval."""
    covers = low <= 0 <= high
    if seeds < LEAST:
        return "undecided"
    if covers and abs(r) <= math.log(1.5):
        return "reproduced"
    if covers and (high - low) / 2 > math.log(2):
        return "undecided"
    if abs(r) <= math.log(2):
        return "close"
    return "better" if (r > 0) == higher_is_better else "worse"


def judge_difference(
    d: float, low: float, high: float, width: float | None, *, seeds: int = LEAST, higher_is_better: bool = False
) -> str:
    """The rule's word for a difference and its interval; `width` is w, None where theirs is not at the floor."""
    if seeds < LEAST:
        return "undecided"
    if width is not None and abs(d) <= width:
        return "at the floor"
    if low <= 0 <= high:
        return "undecided"
    return "better" if (d > 0) == higher_is_better else "worse"


def why(line: Mapping[Any, Any]) -> str:
    """What makes a line's verdict, in words: the factor, and what the interval says of it.

    >>> why({"n": 10, "difference": math.nan, "log_ratio": math.log(0.955), "low": math.log(0.92), "high": -0.01})
    'factor 0.955, surely below 1'
    >>> why({"n": 10, "difference": math.nan, "log_ratio": math.log(1.49), "low": -0.2, "high": 0.8})
    'factor 1.49, not told from 1'
    """
    if 0 < line["n"] < LEAST:
        return f"{line['n']} {'seed' if line['n'] == 1 else 'seeds'}, fewer than {LEAST}"
    if not math.isnan(line["difference"]):
        d, width = line["difference"], line["width"]
        told = "not told from 0" if line["difference_low"] <= 0 <= line["difference_high"] else "surely not 0"
        beside = "" if math.isnan(width) else f", {'within' if abs(d) <= width else 'beyond'} ±{width:.3g}"
        return f"difference {d:+.3g}{beside}, {told}"
    if math.isnan(line["log_ratio"]):
        return ""
    covers = line["low"] <= 0 <= line["high"]
    told = "not told from 1" if covers else "surely below 1" if line["high"] < 0 else "surely above 1"
    wide = ", interval wider than a factor 2 either way" if (line["high"] - line["low"]) / 2 > math.log(2) else ""
    return f"factor {math.exp(line['log_ratio']):.3g}, {told}{wide if covers else ''}"
