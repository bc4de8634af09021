"""Worlds with another number of training rows, ``sized/{rows}/{world}``: for learning curves.

Questions and truth are the world's at the same seed, and what a model learns from is as many rows of it instead of the
protocol's: the same stream of noise, cut or gone on with, so that the curve of a seed moves by what is added.
"""

from __future__ import annotations

import re
from functools import cache

from .of_world import OfWorld, world_of
from .problem import QueryBuilder, SCMDataset

LEAST, MOST = 20, 1_000_000
"""Rows that may be asked for."""


class Sized(OfWorld):
    """A world with as many training rows; see the module's first lines."""

    def __init__(self, rows: int, world: SCMDataset):
        super().__init__(f"sized/{rows}/{world.name}", world, other={"rows": rows})
        self.n_rows = rows
        self.__doc__ = f"`{world.name}` with {rows:,} training rows."

    def rows(self, protocol: QueryBuilder) -> int:
        """As many as the name says, whatever the protocol."""
        return self.n_rows


@cache
def family(name: str) -> Sized | None:
    """The dataset of a full name; None for a name outside of the family. Raises `UnknownDataset` for no world."""
    found = re.fullmatch(r"sized/([1-9]\d{1,6})/(?!sized/)(.+)", name, re.ASCII)
    if not found or not LEAST <= int(found[1]) <= MOST:
        return None
    world = world_of(found[2])
    return Sized(int(found[1]), world) if world else None
