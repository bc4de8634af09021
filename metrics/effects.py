"""Is an effect right: its mean, its sign row by row, the order of rows by it?

A distance between samples may be small although the effect of an intervention is missed, where the effect is small
beside the spread of the data; and a counterfactual error does not say whether the decision that rests on it would be
the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""

ROUNDING = 1e-9
"""An effect that is smaller than this, in standard deviations of its column, is none: what rounding leaves of zero."""


def mean_effect(truth: Tensor, answer: Tensor) -> Tensor:
    """Error of the mean effect of each of g interventions, against the mean of all: ``(g, n, d), (g, m, d) -> (g,)``.

    With ``x̄_g`` the column means of group g, ``x̄`` their mean over groups, and ``sd`` the standard deviation of a
    column over all rows of the truth,

        mean over columns of | (ȳ_g − ȳ) − (x̄_g − x̄) | / sd :

    a response curve that is wrong by the same shift everywhere has all of its effects right. Columns that never vary in
    the truth have no unit and are left out. Both sides are drawn: the truth itself scores about
    ``√(4 (1 − 1/g) / (π n))`` where the intervention does little. Print the oracle beside it.

    Args:
        truth: Rows of the world under g ≥ 2 values of one intervention, ``(g, n, d)``, float64.
        answer: Rows of the model under the same, ``(g, m, d)``, float64.

    Returns:
        A number for each value, ``(g,)``, in standard deviations.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree, fewer than two groups, or a truth in which
            no column varies.

    References:
        Holland, "Statistics and Causal Inference", JASA 81, 1986: the average causal effect, a difference of means.

    >>> x = torch.tensor([[[0.0], [2.0]], [[4.0], [6.0]]], dtype=torch.float64)
    >>> no_effect = torch.full((2, 1, 1), 3.0, dtype=torch.float64)
    >>> mean_effect(x, x + 5).tolist(), mean_effect(x, no_effect).round(decimals=3).tolist()
    ([0.0, 0.0], [0.894, 0.894])
    """
    check_samples(truth, answer)
    if truth.ndim != 3 or len(truth) < 2:
        raise MetricError(f"the truth has shape {tuple(truth.shape)}; an effect takes (g, n, d), two groups or more")
    sd = truth.reshape(-1, truth.shape[-1]).std(0, correction=0)
    if not (sd > 0).any():
        raise MetricError("no column of the truth varies: its effects have no unit")
    x, y = (sample.mean(-2)[:, sd > 0] for sample in (truth, answer))
    return (((y - y.mean(0)) - (x - x.mean(0))).abs() / sd[sd > 0]).mean(-1)


def sign_error(truth: Tensor, answer: Tensor) -> Tensor:
    """Share of rows whose effect has the wrong sign, the mean over columns: ``(g, n, d), (g, n, d) -> (g,)``.

    An answer of no effect where there is one is half wrong, so that doing nothing and a coin both score 1/2. Rows
    without an effect count nothing, nor do columns without such rows. A group in which nothing has an effect scores 0.

    Args:
        truth: Effects ``x(do) − x`` of the same rows, ``(g, n, d)``, float64.
        answer: The model's, ``(g, n, d)``, float64.

    Returns:
        A share from 0 to 1 for each group, ``(g,)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that differ.

    References:
        Gelman, Carlin, "Beyond Power Calculations: Assessing Type S (Sign) and Type M (Magnitude) Errors", 2014.

    >>> x = torch.tensor([[[1.0], [2.0], [-1.0], [0.0]]], dtype=torch.float64)
    >>> sign_error(x, -x).item(), sign_error(x, 0 * x).item(), sign_error(x, x / 9).item()
    (1.0, 0.5, 0.0)
    """
    check_samples(truth, answer, paired=True)
    least = ROUNDING * _spread(truth)
    x, y = (torch.where(effect.abs() > least, effect, 0.0).sign() for effect in (truth, answer))
    counts = x != 0
    wrong = torch.where(counts, (x - y).abs() / 2, 0.0).sum(-2) / counts.sum(-2).clamp(min=1)
    there = counts.any(-2)
    return torch.where(there, wrong, 0.0).sum(-1) / there.sum(-1).clamp(min=1)


def rank_error(truth: Tensor, answer: Tensor) -> Tensor:
    """``(1 − ρ) / 2`` with Spearman's ρ of true and answered effects over rows: ``(g, n, d), (g, n, d) -> (g,)``.

    0 where rows are in the true order of their effects ("who would gain most?"), 1/2 where they are in none, as for an
    answer of one effect for all, 1 where it is reversed; the mean over columns. Ties share their mean rank. A column
    whose true effects are all alike (to rounding) in a group has no order there and is left out; a group without an
    order scores 0.

    Args:
        truth: Effects ``x(do) − x`` of the same rows, ``(g, n, d)``, float64.
        answer: The model's, ``(g, n, d)``, float64.

    Returns:
        A number from 0 to 1 for each group, ``(g,)``.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that differ.

    References:
        Spearman, "The Proof and Measurement of Association between Two Things", 1904.

    >>> x = torch.tensor([[[1.0], [2.0], [3.0]]], dtype=torch.float64)
    >>> rank_error(x, x**3).item(), rank_error(x, -x).item(), rank_error(x, 0 * x + 7).item()
    (0.0, 1.0, 0.5)
    """
    check_samples(truth, answer, paired=True)
    step = ROUNDING * _spread(truth)
    x, y = (_ranks(torch.where(step > 0, effect / step, effect).round()) for effect in (truth, answer))
    x, y = (ranks - ranks.mean(-2, keepdim=True) for ranks in (x, y))
    sizes = (x.square().sum(-2) * y.square().sum(-2)).sqrt()
    rho = torch.where(sizes > 0, (x * y).sum(-2) / sizes.clamp(min=1e-300), 0.0)
    ordered = (x != 0).any(-2)
    errors = torch.where(ordered, (1 - rho.clamp(-1, 1)) / 2, 0.0)
    return errors.sum(-1) / ordered.sum(-1).clamp(min=1)


def _spread(effects: Tensor) -> Tensor:
    """The root mean square of each column over all rows, ``(d,)``: the size of an effect."""
    return effects.reshape(-1, effects.shape[-1]).square().mean(0).sqrt()


def _ranks(x: Tensor) -> Tensor:
    """Ranks over rows, ``(..., n, d)``: 1 the least, equal values share the mean of theirs."""
    columns = x.movedim(-2, -1).contiguous()
    ordered = columns.sort(-1).values
    low = torch.searchsorted(ordered, columns, right=False)
    high = torch.searchsorted(ordered, columns, right=True)
    return ((low + high + 1) / 2).to(x.dtype).movedim(-1, -2)
