"""Models with one mechanism a node: the walk in topological order, written once."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.problem import Problem
from scmbench.datasets.seeds import derive, generator
from scmbench.datasets.values import Values, flatten, n_rows, parents
from torch import Tensor

from .base import UNTOUCHED, CausalModel
from .checks import as_like
from .fields import FieldError, Saves, lift, lift_fields
from .units import check_origin, origin


@dataclass(frozen=True)
class Task:
    """One mechanism to learn: target ``x (n, d)``, its parents side by side ``(n, p)`` in sorted-name order, a seed.

    `levels` ``(k, d)`` are those of a discrete target (`contract.levels`), float64, counted from where `x` is.
    """

    x: Tensor
    parents: Tensor
    seed: int
    levels: Tensor | None = None


class Mechanism(Saves, ABC):
    """``x = f(u, pa)`` for one node, learned; tensors are of its `dtype`, rows first.

    A value at 10^9 standard deviations from 0 has no digit left in float32. So values of the node and of its parents
    are counted from an `origin` near them before they are cast, and what is decoded is counted from there; the origin
    is 0 where the training rows lie around 0. Noise is never shifted.
    """

    dtype: ClassVar[torch.dtype] = torch.float32

    from_origin: ClassVar[bool] = True
    """Whether values are counted from their origin: False for what is about the values themselves, as a logarithm.

    Where they are not, parents are handed over in float64, for the mechanism to centre before it casts them.
    """

    @abstractmethod
    def fit(self, task: Task) -> Self:
        """Learn from the task; returns self.

        Args:
            task: Target rows ``x (n, d)``, the parents' ``(n, p)`` and a seed.

        Returns:
            The mechanism itself, fitted.
        """

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """A fitted copy for every task. Override it to train all at once; a result must not depend on its mates."""
        return [copy.deepcopy(self).fit(task) for task in tasks]

    @abstractmethod
    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Abduction: the noise ``u (n, k)`` of the rows ``x (n, d)`` given ``parents (n, p)``.

        Args:
            x: The node's values, ``(n, d)``.
            parents: Its parents side by side in sorted-name order, ``(n, p)``.

        Returns:
            The noise, ``(n, k)``.
        """

    @abstractmethod
    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Prediction: the value ``x (n, d)`` of noise ``u (n, k)`` given ``parents (n, p)``.

        Args:
            u: The noise, ``(n, k)``.
            parents: The node's parents side by side in sorted-name order, ``(n, p)``.

        Returns:
            The node's values, ``(n, d)``.
        """

    @abstractmethod
    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws ``u (n, k)`` of the noise.

        Args:
            n: How many rows.
            generator: Where they are drawn from.

        Returns:
            The noise, ``(n, k)``.
        """

    def draw(self, parents: Tensor, generator: torch.Generator) -> Tensor:
        """Fresh rows ``x (n, d)`` given ``parents (n, p)``: the noise of `generator`, decoded.

        Override it where drawing is cheaper than that; the law must be the same.
        """
        return self.decode(self.noise(len(parents), generator), parents)

    def cost(self) -> dict[str, int]:
        """``parameters`` and ``gradient_steps`` of this mechanism, where it has them."""
        return {}


class Empirical(Mechanism):
    """A root's distribution: its training rows, drawn with replacement. Its noise is the value itself."""

    dtype: ClassVar[torch.dtype] = torch.float64
    from_origin: ClassVar[bool] = False
    saves = ("x",)
    x: Tensor

    def fit(self, task: Task) -> Self:
        """Keep the rows."""
        self.x = task.x
        return self

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The value itself."""
        return x

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The value itself."""
        return u

    def mean(self, parents: Tensor) -> Tensor:
        """The mean of the training rows, for every row of ``parents (n, 0)``."""
        return self.x.mean(0).expand(len(parents), -1)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """A bootstrap of the training rows."""
        return self.x[torch.randint(len(self.x), (n,), generator=generator)]


class NodewiseModel(CausalModel):
    """A causal model made of one mechanism a node, given its parents; a subclass writes `mechanism`.

    Vector nodes are flattened to ``(n, d)`` for the mechanism; what is decoded for a discrete node is brought to its
    levels, and that is what its children see. `origins` has each node's `origin` ``(d,)``, from which its values are
    counted before they are cast to a mechanism's type.
    """

    saves = ("origins",)
    origins: Values

    @abstractmethod
    def mechanism(self) -> Mechanism:
        """A new, unfitted mechanism for a node that has parents."""

    def root(self) -> Mechanism:
        """A new, unfitted mechanism for a node without parents."""
        return Empirical()

    def made(self, node: str) -> Mechanism:
        """A new, unfitted mechanism for this node; a model whose nodes differ in kind overrides it and `_fit`."""
        return self.mechanism() if self.parents[node] else self.root()

    def _fit(self, graph: nx.DiGraph, data: Values, *, seed: int) -> None:
        """Learn every mechanism."""
        self.mechanisms = _fit_stacks(self, self._tasks(graph, data, seed=seed))

    def fit_many(self, problems: Sequence[Problem], seeds: Sequence[int]) -> list[Self]:
        """Fitted copies, the mechanisms of all nodes of all problems trained in one stack."""
        copies = [copy.deepcopy(self) for _ in problems]
        tasks = {}
        for i, (model, problem, seed) in enumerate(zip(copies, problems, seeds, strict=True)):
            rows = model._own(problem.graph, problem.train)
            tasks.update({(i, node): task for node, task in model._tasks(model.graph, rows, seed=seed).items()})
        fitted = _fit_stacks(self, tasks)
        for i, model in enumerate(copies):
            model.mechanisms = {node: fitted[i, node] for node in model.order}
        return copies

    def _tasks(self, graph: nx.DiGraph, data: Values, *, seed: int) -> dict[str, Task]:
        self.parents = {node: parents(graph, node) for node in self.order}
        self.origins = {node: origin(flatten(data, [node])) for node in self.order}
        tasks = {}
        for node in self.order:
            mechanism = self.made(node)
            x, pa = self._own_column(mechanism, node, data), self._parent_columns(mechanism, node, data, n_rows(data))
            known = self.levels.get(node)
            if known is not None:
                known = known.double() - self.origins[node] if mechanism.from_origin else known.double()
            tasks[node] = Task(x, pa, derive(seed, "fit", node), known)
        return tasks

    def _sample(self, n: int, forced: Values, *, seed: int) -> Values:
        """Walk the graph: intervened nodes take their value, the others decode fresh noise given their parents."""
        values: Values = {}
        for node in self.order:
            if node in forced:
                values[node] = forced[node]
            else:
                mechanism = self.mechanisms[node]
                pa = self._told(mechanism, node, values, n)
                x = mechanism.draw(pa, self._stream(node, seed))
                values[node] = self._value(mechanism, node, x)
        return values

    def _stream(self, node: str, seed: int) -> torch.Generator:
        """Where fresh noise of a node comes from; nodes that share a stream are bootstrapped together."""
        return generator(seed, "noise", node)

    def _abduct(self, factual: Values) -> Values:
        """The inferred noise ``{node: (n, k)}`` of factual rows."""
        n = n_rows(factual)
        return {node: self._encode(node, factual, n) for node in self.order}

    def _counterfactual(self, factual: Values, forced: Values, *, seed: int) -> Values:
        """Abduction, action, prediction (Pearl, Causality, 2009, Theorem 7.1.7) with the learned mechanisms."""
        n, values = n_rows(factual), factual | forced
        # A method that waives this decodes again, from its own noise, even what the intervention cannot reach.
        decoded = self.reached(forced) if self._keeps(UNTOUCHED) else set(self.order) - set(forced)
        for node in self.order:
            if node in decoded:
                values[node] = self._decode(node, self._infer(node, factual, n, seed), values, n)
        return values

    def cost(self) -> dict[str, int]:
        """Parameters over all mechanisms, gradient steps of one of them (they train side by side)."""
        costs = [mechanism.cost() for mechanism in self.mechanisms.values()]
        total = {"parameters": sum(c.get("parameters", 0) for c in costs)}
        total["gradient_steps"] = max((c.get("gradient_steps", 0) for c in costs), default=0)
        return total if total["parameters"] else {}

    def saved(self) -> dict[str, Any]:
        """The graph, the nodes' types, and every mechanism's own fields."""
        if not hasattr(self, "mechanisms"):
            raise FieldError(f"{type(self).__name__} has no 'mechanisms': it is not fitted")
        made = {node: type(self.made(node)) for node in self.order}
        if odd := [node for node, m in self.mechanisms.items() if type(m) is not made[node]]:
            raise FieldError(f"the mechanism of {odd[0]!r} is not a {made[odd[0]].__name__}, as the model makes them")
        return super().saved() | {"mechanisms": {node: m.saved() for node, m in self.mechanisms.items()}}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """The graph, the nodes' types, and a mechanism a node, made by `mechanism` or `root`."""
        fields = dict(fields)
        stored = lift(fields.pop("mechanisms", None), dict[str, dict], "mechanisms")
        super().restore(fields)
        for node in self.order:
            check_origin(self.origins.get(node), self.like[node].shape[1:].numel(), f"origins[{node!r}]")
        self.parents = {node: parents(self.graph, node) for node in self.order}
        lift_fields(stored, dict.fromkeys(self.order, Any), "mechanisms")
        self.mechanisms = {node: self.made(node).restore(stored[node]) for node in self.order}
        return self

    def _encode(self, node: str, factual: Values, n: int) -> Tensor:
        mechanism = self.mechanisms[node]
        x, pa = self._own_column(mechanism, node, factual), self._told(mechanism, node, factual, n)
        return mechanism.encode(x.to(mechanism.dtype), pa)

    def _infer(self, node: str, factual: Values, n: int, seed: int) -> Tensor:
        """The noise ``(n, k)`` that a counterfactual replays: where a row allows many, one that `seed` chooses."""
        return self._encode(node, factual, n)

    def _decode(self, node: str, u: Tensor, values: Values, n: int) -> Tensor:
        mechanism = self.mechanisms[node]
        pa = self._told(mechanism, node, values, n)
        return self._value(mechanism, node, mechanism.decode(u, pa))

    def _own_column(self, mechanism: Mechanism, node: str, values: Values) -> Tensor:
        """A node's values ``(n, d)``, float64, counted as its mechanism wants them."""
        x = flatten(values, [node])
        return x - self.origins[node] if mechanism.from_origin else x

    def _parent_columns(self, mechanism: Mechanism, node: str, values: Values, n: int) -> Tensor:
        """The values of a node's parents ``(n, p)``, float64, counted as its mechanism wants them."""
        causes = self.parents[node]
        pa = columns(values, causes, n)
        if causes and mechanism.from_origin:
            pa = pa - torch.cat([self.origins[parent] for parent in causes])
        return pa

    def _told(self, mechanism: Mechanism, node: str, values: Values, n: int) -> Tensor:
        """What a mechanism is told of the parents, ``(n, p)``: cast to its dtype where they were centred first."""
        pa = self._parent_columns(mechanism, node, values, n)
        return pa.to(mechanism.dtype) if mechanism.from_origin else pa

    def _value(self, mechanism: Mechanism, node: str, x: Tensor) -> Tensor:
        """What a mechanism decoded, ``x (n, d)``, as the node's value ``(n, *event)``, a discrete one at its levels."""
        wide = x.detach().to(self.origins[node])
        wide = wide + self.origins[node] if mechanism.from_origin else wide
        return as_like(wide, self.like[node], self.levels.get(node))


def columns(values: Values, nodes: Sequence[str], n: int) -> Tensor:
    """The chosen nodes side by side, ``(n, p)``; ``(n, 0)`` for none of them."""
    return flatten(values, nodes) if nodes else torch.empty(n, 0, dtype=torch.float64)


def _fit_stacks(model: NodewiseModel, tasks: dict) -> dict:
    """Fit all roots and all other nodes, each kind in one stack; keys are kept."""
    fitted = {}
    for roots, prototype in ((True, model.root()), (False, model.mechanism())):
        keys = [key for key, task in tasks.items() if (task.parents.shape[1] == 0) is roots]
        if keys:
            cast = [_cast(tasks[key], prototype.dtype) for key in keys]
            fitted.update(zip(keys, prototype.fit_stack(cast), strict=True))
    return fitted


def _cast(task: Task, dtype: torch.dtype) -> Task:
    return replace(task, x=task.x.to(dtype), parents=task.parents.to(dtype))
