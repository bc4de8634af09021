"""Power: how often does a distance tell a slightly wrong world from the true one, at so many rows?

A distance between samples can only show a fault that is larger than what two samples of one world differ by. The
*power* at n rows is the share of repetitions in which the distance of a wrong world's sample is beyond the 95 %
quantile of the distances between two samples of the true one: 0.05 for a distance that sees nothing, 1 for one that
always sees it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from scmbench.datasets import SCM
from scmbench.datasets.scm import Equation
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten
from torch import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]
"""``(g, n, d), (g, n, d) -> (g,)``: truth first."""

LEVEL = 0.05
"""How often a distance may cry wolf."""

ENOUGH = 0.8
"""The power that is asked of a test by custom."""


def wider_noise(u: Tensor, parents: Sequence[Tensor], f: Callable[..., Tensor]) -> Tensor:
    """The noise is a tenth wider."""
    return f(1.1 * u, *parents)


def shifted(u: Tensor, parents: Sequence[Tensor], f: Callable[..., Tensor]) -> Tensor:
    """The node is shifted by a tenth of its standard deviation."""
    x = f(u, *parents)
    return x + 0.1 * x.std(0)


def weaker(u: Tensor, parents: Sequence[Tensor], f: Callable[..., Tensor]) -> Tensor:
    """The node answers to parents that vary a fifth less."""
    return f(u, *(x.mean(0) + 0.8 * (x - x.mean(0)) for x in parents))


def heavier_tails(u: Tensor, parents: Sequence[Tensor], f: Callable[..., Tensor]) -> Tensor:
    """One row in twenty has noise three times as large, all others a little less: the same variance."""
    width = torch.where(torch.arange(len(u)) % 20 == 0, 3.0, math.sqrt(11 / 19)).to(u)
    return f(width.reshape(-1, *[1] * (u.ndim - 1)) * u, *parents)


def edge_lost(u: Tensor, parents: Sequence[Tensor], f: Callable[..., Tensor]) -> Tensor:
    """The first parent's value is that of another row: an edge is missing."""
    return f(u, parents[0].roll(1, 0), *parents[1:])


FAULTS: Mapping[str, Callable[..., Tensor]] = {
    "noise 10 % wider": wider_noise,
    "shift by 0.1 sd": shifted,
    "parents 20 % weaker": weaker,
    "heavier tails": heavier_tails,
    "an edge lost": edge_lost,
}
"""Slight faults of one node, by the names that tables give them: ``(u, parents, f) -> x``."""


def wrong(scm: SCM, fault: str) -> SCM:
    """The same world, one of `FAULTS` in the last node that has parents. Raises `ValueError` where none has."""
    inner = [node for node in scm.order if scm.parents[node]]
    if not inner:
        raise ValueError("a world without edges has no node with parents, which the faults are of")
    node, change = inner[-1], FAULTS[fault]
    true = scm.functions[node]

    def function(u: Tensor, *parents: Tensor) -> Tensor:
        return change(u, parents, true)

    equations: dict[str, Equation] = {v: (scm.parents[v], scm.functions[v]) for v in scm.order}
    equations[node] = (scm.parents[node], function)
    return SCM(equations, noise=scm.noises, latent=scm.latent, targets=scm.targets, images=scm.images)


def powers(
    scm: SCM, distances: Mapping[str, Distance], n: int, *, repetitions: int, seed: int
) -> dict[tuple[str, str], float]:
    """The power of every distance against every fault of the world, at samples of `n` rows of all nodes.

    Returns:
        ``{(distance, fault): power}``, shares of the `repetitions`, of which every one draws both of its samples anew.
        All distances and faults are asked about the same true samples.
    """

    def samples(world: SCM, what: str) -> Tensor:
        drawn = (world.sample(n, seed=derive(seed, what, i)) for i in range(repetitions))
        return torch.stack([flatten(values, sorted(scm.graph)) for values in drawn])

    truth, again = samples(scm, "truth"), samples(scm, "again")
    changed = {fault: samples(wrong(scm, fault), fault) for fault in FAULTS}
    found = {}
    for name, distance in distances.items():
        limit = torch.quantile(_each(distance, truth, again), 1 - LEVEL)
        for fault, answers in changed.items():
            found[name, fault] = float((_each(distance, truth, answers) > limit).double().mean())
    return found


def _each(distance: Distance, truth: Tensor, answers: Tensor) -> Tensor:
    """One repetition at a time: a kernel between all rows of all of them would not fit into memory."""
    return torch.cat([distance(x[None], y[None]) for x, y in zip(truth, answers, strict=True)])


def rows_needed(curve: Mapping[int, float], enough: float = ENOUGH) -> float:
    """The least number of rows of ``{n: power}`` from which on the power is `enough`; infinity where it never is.

    >>> rows_needed({100: 0.3, 200: 0.85, 500: 1.0}), rows_needed({100: 0.9, 200: 0.1})
    (200, inf)
    """
    needed = math.inf
    for n in sorted(curve, reverse=True):
        if curve[n] < enough:
            break
        needed = n
    return needed
