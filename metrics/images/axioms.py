"""Axioms that any counterfactual must keep, whatever the truth: composition and reversibility.

An answer that keeps them may still be wrong (the factual image itself keeps both), one that breaks them is wrong.

Monteiro, Ribeiro, Pawlowski, Castro, Glocker, "Measuring axiomatic soundness of counterfactual image models", ICLR
2023, section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..checks import MetricError
from .errors import l1

VERSION = 1
"""Counts changes of what these functions return; part of the key of every record of images."""


def composition(null: Callable[[Tensor], Tensor], factual: Tensor, *, cycles: int = 10) -> Tensor:
    """``mean |x - f^k(x)|`` for k = 1, …, cycles: what is left of images that are sent through and changed in nothing.

    Args:
        null: The counterfactual image of each row under the row's own parents, ``(n, c, h, w) -> (n, c, h, w)``. It is
            asked `cycles` times, each time about its last answer.
        factual: The images as they were, ``(n, c, h, w)``.
        cycles: How many times.

    Returns:
        The distance of every row after each cycle, ``(cycles, n)``, at least 0, float64; its first line is composition
        in the usual sense.

    Raises:
        MetricError: For fewer than one cycle, and for an answer that is no image of the factual shape.
    """
    if cycles < 1:
        raise MetricError(f"composition over cycles={cycles!r}; expected at least 1")
    distances, x = [], factual
    for _ in range(cycles):
        x = null(x)
        distances.append(l1(factual, x))
    return torch.stack(distances)


def reversibility(there: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor], factual: Tensor) -> Tensor:
    """``mean |x - g(f(x))|``: how far images are from themselves after an intervention that is then taken back.

    Args:
        there: The counterfactual image under the intervention, ``(n, c, h, w) -> (n, c, h, w)``.
        back: The counterfactual image of that, under the factual parents.
        factual: The images as they were, ``(n, c, h, w)``.

    Returns:
        The distance of every row, ``(n,)``, at least 0, float64.

    Raises:
        MetricError: For an answer that is no image of the factual shape.
    """
    return l1(factual, back(there(factual)))
