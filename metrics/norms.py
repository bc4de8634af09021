"""Euclidean norms of errors over all nodes at once, as papers on causal flows report them, in the units of the data.

A node with a spread of 20 rules such a norm, and one with a spread of a tenth is hardly seen in it.
"""

from __future__ import annotations

from torch import Tensor

from .checks import MetricError, check_samples

VERSION = 1
"""Counts changes of what these functions return; part of every record's key."""


def ate_norm(truth: Tensor, answer: Tensor) -> Tensor:
    """``‖(mean x_a − mean x_b) − (mean y_a − mean y_b)‖₂``: the error of an average treatment effect, over d columns.

    Samples of both sides are drawn: with n rows of unit variance an arm, all independent, the truth itself scores about
    ``√(4 d / n)``. Print the oracle beside it.

    Args:
        truth: Rows x of the world under two interventions a and b, ``(..., 2, n, d)``, float64.
        answer: Rows y of the model under the same two, ``(..., 2, m, d)``, float64.

    Returns:
        The norm of each pair, ``(...)``, in the unit of the columns.

    Raises:
        MetricError: For NaN, infinity, another dtype, shapes that disagree, or another number of interventions than 2.

    References:
        Javaloy, Sánchez-Martín, Valera, "Causal normalizing flows: from theory to practice", NeurIPS 2023, section 6.

    >>> import torch
    >>> x = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]], dtype=torch.float64)
    >>> ate_norm(x, torch.zeros_like(x)).item()
    1.0
    """
    check_samples(truth, answer)
    if truth.ndim < 3 or truth.shape[-3] != 2:
        raise MetricError(f"the truth has shape {tuple(truth.shape)}; expected (..., 2, n, d), two interventions")
    effects = [x.mean(-2).diff(dim=-2).squeeze(-2) for x in (truth, answer)]
    return (effects[0] - effects[1]).norm(dim=-1)


def row_norm(truth: Tensor, answer: Tensor) -> Tensor:
    """``mean_i ‖y_i − x_i‖₂`` over rows: the mean Euclidean error of whole rows.

    Columns that an intervention leaves alone are in it, with whatever error the model makes there.

    Args:
        truth: What the columns would have been, ``(..., n, d)``, float64.
        answer: The model's answer for the same rows, ``(..., n, d)``, float64.

    Returns:
        The mean norm of each group, ``(...)``, in the unit of the columns.

    Raises:
        MetricError: For NaN, infinity, another dtype or shapes that differ.

    References:
        Javaloy, Sánchez-Martín, Valera, "Causal normalizing flows: from theory to practice", NeurIPS 2023, section 6,
        where it is called a root mean squared error.

    >>> import torch
    >>> row_norm(torch.zeros(2, 2).double(), torch.tensor([[3.0, 4.0], [0.0, 1.0]]).double()).item()
    3.0
    """
    check_samples(truth, answer, paired=True)
    return (answer - truth).norm(dim=-1).mean(-1)
