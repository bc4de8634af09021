"""Trainings say how far they are, to whoever listens."""

from __future__ import annotations

import networkx as nx
import torch
from scmbench.datasets.seeds import generator
from scmbench.models.causal_nf import CausalNF
from scmbench.models.training import Architecture, Regression, train_stack
from scmbench.models.training.progress import counted, listening


class Line(Regression):
    """y = x."""

    rows, inputs, outputs = 8, 1, 1

    def __init__(self, seed: int):
        self.seed = seed

    def epoch(self, generator):
        x = torch.randn(self.rows, 1, generator=generator)
        return x, x


def heard(work) -> list[tuple]:
    told = []
    with listening(lambda *word: told.append(word)):
        work()
    return told


def test_a_stack_tells_of_networks():
    work = lambda: train_stack([Line(k) for k in range(3)], Architecture((4,)), epochs=2, batch_size=4, lr=1e-3)  # noqa: E731
    assert heard(work) == [("networks", k, 3) for k in range(3)]


def test_one_network_of_a_whole_graph_tells_of_epochs():
    draw = generator(0, "rows")
    data = {"x": torch.randn(40, generator=draw), "y": torch.randn(40, generator=draw)}
    told = heard(lambda: CausalNF(epochs=3).fit(nx.DiGraph([("x", "y")]), data, seed=0))
    assert told == [("epochs", k, 3) for k in range(3)]


def test_nobody_is_told_after_the_block():
    told = heard(lambda: None)
    list(counted(range(3), "steps"))
    assert told == []
