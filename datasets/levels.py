"""Levels: the values that a discrete variable has."""

from __future__ import annotations

from torch import Tensor


def levels(x: Tensor) -> Tensor | None:
    """The distinct values ``(k,)`` of a discrete variable's rows ``x (n,)``, sorted; None for a measured one.

    Discrete is what is stored as integers or booleans, and what has at most two values of any type, one of them more
    than once: a treatment is a treatment whether it is written 0 and 1, or 0.0 and 1.0.

    >>> import torch
    >>> levels(torch.tensor([3, 1, 3, 7])).tolist(), levels(torch.tensor([0.0, 1.0, 1.0])).tolist()
    ([1, 3, 7], [0.0, 1.0])
    >>> levels(torch.tensor([0.0, 1.0])), levels(torch.tensor([0.1, 0.2, 0.3]))
    (None, None)
    """
    real = x.is_floating_point()
    if real and len(x[:3].unique()) > 2:
        return None  # most measured columns show it at once
    found = x.unique()
    return None if real and (len(found) > 2 or len(found) == len(x)) else found
