"""The DCM paper's semi-synthetic SCM: the protein network of Sachs et al. with real roots and drawn mechanisms."""

from __future__ import annotations

from functools import partial

import networkx as nx
from torch import Tensor

from ..files import cytometry, download
from ..files.cytometry import EDGES, MOLECULES
from ..noise import Bootstrap
from ..registry import register
from ..scm import SCM
from ..values import Values
from .mlp import draw_equations, draw_targets, legacy

needs = partial(download.missing, "sachs")


def unit_range(x: Tensor) -> Tensor:
    """``x`` scaled linearly so that its minimum is −1 and its maximum 1."""
    return 2 * (x - x.min()) / (x.max() - x.min()) - 1


def build(seed: int, noise_model: str, measured: Values) -> SCM:
    """The SCM at `seed`: roots are a bootstrap of the two measured columns, each other node has its own network.

    The graph falls into the two components {x01, x02, x03} and {x04, …, x11}. Both roots are so skewed that 80 % of
    their mass lies within 3 % of their range.
    """
    graph = nx.DiGraph([(f"x{a:02d}", f"x{b:02d}") for a, b in EDGES])
    stream = legacy(seed)
    targets = draw_targets(stream, graph)
    equations = draw_equations(stream, graph, noise_model, group=lambda node: (node,))
    roots = {node: Bootstrap(unit_range(measured[MOLECULES[node]])) for node in graph if not graph.in_degree(node)}
    return SCM(equations, noise=roots, targets=targets)


def _from_file(seed: int, noise_model: str) -> SCM:
    return build(seed, noise_model, cytometry.read(download.path("sachs", "cyto_full_data.csv")))


@register("dcm/sachs/nlin", needs=needs)
def sachs_nlin(seed: int) -> SCM:
    """Eleven proteins, real roots, drawn mechanisms, additive noise; three nodes to intervene on are drawn, too."""
    return _from_file(seed, "nlin")


@register("dcm/sachs/nadd", needs=needs)
def sachs_nadd(seed: int) -> SCM:
    """Eleven proteins, real roots, drawn mechanisms that may fold their noise; three targets are drawn, too."""
    return _from_file(seed, "nadd")
