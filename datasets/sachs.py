"""The protein network of Sachs et al. (2005) as real data: measured cells, a consensus graph, no known equations."""

from __future__ import annotations

import networkx as nx
import torch

from .files import cytometry, download
from .files.cytometry import EDGES, MOLECULES
from .problem import Dataset, Problem, QueryBuilder
from .registry import add
from .seeds import derive, generator
from .values import Values, n_rows, rows

HELD_OUT = 0.2
"""Share of the cells that training does not see."""


def graph() -> nx.DiGraph:
    """The 17 edges of the DCM paper's semi-synthetic SCM, between molecules."""
    return nx.DiGraph([(MOLECULES[f"x{a:02d}"], MOLECULES[f"x{b:02d}"]) for a, b in EDGES])


class Measured(Dataset):
    """7466 cells by the natural logarithm of eleven intensities; a fifth, drawn by the seed, is held out.

    "Causal Protein-Signaling Networks Derived from Multiparameter Single-Cell Data", Sachs, Perez, Pe'er,
    Lauffenburger, Nolan, Science 2005. The rows pool cells under all of the study's conditions, inhibitors included, so
    that they are observational only in the sense that nobody says which is which. The graph is the literature's, not
    the truth.
    Logarithms, because raw intensities span four decades; the smallest is 1.
    """

    name = "sachs/real"
    version = 1

    def missing(self) -> str | None:
        """What files are missing and the command that gets them."""
        return download.missing("sachs")

    def size(self, seed: int) -> int:
        """The nodes that have parents."""
        return sum(1 for _, parents in graph().in_degree if parents)

    def problems(self, protocol: QueryBuilder, *, seed: int) -> list[Problem]:
        """One problem: training rows, and the protocol's questions about the held-out ones. Raises `DataMissing`."""
        cells = cytometry.read(download.path("sachs", "cyto_full_data.csv"))
        values: Values = {molecule: x.log() for molecule, x in cells.items()}
        n = n_rows(values)
        order = torch.randperm(n, generator=generator(derive(seed, self.name), "split"))
        held_out, train = order.split([round(HELD_OUT * n), n - round(HELD_OUT * n)])
        queries = protocol.held_out(rows(values, held_out))
        return [Problem(self.name, seed, graph(), rows(values, train), queries)]


add(Measured())
