"""Skill: a score between knowing nothing (0) and knowing the world (1), with the interval of both ends in it.

With x the score of a method, o that of the ceiling and f that of the floor, means over seeds,

    skill = (f - x) / (f - o):

1 is the ceiling's score, 0 the floor's, and below 0 a method is worse than knowing nothing. The ceiling is `posterior`
for counterfactuals where it has scores (what the factual row allows), else `oracle`; the floor is the better of those
of `FLOORS` that the run has, by their means. Scores of which higher is better are turned around first, which cancels.

Ceiling and floor are sampled too: an oracle's MMD is what two samples of one world differ by, not zero. With gain
``g_s = f_s - x_s`` and gap ``d_s = f_s - o_s`` of seed s, skill is a ratio of two means of paired numbers, whose 95 %
interval is Fieller's (Some problems in interval estimation, JRSS B 1954): every ρ at which Student's t does not tell
the mean of ``g_s - ρ d_s`` from 0. So the interval holds 1 exactly where the method's scores are not told from the
ceiling's, 0 where they are not told from the floor's, and it needs no error of either end subtracted by hand.

It is not defined where the gap is not surely above 0 (Fieller's set is then unbounded): where the floor is as good as
the ceiling, there is nothing between them to measure by. So it is at the observational rung for a run that has
`resample`, since replayed rows of the world are samples of the world. Skills above 1 are kept: a method may, by chance
or in another unit than the posterior mean's, score below its ceiling.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .cells import CELL, Method, Question, named, text_columns
from .intervals import LEVEL, Estimate
from .methods import title
from .paired import FEW, LEAST

FLOORS = ("marginal", "identity", "resample")
"""Names of the trivial methods that a skill of 0 stands for."""

UNDEFINED, OK = "undefined", "ok"

PARTS = [*CELL, "seed", "ceiling", "floor", "gain", "gap"]
SKILLS = [*CELL, "ceiling", "floor", "skill", "low", "high", "n", "state"]

COUNTERFACTUAL = "counterfactual"


def skills(
    scores: pd.DataFrame,
    provenance: pd.DataFrame | None = None,
    *,
    higher: Collection[Question] = (),
    floors: Sequence[str] = FLOORS,
) -> pd.DataFrame:
    """The skill of every cell with a ceiling and a floor, floors and ceilings among them.

    `scores` are of `seed_scores`; `provenance` tells ceilings and floors by the registry's names (by labels where it is
    missing); `higher` are the questions of which higher scores are better. Seeds at which method, ceiling or floor have
    no finite score do not count.

    Returns:
        Columns `SKILLS`: ``CELL``, the labels of `ceiling` and `floor`, `skill` with its 95 % interval `low, high`, `n`
        seeds, and `state`. That is ``undefined`` where the floor is not surely worse than the ceiling (no numbers
        then), ``too few seeds`` below five (numbers, and nothing to be concluded from them), else ``ok``.
    """
    lines = []
    for key, group in parts(scores, provenance, higher=higher, floors=floors).groupby(CELL, sort=False):
        gain, gap = group["gain"].to_numpy(dtype=float), group["gap"].to_numpy(dtype=float)
        value, low, high = fieller(gain, gap) if defined(gap) else (math.nan,) * 3
        state = UNDEFINED if math.isnan(value) else OK if len(gap) >= LEAST else FEW
        lines.append([*key, group["ceiling"].iloc[0], group["floor"].iloc[0], value, low, high, len(gap), state])
    return pd.DataFrame(lines, columns=SKILLS)


def parts(
    scores: pd.DataFrame,
    provenance: pd.DataFrame | None = None,
    *,
    higher: Collection[Question] = (),
    floors: Sequence[str] = FLOORS,
) -> pd.DataFrame:
    """What skills are made of, a line a cell and seed: columns `PARTS`, ``gain = f - x`` and ``gap = f - o``.

    Questions without a ceiling or a floor are left out.
    """
    ceilings = {name: named(provenance, name) for name in ("oracle", "posterior")}
    bottoms = set().union(*(named(provenance, name) for name in floors))
    lines = []
    for question, tables in by_question(scores).items():
        _, query, metric = question
        sign = -1.0 if (query, metric) in higher else 1.0
        wanted = ("posterior", "oracle") if query == COUNTERFACTUAL else ("oracle",)
        top = next((m for name in wanted for m in tables if m in ceilings[name]), None)
        below = [m for m in tables if m in bottoms]
        if top is None or not below:
            continue
        # Of floors with as many seeds as any: one that was run at a single lucky seed is no measure.
        most = max(len(tables[m]) for m in below)
        means = {m: sign * float(np.mean(list(tables[m].values()))) for m in below if len(tables[m]) == most}
        bottom = min(means, key=means.__getitem__)
        names = (title(*top), title(*bottom))
        for method, own in tables.items():
            for seed, x in own.items():
                if seed in tables[top] and seed in tables[bottom]:
                    f = tables[bottom][seed]
                    lines.append([*question, *method, seed, *names, sign * (f - x), sign * (f - tables[top][seed])])
    return pd.DataFrame(lines, columns=PARTS)


def by_question(scores: pd.DataFrame) -> dict[tuple[str, str, str], dict[Method, dict[int, float]]]:
    """Finite scores by question, method and seed, in the order of `scores`."""
    finite = text_columns(scores[np.isfinite(scores["score"].to_numpy(dtype=float))], CELL)
    found: dict[tuple[str, str, str], dict[Method, dict[int, float]]] = {}
    for *question, model, variant, seed, x in zip(*(finite[c] for c in [*CELL, "seed", "score"]), strict=True):
        found.setdefault(tuple(question), {}).setdefault((model, variant), {})[int(seed)] = float(x)
    return found


def defined(gap: NDArray) -> bool:
    """Whether a skill can be measured by gaps ``(n,)`` of floor and ceiling: their mean is (from five on, surely) above
    0, and above what rounding leaves of them.
    """
    mean = Estimate.of_mean(gap)
    if not mean.value > 1e-12:
        return False
    return len(gap) < LEAST or mean.interval()[0] > 0


def fieller(gain: NDArray, gap: NDArray) -> tuple[float, float, float]:
    """``mean(gain) / mean(gap)`` of paired ``(n,)`` numbers and its 95 % interval.

    With means a, b, their variances and covariance V_a, V_b, C (of means), and t the quantile of n - 1 degrees of
    freedom, the ends are the roots of ``(b² - t² V_b) ρ² - 2 (a b - t² C) ρ + a² - t² V_a = 0``. They are ``(-∞, ∞)``
    for a single seed, and where b is not told from 0.

    >>> value, low, high = fieller(np.array([10.0, 11.0, 12.0]) / 2, np.array([10.0, 11.0, 12.0]))
    >>> round(value, 3), round(low, 3), round(high, 3)
    (0.5, 0.5, 0.5)
    """
    n, a, b = len(gap), float(gain.mean()), float(gap.mean())
    value = a / b
    if n < 2:
        return value, -math.inf, math.inf
    # Deviations from ρ b alone: where gain and gap are proportional, these vanish and so does the width.
    t2 = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) ** 2 / n
    rest = gain - value * gap  # g - ρ d at the estimate, whose mean is 0
    v_rest, v_b = float(rest.var(ddof=1)), float(gap.var(ddof=1))
    c = float(np.cov(rest, gap, ddof=1)[0, 1])
    lead = b * b - t2 * v_b
    if lead <= 0:
        return value, -math.inf, math.inf
    # The same quadratic in δ = ρ - a / b: lead δ² + 2 t² c δ - t² v_rest = 0.
    half = math.sqrt(max(t2 * t2 * c * c + lead * t2 * v_rest, 0.0))
    return value, value + (-t2 * c - half) / lead, value + (-t2 * c + half) / lead
