"""BDCM: DCM at the nodes that an effect passes, given what closes the back door instead of their parents."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import torch
from scmbench.datasets.seeds import generator
from scmbench.datasets.values import Values, ValuesError

from .model import DCM


class BDCM(DCM):
    """DCM where causes are hidden: the outcome is given the cause, its mediators and an adjustment set.

    "Diffusion Model in Causal Inference with Unmeasured Confounders", Shimizu, 2023 (arXiv 2308.03669). With a set Z
    that blocks every back door between a cause x and an outcome y (Pearl, Causality, 2009, Theorem 3.3.2),

        p(y | do(x)) = E_Z p(y | x, Z),

    so that y is learned given x and Z (and given a mediator, which is learned given x), and Z drawn from its marginal
    law. Other nodes have their parents. Nodes that are given nothing are drawn together, as whole training rows, since
    the members of Z depend on each other (the published code draws one by one, and so destroys what it adjusts for).
    `given` holds for the effect that it was chosen for: of other interventions, and of counterfactuals, it says what a
    DCM on that graph says. Without it this is DCM but for the joint draws.

    Options: `given`, for nodes whose parents are replaced what takes their place, ``("y | x, z", "x |")`` (nothing
    after the bar makes a root), then those of `DCM`: `variant`, `width`, `steps`, `epochs`, `batch_size`, `lr`,
    `device`, `inversion`, `patience`.
    """

    def __init__(
        self,
        given: Sequence[str] = (),
        variant: str = "reference",
        width: str | tuple[int, ...] = "code",
        steps: int = 100,
        epochs: int = 500,
        batch_size: int = 64,
        lr: float = 1e-4,
        device: str = "cpu",
        inversion: str | None = None,
        patience: int = 0,
    ):
        super().__init__(
            variant=variant,
            width=width,
            steps=steps,
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            device=device,
            inversion=inversion,
            patience=patience,
        )
        if isinstance(given, str):
            raise ValueError(f"given={given!r}: expected a list of texts such as 'y | x, z'")
        self.given = tuple(given)
        self._replaced()

    def _replaced(self) -> dict[str, list[str]]:
        """`given`, node by node. Raises `ValueError` for what is written otherwise."""
        found: dict[str, list[str]] = {}
        for text in self.given:
            node, bar, nodes = text.partition("|") if isinstance(text, str) else ("", "", "")
            if not bar or not node.strip() or node.strip() in found:
                raise ValueError(f"given: {text!r}; expected one text a node, such as 'y | x, z'")
            found[node.strip()] = [name.strip() for name in nodes.split(",") if name.strip()]
        return found

    def _own(self, graph: nx.DiGraph, data: Values) -> Values:
        """Take the graph in which nodes have what they are `given`. Raises `ValuesError` for unknown nodes, a cycle."""
        replaced = self._replaced()
        if unknown := sorted({*replaced, *(v for nodes in replaced.values() for v in nodes)} - set(graph)):
            raise ValuesError(f"given: unknown node(s) {unknown}; there are {sorted(graph)}")
        rewired = nx.DiGraph(graph)
        for node, nodes in replaced.items():
            rewired.remove_edges_from(list(rewired.in_edges(node)))
            rewired.add_edges_from((parent, node) for parent in nodes)
        return super()._own(rewired, data)

    def _stream(self, node: str, seed: int) -> torch.Generator:
        """One stream for all that are given nothing: a bootstrap of whole rows."""
        return super()._stream(node, seed) if self.parents[node] else generator(seed, "noise of roots")
