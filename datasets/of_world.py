"""What datasets share that are another world, but for one thing: its rows, its questions, its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from .problem import QueryBuilder, SCMDataset
from .registry import get
from .scm import SCM


class OfWorld(SCMDataset):
    """The dataset `name` whose world, rows and questions are those of `world`, but for what a subclass overrides.

    Its version counts the world's and `own`, that of what is overridden. `other` are attributes beside the world's.
    """

    def __init__(self, name: str, world: SCMDataset, *, own: int = 1, other: Mapping[str, Any] | None = None):
        self.world, self.other = world, other or {}
        super().__init__(name, self.made, version=100 * (own - 1) + world.version)

    def made(self, seed: int) -> SCM:
        """The world at this seed."""
        return self.world.scm(seed)

    @property
    def module(self) -> str:
        """The world's own; the subclass's is among the modules of the bases."""
        return self.world.module

    def missing(self) -> str | None:
        """What the world says."""
        return self.world.missing()

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What the world says of itself, and what is other here."""
        return {**getattr(self.world, "attributes", {}), **self.other}

    def stream(self, seed: int) -> int:
        """The world's, so that rows and questions are its own."""
        return self.world.stream(seed)

    def rows(self, protocol: QueryBuilder) -> int:
        """The world's."""
        return self.world.rows(protocol)

    def told(self, scm: SCM, seed: int) -> nx.DiGraph:
        """The world's."""
        return self.world.told(scm, seed)


def world_of(name: str) -> SCMDataset | None:
    """The world of this name; None for a dataset that has no SCM. Raises `UnknownDataset`."""
    found = get(name)
    return found if isinstance(found, SCMDataset) else None
