"""What the training rows reach: ranges and levels of the nodes, and which questions lie outside of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Self

import torch
from scmbench.datasets.levels import levels as levels_of
from scmbench.datasets.values import Values
from torch import Tensor

LEVELS, PAIRED, KEPT = 20, 50, 500
"""A discrete node of so many values at most is known by its values; pairs are kept for so many nodes at most; and so
many rows, to tell whether three nodes and more were ever near some values together."""

Number = float | int


class SupportWarning(UserWarning):
    """A question about values that no training row is near: the answer is the model's extrapolation."""


@dataclass(frozen=True)
class Support:
    """The training rows' reach.

    `ranges` are the lowest and highest value of every component of a node; `levels` the values of a discrete node
    that has few; `pairs`, for two scalar nodes brought to [0, 1] by their ranges, the lowest and highest sum
    and difference: with the ranges, an octagon around the rows; `rows` some of the rows themselves, evenly over the
    table, of those nodes.
    """

    ranges: Mapping[str, list[list[Number]]]
    levels: Mapping[str, list[Number]]
    pairs: Mapping[tuple[str, str], list[Number]]
    rows: Mapping[str, list[Number]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Values) -> Self:
        """The reach of rows ``{node: (n, *event)}``."""
        flat = {node: x.reshape(len(x), -1) for node, x in data.items()}
        ranges = {node: list(map(list, zip(*_extremes(x), strict=True))) for node, x in flat.items()}
        levels = {}
        for node, x in data.items():
            found = levels_of(x) if x.ndim == 1 else None
            if found is not None and len(found) <= LEVELS:
                levels[node] = found.tolist()
        scalar = [node for node, x in data.items() if x.ndim == 1 and ranges[node][0][0] < ranges[node][0][1]]
        pairs = {}
        for a, b in combinations(scalar if len(scalar) <= PAIRED else (), 2):
            u, v = (_unit(data[node], ranges[node][0]) for node in (a, b))
            pairs[a, b] = [float(x) for s in (u + v, u - v) for x in (s.min(), s.max())]
        index = torch.linspace(0, len(next(iter(data.values()))) - 1, KEPT).long().unique()
        rows = {node: data[node][index].double().tolist() for node in (scalar if len(scalar) <= PAIRED else ())}
        return cls(ranges, levels, pairs, rows)

    def notes(
        self, values: Values, what: str, *, tolerated: float = 0, labels: Mapping[Any, Sequence[Any]] | None = None
    ) -> list[str]:
        """Sentences about ``{node: (n, *event)}`` that lie outside; `what` is asked, such as ``do``.

        Nothing is said where no more than the share `tolerated` of the rows does. Nodes of codes are told by their
        `labels`.
        """
        labels = labels or {}
        said = []
        outside: set[str] = set()
        for node, x in values.items():
            low, high = (torch.tensor(bounds, dtype=torch.float64) for bounds in zip(*self.ranges[node], strict=True))
            flat = x.reshape(len(x), -1).double()
            far = ((flat < low) | (flat > high)).any(1)
            unseen = ~torch.isin(x, torch.tensor(self.levels[node], dtype=x.dtype)) if node in self.levels else far
            if int(unseen.sum()) > tolerated * len(x):
                outside.add(node)
                shown = _values(x, unseen, labels.get(node))
                said.append(
                    f"{what}({node!r}{shown}) is outside the training rows{self._known(node, labels.get(node))}"
                )
        told = set(outside)
        for a, b in combinations(values, 2):
            bounds = self.pairs.get((a, b)) or self.pairs.get((b, a))
            if bounds and not {a, b} & outside:
                if (a, b) not in self.pairs:
                    a, b = b, a
                u, v = (_unit(values[node], self.ranges[node][0]) for node in (a, b))
                slack = 1e-9
                far = (u + v < bounds[0] - slack) | (u + v > bounds[1] + slack)
                far |= (u - v < bounds[2] - slack) | (u - v > bounds[3] + slack)
                if int(far.sum()) > tolerated * len(far):
                    both = ", ".join(f"{node!r}{_values(values[node], far, labels.get(node))}" for node in (a, b))
                    told |= {a, b}
                    said.append(f"{what}({both}) is outside the training rows together, though not one by one")
        together = [node for node in values if node in self.rows]
        if len(together) > 2 and not told & set(together):
            far = self._far({node: values[node] for node in together})
            if int(far.sum()) > tolerated * len(far):
                all_ = ", ".join(f"{node!r}{_values(values[node], far, labels.get(node))}" for node in together)
                why = "is far from all training rows together, though not two by two"
                said.append(f"{what}({all_}) {why}")
        return said

    def _far(self, values: Values) -> Tensor:
        """Whether points ``{node: (n,)}`` are farther from the nearest kept row than any of these is from the others.

        Distances are Euclidean, in standard deviations of the kept rows.
        """
        kept = torch.tensor([self.rows[node] for node in values], dtype=torch.float64).T
        scale = kept.std(0, correction=0).clamp_min(torch.finfo(torch.float64).tiny)
        points, which = torch.stack([x.double() for x in values.values()], 1).unique(dim=0, return_inverse=True)
        kept, points = kept / scale, points / scale
        among = torch.cdist(kept, kept, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(math.inf)
        nearest = torch.cat([torch.cdist(part, kept).amin(1) for part in points.split(4096)])
        return (nearest > among.amin(1).max() * (1 + 1e-9))[which]

    def lowest(self, like: Values) -> Values:
        """One row of values that occur in training, ``{node: (*event)}``."""
        return {
            node: torch.tensor([low for low, _ in self.ranges[node]], dtype=x.dtype).reshape(x.shape[1:])
            for node, x in like.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Lists: ``ranges`` of ``[node, [[low, high], …]]``, ``levels``, ``rows`` of ``[node, values]``, ``pairs``."""
        return {
            "ranges": [[_plain(node), bounds] for node, bounds in self.ranges.items()],
            "levels": [[_plain(node), values] for node, values in self.levels.items()],
            "pairs": [[_plain(a), _plain(b), bounds] for (a, b), bounds in self.pairs.items()],
            "rows": [[_plain(node), values] for node, values in self.rows.items()],
        }

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """What `to_json` gave. Raises `TypeError`, `ValueError` or `LookupError` for anything else."""
        ranges = {node: [[_number(low), _number(high)] for low, high in bounds] for node, bounds in written["ranges"]}
        levels = {node: [_number(value) for value in values] for node, values in written["levels"]}
        pairs = {(a, b): [_number(w), _number(x), _number(y), _number(z)] for a, b, (w, x, y, z) in written["pairs"]}
        rows = {node: [_number(value) for value in values] for node, values in written.get("rows", [])}
        if len({len(values) for values in rows.values()}) > 1:
            raise ValueError("the rows of the support have columns of different lengths")
        return cls(ranges, levels, pairs, rows)

    def _known(self, node: str, labels: Sequence[Any] | None) -> str:
        if node in self.levels:
            have = self.levels[node]
            return f", which have {[labels[int(code)] for code in have] if labels else have}"
        return " " + " x ".join(f"[{low:.6g}, {high:.6g}]" for low, high in self.ranges[node])


def tell(notes: list[str]) -> None:
    """Warn of each note, at the caller of a `FrameModel`."""
    for note in notes:
        warnings.warn(note, SupportWarning, stacklevel=4)


def _extremes(x: Tensor) -> tuple[list[Number], list[Number]]:
    return x.amin(0).tolist(), x.amax(0).tolist()


def _unit(x: Tensor, bounds: list[Number]) -> Tensor:
    return (x.double() - bounds[0]) / (bounds[1] - bounds[0])


def _values(x: Tensor, chosen: Tensor, labels: Sequence[Any] | None) -> str:
    """`` = 50``, or how many of the rows, where their values differ."""
    some = x[chosen].reshape(int(chosen.sum()), -1)
    shown = [repr(labels[int(value)]) if labels else f"{value:.6g}" for value in some[0].tolist()]
    first = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
    if bool(chosen.all()) and bool((some == some[0]).all()):
        return f" = {first}"
    return f" = {first}{' and others' if len(some) > 1 else ''}, {len(some)} of {len(x)} rows"


def _plain(node: Any) -> str | int:
    return node if isinstance(node, str) else int(node)


def _number(x: Any) -> Number:
    if isinstance(x, bool) or not isinstance(x, int | float):
        raise TypeError(f"{x!r} is no number")
    return x
