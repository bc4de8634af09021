"""Floors of images: what an image of the wanted class is worth that knows the row's class only, or little more."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import networkx as nx
import torch
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import Values, ValuesError, flatten, n_rows, parents
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from ..contract.columns import Scaler

NEAREST = 50
"""Training rows, nearest in the parents' numbers, among which `nearest` looks for the nearest image."""


class ImageFloor(CausalModel):
    """A training image, or a mean of them, of the class that the intervention asks for; the other nodes stay.

    The class of a row is what its image's parents of whole numbers say, all of them together; without any there is one
    class. Answers counterfactuals only; nodes that are no image with causes are as in the factual row.
    """

    role = "floor"
    answers: ClassVar[frozenset[str]] = frozenset({"counterfactual"})
    saves = ("train",)
    train: Values

    @abstractmethod
    def chosen(self, node: str, members: Tensor, factual: Values, wanted: Values, *, seed: int) -> Tensor:
        """The image ``(n, c, h, w)`` of rows of one class.

        Args:
            node: The image.
            members: The training rows of that class, ``(m,)``.
            factual: The factual rows.
            wanted: The same rows with the intervened nodes set.
            seed: Where randomness comes from.

        Returns:
            An image a row.
        """

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Keep the rows. Raises `Unsupported` for a graph without an image that has causes."""
        if not self._images():
            raise Unsupported(f"{type(self).__name__} answers with images; no image of this graph has causes")
        self.train = data

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Raises `Unsupported`: it knows no distribution."""
        raise Unsupported(f"{type(self).__name__} only answers counterfactuals: it answers a factual row")

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        wanted = factual | forced
        for node in set(self._images()) & self.reached(forced):
            labels = [v for v in parents(self.graph, node) if not self.like[v].is_floating_point()]
            answer = torch.empty_like(factual[node])
            asked = flatten(wanted, labels) if labels else torch.empty(n_rows(factual), 0)
            trained = flatten(self.train, labels) if labels else torch.empty(n_rows(self.train), 0)
            for value in asked.unique(dim=0) if labels else asked[:1]:
                rows = (asked == value).all(1).nonzero()[:, 0]
                members = (trained == value).all(1).nonzero()[:, 0]
                if not len(members):
                    told = ", ".join(f"{v} = {a:g}" for v, a in zip(labels, value.tolist(), strict=True))
                    raise ValuesError(f"no training row of {node!r} has {told}: choose classes of the training rows")
                of_rows = [{v: x[rows] for v, x in values.items()} for values in (factual, wanted)]
                answer[rows] = self.chosen(node, members, *of_rows, seed=seed)
            wanted[node] = answer
        return wanted

    def _images(self) -> list[str]:
        return [v for v, x in self.like.items() if x.ndim == 4 and any(self.graph.predecessors(v))]


class ClassMean(ImageFloor):
    """The mean training image of the class that the intervention asks for."""

    def chosen(self, node: str, members: Tensor, factual: Values, wanted: Values, *, seed: int) -> Tensor:
        """The mean image, the same for all rows."""
        return self.train[node][members].double().mean(0).expand_as(factual[node]).to(factual[node])


class RandomClass(ImageFloor):
    """A random training image of the class that the intervention asks for: the row "training data" of other papers.

    Schut et al., "Generating Interpretable Counterfactual Explanations By Implicit Minimisation of Epistemic and
    Aleatoric Uncertainties", 2021. What is drawn depends on the seed and on the factual row, not on its place.
    """

    def chosen(self, node: str, members: Tensor, factual: Values, wanted: Values, *, seed: int) -> Tensor:
        """A draw a row, keyed by the row itself."""
        rows = [x.reshape(len(x), -1) for x in factual.values()]
        keys = [b"".join(x[i].numpy().tobytes() for x in rows) for i in range(len(rows[0]))]
        drawn = [derive(seed, "random class", node, key.hex()) % len(members) for key in keys]
        return self.train[node][members[drawn]]


class Nearest(ImageFloor):
    """The training image nearest to the factual one, among those of the class and near in the parents' numbers.

    Of the rows of the class, the 50 whose other parents (standardised) are nearest to the wanted ones are looked at,
    all of them where the image has no such parents.
    """

    def chosen(self, node: str, members: Tensor, factual: Values, wanted: Values, *, seed: int) -> Tensor:
        """The nearest image by Euclidean distance."""
        images = flatten(self.train, [node])[members]
        distance = torch.cdist(flatten(factual, [node]), images)
        numbers = [v for v in parents(self.graph, node) if self.like[v].is_floating_point()]
        if numbers and len(members) > NEAREST:
            scaler = Scaler.of(flatten(self.train, numbers), correction=0)
            apart = torch.cdist(scaler(flatten(wanted, numbers)), scaler(flatten(self.train, numbers)[members]))
            distance = distance.masked_fill(apart > apart.kthvalue(NEAREST, 1, keepdim=True).values, torch.inf)
        return self.train[node][members[distance.argmin(1)]]
