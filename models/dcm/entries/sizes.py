"""How wide the networks of an entry are: as many parameters as DCM's own network has for the same node."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from .networks import Attending, Concatenated, Entry, Gated, Mean, Modulated

ENTRIES: dict[str, type[Entry]] = {
    "concat": Concatenated,
    "film": Modulated,
    "gating": Gated,
    "attention": Attending,
    "residual": Concatenated,
}
"""The denoiser of every entry; `residual` has a `Mean` before it."""


@cache
def networks(entry: str, own: int, parents: int, told: int, hidden: tuple[int, ...]) -> tuple[Entry, ...]:
    """The networks of an entry for a node of `own` columns: the denoiser, and behind it the mean where there is one.

    ``concat`` has these `hidden` layers. Those of all others are `hidden` times one factor, in steps of one unit of the
    widest layer: the one that brings the number of parameters, all networks together, next to that of ``concat``.
    """

    def made(widths: tuple[int, ...]) -> tuple[Entry, ...]:
        denoiser = ENTRIES[entry](own, parents, told, own, widths)
        return (denoiser, Mean(0, parents, 0, own, widths)) if entry == "residual" else (denoiser,)

    if entry == "concat":
        return made(hidden)
    wanted = Concatenated(own, parents, told, own, hidden).size()
    return _nearest(made, hidden, wanted)


def _nearest(
    made: Callable[[tuple[int, ...]], tuple[Entry, ...]], hidden: tuple[int, ...], wanted: int
) -> tuple[Entry, ...]:
    best, least = made(tuple(1 for _ in hidden)), float("inf")
    for widest in range(1, max(hidden) + 1):
        found = made(tuple(max(1, round(width * widest / max(hidden))) for width in hidden))
        if (off := abs(sum(network.size() for network in found) - wanted)) < least:
            best, least = found, off
    return best
