"""One rule for discrete nodes, whatever the door: answers are values that occur in training.

Which nodes are discrete, and with which levels, `scmbench.datasets.levels` says of the training rows. Models treat them
as numbers on a line; what they answer is moved to the nearest level, at each node before its children are computed from
it, so that the rows of an answer are consistent. The levels are a part of the fitted model. An intervention sets what
is asked for, be it a level or not, and so does a factual row that nothing reaches.
"""

from __future__ import annotations

import torch
from scmbench.datasets.levels import levels
from scmbench.datasets.values import Values, is_image
from torch import Tensor


def levels_of(data: Values) -> Values:
    """The levels of the discrete nodes of training rows ``{node: (n, *event)}``: ``{node: (k, d)}``, sorted.

    Of a vector node every component has levels of its own; k is the number of the one that has most, the last level of
    the others is repeated. A measured component beside discrete ones is a column of NaN. Images have none.
    """
    found: Values = {}
    for node, x in data.items():
        if is_image(x):  # pixels are measured, though many a border is always empty
            continue
        parts = [levels(part) for part in x.reshape(len(x), x.shape[1:].numel()).unbind(1)]
        k = max((len(part) for part in parts if part is not None), default=0)
        if k:
            found[node] = torch.stack([_padded(part, k, x) for part in parts], 1)
    return found


def nearest(x: Tensor, known: Tensor) -> Tensor:
    """``x (n, *event)`` with every component at the nearest of its levels ``known (k, d)``, the lower one of two.

    Raises `FloatingPointError` for NaN, which is near to none.
    """
    flat = x.reshape(len(x), known.shape[1])
    parts = [_nearest(part, of) for part, of in zip(flat.unbind(1), known.unbind(1), strict=True)]
    return torch.stack(parts, 1).reshape(x.shape)


def spread(x: Tensor, known: Tensor, generator: torch.Generator) -> Tensor:
    """Rows ``x (n,)`` of a discrete variable, each uniform in the cell of the level that it has: dequantised.

    A cell reaches half way to the levels beside it, as far outwards at both ends, so that `nearest` undoes it; of whole
    numbers in a row it is x - 1/2 to x + 1/2. A single level stays as it is. ``known (k,)`` is ascending.

    Theis, van den Oord, Bethge, "A note on the evaluation of generative models", 2016, section 3.1.
    """
    if len(known) < 2:
        return x
    gaps = known.diff()
    below, above = torch.cat([gaps[:1], gaps]), torch.cat([gaps, gaps[-1:]])
    cell = torch.searchsorted(known.contiguous(), x.contiguous()).clamp(max=len(known) - 1)
    v = torch.rand(len(x), generator=generator, dtype=x.dtype).to(x.device)
    return x + (v * (below + above)[cell] - below[cell]) / 2


def _padded(part: Tensor | None, k: int, like: Tensor) -> Tensor:
    if part is None:
        return like.new_full((k,), torch.nan)
    return torch.cat([part, part[-1:].expand(k - len(part))])


def _nearest(x: Tensor, known: Tensor) -> Tensor:
    if known.is_floating_point() and bool(known.isnan().all()):
        return x.to(known.dtype)
    if x.is_floating_point() and bool(x.isnan().any()):
        raise FloatingPointError("the model's answer has NaN for a discrete node: its training may have diverged")
    # Whole numbers are compared as such: beyond 2^53 floats cannot tell neighbours apart.
    wide = torch.float64 if x.is_floating_point() or known.is_floating_point() else torch.int64
    values, line = x.to(wide).contiguous(), known.to(wide).contiguous()
    above = torch.searchsorted(line, values).clamp(max=len(line) - 1)
    below = (above - 1).clamp(min=0)
    lower = values.double() - line[below].double() <= line[above].double() - values.double()
    return known[torch.where(lower & (line[above] != values), below, above)]
