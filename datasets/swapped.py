"""Worlds whose vector nodes have their components in reverse order, ``swapped/{world}``: the same law, told otherwise.

A row of it is a row of the world at the same seed, the components of every vector node reversed, and so are questions
and truth. Nothing that can be measured has changed but the order in which components are written down. A method that
takes them in turn, each given those before it, learns another map of noise to value for it: of the same law, with
other counterfactuals, unless the noises of the components act apart from each other. A method that takes the node as a
whole has no such order. Scalar nodes and images are as they were.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from functools import cache

from torch import Tensor

from .errors import UserError
from .of_world import OfWorld, world_of
from .problem import SCMDataset
from .scm import SCM


class NoVector(UserError, ValueError):
    """A world without a node of two components or more, whose order could be reversed."""


class Swapped(OfWorld):
    """A world with the components of every vector node reversed; see the module's first lines."""

    def __init__(self, world: SCMDataset):
        super().__init__(f"swapped/{world.name}", world, other={"components": "reversed"})
        self.__doc__ = f"`{world.name}` with the components of its vector nodes in reverse order."

    def made(self, seed: int) -> SCM:
        """The world at this seed, its vector nodes reversed."""
        return reversed_vectors(self.world.scm(seed))


def reversed_vectors(scm: SCM) -> SCM:
    """The same world with the components of every vector node, ``(n, d)``, in reverse order.

    Its equations undo the order of their causes, so that each node is the old one's mirror for the same noise.

    >>> import torch
    >>> pair = SCM({"x": lambda u: torch.stack([u, 2 * u], 1), "y": lambda u, x: x[:, 0] + u})
    >>> old, new = (world.sample(1, {"y": 0.0}, seed=0)["x"][0] for world in (pair, reversed_vectors(pair)))
    >>> bool((old.flip(0) == new).all())
    True
    """
    other = copy.copy(scm)
    other.functions = {node: _mirrored(function) for node, function in scm.functions.items()}
    return other


def _mirrored(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def mirror(u: Tensor, *parents: Tensor) -> Tensor:
        return _flipped(function(u, *map(_flipped, parents)))

    return mirror


def _flipped(x: Tensor) -> Tensor:
    return x.flip(1) if x.ndim == 2 else x


def vectors(scm: SCM) -> list[str]:
    """The observed nodes that have two components or more, sorted."""
    return sorted(node for node, x in scm.sample(1, seed=0).items() if x.ndim == 2 and x.shape[1] > 1)


@cache
def family(name: str) -> Swapped | None:
    """The dataset of a full name; None for a name outside of the family.

    Raises `UnknownDataset` for a world that there is not, `NoVector` for one that has no component to move.
    """
    found = re.fullmatch(r"swapped/(?!swapped/)(.+)", name)
    world = world_of(found[1]) if found else None
    if not world:
        return None
    if world.missing() is None and not vectors(world.scm(0)):
        raise NoVector(f"no node of {world.name} is a vector: there are no components whose order could be reversed")
    return Swapped(world)
