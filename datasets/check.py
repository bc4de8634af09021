"""Worlds that check one property rather than reproduce a paper."""

from __future__ import annotations

import torch

from .registry import register


@register("check/sine")
def sine():
    """A mechanism that cannot be inverted: x2 = sin(x1 + u2) folds the noise, so no method can reach zero error."""
    return {"x1": lambda u: u, "x2": lambda u, x1: torch.sin(x1 + u)}
