"""The semi-synthetic Sachs experiment without measurements: the DCM paper's networks on normal roots.

"Kolmogorov-Arnold causal generative models", Almodóvar, Elizo, Apellániz, Zazo, Parras, 2026 (arXiv 2603.20184), as
the code published with it has them. Graph and mechanisms are those of `dcm/sachs`, but noise, that of the roots
included, is N(0, 1), so that no data file is needed. At seed i these are the very SCMs that ``np.random.seed(i)`` draws
there: first the weights of all additive mechanisms, then those of the others. Interventions are on PIP3, praf and pmek.
"""

from __future__ import annotations

import networkx as nx

from .dcm.mlp import draw_equations, legacy
from .files.cytometry import EDGES, MOLECULES
from .registry import register
from .scm import SCM

TARGETS = ("PIP3", "praf", "pmek")


def graph() -> nx.DiGraph:
    """The proteins by their names; nodes in the order of their first appearance, which draws follow."""
    names = {int(node[1:]): name.replace("/", "_") for node, name in MOLECULES.items()}
    return nx.DiGraph([(names[a], names[b]) for a, b in EDGES])


def _build(seed: int, noise_model: str) -> SCM:
    stream, proteins = legacy(seed), graph()
    equations = {kind: draw_equations(stream, proteins, kind, lambda node: (node,)) for kind in ("nlin", "nadd")}
    return SCM(equations[noise_model], targets=TARGETS)


@register("kacgm/sachs/additive")
def additive(seed: int) -> SCM:
    """Eleven proteins, normal roots, drawn mechanisms, additive noise."""
    return _build(seed, "nlin")


@register("kacgm/sachs/nonadditive")
def nonadditive(seed: int) -> SCM:
    """Eleven proteins, normal roots, drawn mechanisms that may fold their noise."""
    return _build(seed, "nadd")
