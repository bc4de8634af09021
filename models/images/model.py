"""The skeleton of image models: an image mechanism where there are images, one and the same for the rest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import networkx as nx
from scmbench.datasets.problem import Problem
from scmbench.datasets.values import Values

from ..contract.base import Unsupported
from ..contract.checks import check_device
from ..contract.nodewise import Mechanism, NodewiseModel, Task
from .context import Slot
from .mechanism import ImageMechanism, check_pixels
from .scalars import ScalarFlow
from .trainer import Recipe


class ImageModel(NodewiseModel):
    """A nodewise model of a graph whose images ``(n, c, h, w)`` are caused and cause nothing; pixels in about [0, 1].

    A subclass writes `image` and `at_query`. Roots are resampled, of whatever type; a scalar that has causes is a
    conditional flow (`ScalarFlow`, trained for `scalar_steps`), the same for all image models, so that they differ in
    the image alone. A root of whole numbers is a label: only its training values are classes, others are refused. Whole
    numbers that have causes are counts.

    Graphs without an image that has a cause are `Unsupported`, so are vectors with causes and nodes caused by images.
    """

    steps: int
    batch_size: int
    lr: float
    scalar_steps: int
    device: str

    abduction_tolerance: float = 0.2
    """Of a pixel; what deterministic diffusion gives back after few levels."""

    @abstractmethod
    def image(self, shape: Sequence[int], slots: Sequence[Slot]) -> ImageMechanism:
        """A new, unfitted mechanism of an image ``(c, h, w)`` whose parents have these columns.

        Raises `Unsupported` for a shape that it cannot model.
        """

    @abstractmethod
    def at_query(self) -> Any:
        """How a mechanism answers, from the options that act at query time. Raises `ValueError` for a bad one."""

    def check(self) -> None:
        """Raise `ValueError` for an option that training or a query could not take."""
        self.at_query()
        self.recipe()

    def recipe(self) -> Recipe:
        """How the image's network is trained. Raises `ValueError` for a bad option."""
        return Recipe(self.steps, self.batch_size, self.lr)

    def mechanism(self) -> Mechanism:
        """Nothing: what a node gets depends on the node (`made`)."""
        raise TypeError("an image model's mechanism depends on the node: made(node)")

    def made(self, node: str) -> Mechanism:
        """Resampling for a root, a flow for a scalar, `image` for an image."""
        if not self.parents[node]:
            return self.root()
        like, slots = self.like[node], self._slots(node)
        if like.ndim == 4:
            return self.image(like.shape[1:], slots)
        return ScalarFlow(slots, steps=self.scalar_steps, whole=not like.is_floating_point())

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Learn every mechanism. Raises `Unsupported` for a graph that it cannot model, `ValuesError` for pixels."""
        check_device(self.device)
        self._check_graph(graph)
        for node in self._images():
            check_pixels(node, data[node])
        tasks, self.mechanisms = self._tasks(graph, data, seed=seed), {}
        for node in self.order:
            mechanism, task = self.made(node), tasks.pop(node)
            task = Task(task.x.to(mechanism.dtype), task.parents, task.seed)
            self.mechanisms[node] = mechanism.fit(task)

    def fit_many(self, problems: Sequence[Problem], seeds: Sequence[int]) -> list[Self]:
        """Fitted copies, one after the other: an image network fills the machine by itself."""
        return super(NodewiseModel, self).fit_many(problems, seeds)

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        for node in set(self._images()) & self.reached(forced):
            check_pixels(node, factual[node])
        return super()._counterfactual(factual, forced, seed=seed)

    def with_query_options(self, **options: Any) -> Self:
        """The same fit under other `query_options`. Raises `ValueError` for others and for a value that is none."""
        other = super().with_query_options(**options)
        query = other.at_query()
        if hasattr(self, "mechanisms"):
            other.mechanisms = {
                node: m.at_query(query) if isinstance(m, ImageMechanism) else m for node, m in self.mechanisms.items()
            }
        return other

    def cost(self) -> dict[str, int]:
        """Parameters over all mechanisms; gradient steps and `mflop` (a pass over one image) of the largest image's."""
        images = [m.cost() for m in self.mechanisms.values() if isinstance(m, ImageMechanism)]
        return super().cost() | {what: max(cost[what] for cost in images) for what in ("gradient_steps", "mflop")}

    def _images(self) -> list[str]:
        """The images that are modelled: those with causes."""
        return [node for node, x in self.like.items() if x.ndim == 4 and any(self.graph.predecessors(node))]

    def _slots(self, node: str) -> list[Slot]:
        """The columns of the node's parents, as they lie side by side."""
        slots = []
        for parent in self.parents[node]:
            like = self.like[parent]
            label = not like.is_floating_point() and like.ndim == 1 and not self.parents[parent]
            slots += [Slot(parent, label)] * like.shape[1:].numel()
        return slots

    def _check_graph(self, graph: nx.DiGraph) -> None:
        who = type(self).__name__
        if not self._images():
            shapes = {node: tuple(x.shape[1:]) for node, x in self.like.items()}
            raise Unsupported(f"{who} models images (c, h, w) with causes; there is none among the nodes {shapes}")
        for node, x in self.like.items():
            if x.ndim > 2 and (effects := sorted(graph.successors(node), key=str)):
                raise Unsupported(f"{who} has no mechanism for a node caused by an image: {node!r} causes {effects}")
            if x.ndim not in (1, 4) and any(graph.predecessors(node)):
                shape = tuple(x.shape[1:])
                raise Unsupported(f"{who} models scalars and images (c, h, w); {node!r} has the shape {shape}")
