"""What every fit sets, how it is kept, and how it is read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import networkx as nx
from scmbench.datasets.values import Values, ValuesError
from torch import Tensor

from .checks import own_graph, own_rows
from .fields import FieldError, Saves, lift_fields, lower
from .levels import levels_of
from .options import option_defaults


class Unsupported(Exception):
    """Raised by `fit` or a query that a method cannot answer by design; tables then show that, not a failure."""


class Fitted(Saves):
    """A model's side of a fit that no method writes.

    Every fit sets `graph` (a plain copy), `order` (its nodes, causes first, ties by name), `like` (for every node a
    tensor of no rows that has its type and event shape), `levels` (for every discrete node the values that occur in
    training, see `contract.levels`) and `categorical` (the nodes that are declared so).
    """

    categories: ClassVar[bool] = False
    """Whether it can model nodes whose numbers have no order."""

    common: ClassVar[Mapping[str, Any]] = {
        "graph": nx.DiGraph,
        "like": dict[str, Tensor],
        "levels": dict[str, Tensor],
        "categorical": list[Any],
    }
    """Fields that this base sets, with their types: they are saved beside those that a method names in `saves`."""

    graph: nx.DiGraph
    order: list[str]
    like: Values
    levels: Values
    categorical: list[str]

    def reached(self, nodes: Iterable[str]) -> set[str]:
        """What an intervention can move: the descendants of its nodes, without the nodes themselves.

        Args:
            nodes: The nodes that are set.

        Returns:
            Names of nodes of the fitted graph.
        """
        forced = set(nodes)
        return set().union(*(nx.descendants(self.graph, node) for node in forced)) - forced

    def _own(self, graph: nx.DiGraph, data: Values) -> Values:
        """Set what every fit sets; returns copies of the rows. Lists among the options become tuples.

        Raises `Unsupported` for declared categories where the class knows numbers only.
        """
        plain = own_graph(graph)
        rows = own_rows(data, plain)
        self.graph, self.order, self.like = plain, list(plain), {node: x[:0].clone() for node, x in rows.items()}
        self.levels = levels_of(rows)
        self.categorical = [node for node in plain if graph.nodes[node].get("categorical")]
        if self.categorical and not self.categories:
            raise Unsupported(
                f"{type(self).__name__} models numbers, and {self.categorical[0]!r} is a category without order: "
                "encode it as columns of 0 and 1, or declare its order"
            )
        if taken := sorted(set(option_defaults(type(self))) & {*self.common, "order"}):
            raise ValuesError(f"{type(self).__name__}: its option {taken[0]!r} has the name of what every fit sets")
        for name in option_defaults(type(self)):
            if isinstance(option := vars(self).get(name), list):
                setattr(self, name, tuple(option))
        return rows

    def _fitted(self) -> Values:
        if "like" not in vars(self):
            raise ValuesError(f"{type(self).__name__} is not fitted yet: call fit(graph, data, seed=...) first")
        return self.like

    def seen_together(self) -> list[tuple[set[str], set[str]]]:
        """Nodes whose hidden causes the model infers, and all nodes that it infers these from, a pair a set of causes.

        A counterfactual of one of the first rests on the values of all of the second, a proxy's too, which causes
        nothing. Most models infer no hidden cause, and have no pair.
        """
        return []

    def saved(self) -> dict[str, Any]:
        """The fields of `saves` and those that every fit sets, as plain data.

        Returns:
            Field to numbers, texts, tensors, and lists and dicts of these.

        Raises:
            FieldError: For a field that is missing or is no plain data.
            Unsupported: Where the class says that it cannot be saved.
        """
        own = super().saved()
        return {name: lower(vars(self)[name], hint, name) for name, hint in self._common(vars(self)).items()} | own

    def restore(self, fields: Mapping[str, Any]) -> Self:
        """Take the fields that `saved` gave, on a new model with the same options.

        Args:
            fields: What `saved` gave, maybe read from a file.

        Returns:
            The model itself, which answers as the saved one did.

        Raises:
            FieldError: For a field that is missing, of another type, or does not fit the others.
        """
        common = self._common(fields)
        for name, value in lift_fields({name: fields[name] for name in common}, common, type(self).__name__).items():
            setattr(self, name, value)
        if "graph" in common:
            self.graph = own_graph(self.graph)
            self.order = list(self.graph)
        if {"graph", "like"} <= set(common):
            if set(self.like) != set(self.order):
                raise FieldError(f"like has the nodes {list(self.like)}, the graph {self.order}")
            self.like = {node: self.like[node] for node in self.order}
            self._check_levels()
        return super().restore({name: value for name, value in fields.items() if name not in common})

    def _check_levels(self) -> None:
        """Raises `FieldError` where the levels that were read are missing or belong to other nodes."""
        if "levels" not in vars(self) or "categorical" not in vars(self):
            raise FieldError("the fields lack 'levels' or 'categorical': saved by an older scmbench; fit again")
        for node, known in self.levels.items():
            like = self.like.get(node)
            expected = None if like is None else (like.dtype, like.shape[1:].numel())
            if known.ndim != 2 or not len(known) or (known.dtype, known.shape[1]) != expected:
                raise FieldError(f"levels[{node!r}] has shape {tuple(known.shape)} and {known.dtype}")

    def _common(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: hint for name, hint in self.common.items() if name in fields and name not in (self.saves or ())}
