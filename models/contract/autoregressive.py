"""Vector nodes by mechanisms of scalars: every component given the parents and the components before it."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import networkx as nx
import torch
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import Values, is_image, n_rows
from torch import Tensor

from .base import Unsupported
from .fields import FieldError, lift
from .nodewise import Empirical, Mechanism, NodewiseModel, Task

ROOTS = ("resample", "fitted")


class Autoregressive(Mechanism):
    """``x_k = f_k(u_k; pa, x_1..x_{k-1})``: a scalar mechanism f_k, a copy of `part`, for each of d components.

    Noise is ``(n, d)``, a column a component. The map of u to x is triangular, so that a counterfactual depends on the
    order of the components where their noises are not independent.
    """

    dtype: ClassVar[torch.dtype] = torch.float64
    parts: list[Mechanism]

    def __init__(self, part: Mechanism):
        self.part = part

    def fit(self, task: Task) -> Self:
        """Learn every component."""
        vars(self).update(vars(self.fit_stack([task])[0]))
        return self

    def fit_stack(self, tasks: Sequence[Task]) -> list[Self]:
        """Learn every component of every task, all of them in one stack."""
        parts = iter(self.part.fit_stack([component(task, k) for task in tasks for k in range(task.x.shape[1])]))
        fitted = []
        for task in tasks:
            mechanism = copy.copy(self)
            mechanism.parts = [next(parts) for _ in range(task.x.shape[1])]
            fitted.append(mechanism)
        return fitted

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, d k)`` of rows ``x (n, d)`` given ``parents (n, p)``, k columns of it a component."""
        return torch.cat([f.encode(own, given) for f, own, given in self.components(x, parents)], 1)

    def components(self, x: Tensor, parents: Tensor) -> Iterator[tuple[Any, Tensor, Tensor]]:
        """Of every component its mechanism, its values ``(n, 1)`` and what it is given, ``(n, p + k)``."""
        for k, f in enumerate(self.parts):
            yield f, x[:, k : k + 1], _given(parents, x, k)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``(n, d)`` of noise ``u (n, d k)`` given ``parents (n, p)``, k columns of it a component."""
        x = u.new_empty(len(u), len(self.parts))
        for k, (f, own) in enumerate(zip(self.parts, u.chunk(len(self.parts), 1), strict=True)):
            x[:, k : k + 1] = f.decode(own, _given(parents, x, k))
        return x

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws ``(n, d k)``, a component after the other."""
        return torch.cat([f.noise(n, generator) for f in self.parts], 1)

    def draw(self, parents: Tensor, generator: torch.Generator) -> Tensor:
        """Fresh rows ``(n, d)`` given ``parents (n, p)``, as the components draw theirs."""
        x = parents.new_empty(len(parents), len(self.parts))
        for k, f in enumerate(self.parts):
            x[:, k : k + 1] = f.draw(_given(parents, x, k), generator)
        return x

    def log_prob(self, x: Tensor, parents: Tensor) -> Tensor:
        """``(n,)``: the sum over components, where these have a density."""
        return torch.stack([f.log_prob(own, given) for f, own, given in self.components(x, parents)]).sum(0)

    def cost(self) -> dict[str, int]:
        """Trained scalars of all components, optimiser steps of one (they train side by side)."""
        costs = [f.cost() for f in self.parts]
        total = {"parameters": sum(c.get("parameters", 0) for c in costs)}
        return total | {"gradient_steps": max((c.get("gradient_steps", 0) for c in costs), default=0)}

    def saved(self) -> dict[str, Any]:
        """The fields of every component."""
        if not hasattr(self, "parts"):
            raise FieldError("the mechanism has no 'parts': it is not fitted")
        return {"parts": [f.saved() for f in self.parts]}

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """A component for each of those that were saved."""
        if set(fields) != {"parts"}:
            raise FieldError(f"a mechanism has the fields {sorted(fields)}, expected ['parts']")
        self.parts = [copy.deepcopy(self.part).restore(part) for part in lift(fields["parts"], list[dict], "parts")]
        return self


class VectorModel(NodewiseModel):
    """A model of scalars and vectors, of which images are `Unsupported`.

    It has the option `roots`: ``resample`` for a bootstrap of the training rows, ``fitted`` for a mechanism without
    parents. Where all mechanisms have a ``log_prob(x, parents)``, so has the model.
    """

    roots: str = "resample"

    def root(self) -> Mechanism:
        """What `roots` says."""
        return self.mechanism() if self.roots == "fitted" else Empirical()

    def _tasks(self, graph: nx.DiGraph, data: Values, *, seed: int) -> dict[str, Task]:
        for node, x in data.items():
            if is_image(x) and (self.roots == "fitted" or graph.in_degree(node)):
                shape = tuple(x.shape[1:])
                raise Unsupported(f"{type(self).__name__} models scalars and vectors; {node!r} is an image of {shape}")
        return super()._tasks(graph, data, seed=seed)

    def _density(self, x: Values) -> Tensor:
        """The sum of ``log p(x_v | pa_v)`` over the nodes, ``(n,)``. Raises `Unsupported` where roots are resampled."""
        n = n_rows(x)
        total = torch.zeros(n, dtype=torch.float64)
        for node in self.order:
            mechanism: Any = self.mechanisms[node]
            if isinstance(mechanism, Empirical):
                raise Unsupported(f"the root {node!r} is resampled, so that it has no density: set roots='fitted'")
            own, pa = self._own_column(mechanism, node, x), self._parent_columns(mechanism, node, x, n)
            total += mechanism.log_prob(own, pa)
        return total


class AutoregressiveModel(VectorModel):
    """A model of scalar mechanisms, which takes the components of a vector node in turn; a subclass writes `scalar`."""

    @abstractmethod
    def scalar(self) -> Mechanism:
        """A new, unfitted mechanism of one component."""

    def mechanism(self) -> Autoregressive:
        """The scalar mechanism, component by component."""
        return Autoregressive(self.scalar())


class DensityModel(AutoregressiveModel):
    """One whose scalar mechanisms have a ``log_prob(x, parents)``."""

    def _log_prob(self, x: Values) -> Tensor:
        """See `VectorModel`. Raises `Unsupported` where roots are resampled."""
        return self._density(x)


def check_options(
    *, whole: Mapping[str, Any], positive: Mapping[str, Any], choices: Mapping[str, tuple[Any, Sequence[str]]]
) -> None:
    """Raises `ValueError` that names the first option that is no whole number above 0, no number above 0, no choice."""
    for name, value in whole.items():
        if not (type(value) is int and value > 0):
            raise ValueError(f"{name}={value!r}: expected a whole number above 0")
    for name, value in positive.items():
        if not (type(value) in (int, float) and value > 0):
            raise ValueError(f"{name}={value!r}: expected a number above 0")
    for name, (value, known) in choices.items():
        if value not in known:
            raise ValueError(f"{name}={value!r}: choose one of {list(known)}")


def component(task: Task, k: int) -> Task:
    """The task of component k: ``x_k`` given the parents and the components before it."""
    known = None if task.levels is None else task.levels[:, k : k + 1]
    if known is not None:
        known = None if bool(known.isnan().any()) else known.unique(dim=0)
    return Task(task.x[:, k : k + 1], _given(task.parents, task.x, k), derive(task.seed, "component", k), known)


def _given(parents: Tensor, x: Tensor, k: int) -> Tensor:
    return torch.cat([parents, x[:, :k]], 1)
