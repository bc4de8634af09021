"""The DCM paper's semi-synthetic SCM: the protein network of Sachs et al. with real roots and drawn mechanisms."""

from __future__ import annotations

from functools import partial

import networkx as nx
from torch import Tensor

from .. import cytometry, download
from ..noise import Bootstrap
from ..registry import register
from ..scm import SCM
from ..values import Values
from .mlp import draw_equations, draw_targets, legacy

MOLECULES = {
    "x01": "plcg",
    "x02": "PIP3",
    "x03": "PIP2",
    "x04": "PKC",
    "x05": "PKA",
    "x06": "pjnk",
    "x07": "P38",
    "x08": "praf",
    "x09": "pmek",
    "x10": "p44/42",
    "x11": "pakts473",
}
"""The molecule that each node stands for; only x01 and x04 take anything from its measurements."""

EDGES = [(1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (4, 7), (4, 8), (4, 9), (5, 6), (5, 7), (5, 8), (5, 9), (5, 10)]
EDGES += [(5, 11), (8, 9), (9, 10), (10, 11)]

needs = partial(download.missing, "sachs")


def unit_range(x: Tensor) -> Tensor:
    """``x`` scaled linearly so that its minimum is −1 and its maximum 1."""
    return 2 * (x - x.min()) / (x.max() - x.min()) - 1


def build(seed: int, kind: str, measured: Values) -> SCM:
    """The SCM at `seed`: roots are a bootstrap of the two measured columns, each other node has its own network.

    The graph falls into the two components {x01, x02, x03} and {x04, …, x11}. Both roots are so skewed that 80 % of
    their mass lies within 3 % of their range.
    """
    graph = nx.DiGraph([(f"x{a:02d}", f"x{b:02d}") for a, b in EDGES])
    stream = legacy(seed)
    targets = draw_targets(stream, graph)
    equations = draw_equations(stream, graph, kind, group=lambda node: (node,))
    roots = {node: Bootstrap(unit_range(measured[MOLECULES[node]])) for node in graph if not graph.in_degree(node)}
    return SCM(equations, noise=roots, targets=targets)


def _from_file(seed: int, kind: str) -> SCM:
    return build(seed, kind, cytometry.read(download.path("sachs", "cyto_full_data.csv")))


@register("dcm/sachs/nlin", needs=needs)
def sachs_nlin(seed: int) -> SCM:
    """Eleven proteins, real roots, drawn mechanisms, additive noise; three nodes to intervene on are drawn, too."""
    return _from_file(seed, "nlin")


@register("dcm/sachs/nadd", needs=needs)
def sachs_nadd(seed: int) -> SCM:
    """Eleven proteins, real roots, drawn mechanisms that may fold their noise; three targets are drawn, too."""
    return _from_file(seed, "nadd")
