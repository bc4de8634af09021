"""One fitted model on one's own data: pandas in, pandas out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import networkx as nx
import numpy as np
import pandas as pd
import torch
from scmbench.datasets.hidden import CONFOUNDED
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import Intervention, Values, ValuesError, check_graph, columns_of, from_frame, to_frame
from torch import Tensor

from ..contract.base import CausalModel, Unsupported
from ..contract.checks import check_device
from ..contract.options import build
from ..contract.registry import load as load_class
from . import saving
from .effects import Effect, effect_of
from .frame_do import Do, needed, resolve, whole
from .labels import Labels
from .names import check_columns, check_names
from .support import Support, tell

EXACT, UNTOUCHED = "do is exact", "non-descendants untouched"


class WaiverWarning(UserWarning):
    """The model breaks a property that answers are expected to have; the message names it and says why."""


class FrameModel:
    """A causal model that takes and gives data frames.

    A node of the graph is the column of its name, or the columns ``name[0], name[1], …`` for a vector; other columns
    are ignored. Names are strings or whole numbers, and labels of answers are what they were. Columns of whole numbers,
    and of two values of any type, are discrete: answers have values that occur in training, in the column's type.
    Convert what is measured on a scale to float. Booleans, text and pandas categories are answered by their labels;
    three or more without order only by models that know categories. A question outside of the training rows is
    answered, with a `SupportWarning`.

    Args:
        model: A name or class, or an unfitted model. Where a method has variants and none is named, it is `corrected`;
            whatever the chosen one waives is warned of (`WaiverWarning`).
        options: The options of a name or class, as in ``FrameModel("dcm", epochs=100)``.

    >>> frame = pd.DataFrame({"dose": [0.0, 1.0, 2.0, 3.0], "effect": [1.0, 3.0, 5.0, 7.0]})
    >>> model = FrameModel("linear").fit(nx.DiGraph([("dose", "effect")]), frame)
    >>> model.counterfactual(frame, do={"dose": 2.5})["effect"].round(6).tolist()
    [6.0, 6.0, 6.0, 6.0]
    >>> model.counterfactual(frame.head(3), do={"dose": lambda x: x + 1})["effect"].round(6).tolist()
    [3.0, 5.0, 7.0]
    """

    def __init__(self, model: CausalModel | type[CausalModel] | str, **options: Any):
        if isinstance(model, str):
            model = load_class(model)
        if isinstance(model, type):
            model = build(model, options)
        elif options:
            raise ValuesError(f"the options {sorted(options)} belong to a model's name or class, not to a model")
        self.model = corrected(model)
        self._like: Values = {}
        self._labels = Labels()
        self._support: Support | None = None

    def fit(self, graph: nx.DiGraph, frame: pd.DataFrame, *, seed: int = 0) -> Self:
        """Learn from the rows of `frame`; returns self. Graph and frame are copied.

        Args:
            graph: The causal graph, acyclic; its nodes are names of columns.
            frame: The training rows.
            seed: Where all randomness comes from.

        Returns:
            The model itself, fitted.

        Raises:
            ValuesError: For a cycle, for a name that is no string or whole number or could mean two things, for a
                column that is missing, there twice, of another kind, or has NaN, and for a device that is not there.
            Unsupported: For a column that the model cannot model, such as a category.
        """
        if not isinstance(graph, nx.Graph):
            raise ValuesError(f"the graph is a {type(graph).__name__}; expected a networkx.DiGraph of cause to effect")
        check_names(graph)
        order = check_graph(graph)
        own = nx.DiGraph()
        own.add_nodes_from(order)
        own.add_edges_from(graph.edges())
        labels = Labels.of(frame, order)
        data = from_frame(labels.encode(frame), order)
        check_columns(data)
        check_device(getattr(self.model, "device", None))
        labels.check(self.model)
        own.add_nodes_from(labels.unordered, categorical=True)
        if CONFOUNDED in graph.graph:
            own.graph[CONFOUNDED] = graph.graph[CONFOUNDED]
        self.model.fit(own, data, seed=whole(seed, "seed"))
        self._like, self._labels = {node: x[:0] for node, x in data.items()}, labels
        self._support = Support.of(data)
        self._warn_of_waivers(stacklevel=3)
        return self

    def sample(self, n: int, do: Do | None = None, *, seed: int = 0) -> pd.DataFrame:
        """``n`` rows of all nodes, observational or under `do`.

        A function in `do` acts on the node's natural value, the one that it would have had under the interventions
        above it; what is below follows from the new value, what is not below stays as it was drawn (a modified
        treatment policy).

        Args:
            n: How many rows.
            do: Node to the value that it is set to, or to a function of its natural value; None sets nothing.
            seed: Where all randomness comes from.

        Returns:
            A frame with one row for each draw.

        Raises:
            ValuesError: For a `do` that does not fit.
            Unsupported: For a function where the model's own ``do`` is not exact.

        References:
            Haneuse, Rotnitzky, "Estimation of the effect of interventions that modify the received treatment", 2013.
        """
        graph, n, seed = self._fitted(), whole(n, "n", least=0), whole(seed, "seed")
        kept: Values = {}
        order = check_graph(graph)

        def natural(node: str, forced: Intervention) -> Tensor:
            if EXACT in self.model.waives:
                raise Unsupported(f"a function of {node!r} needs an exact do: {self.model.waives[EXACT]}")
            if self.model.seen_together():
                raise Unsupported(
                    f"a function of {node!r}: its natural value tells of a hidden cause, which cannot be drawn anew; "
                    "ask for the counterfactual of rows instead"
                )
            # By the Markov property the rest may be drawn anew once all that comes before the node is held; another
            # stream, because a model may use one stream for all nodes.
            stream = derive(seed, "natural", node) if kept else seed
            drawn = self.model.sample(n, {**kept, **forced}, seed=stream)
            before = order[: order.index(node)]
            kept.update({v: drawn[v] for v in before if v not in forced})
            return drawn[node]

        forced = resolve(do or {}, order, self._like, self._labels, pd.RangeIndex(n), natural)
        shifted = any(map(callable, (do or {}).values()))
        answer = self.model.sample(n, {**kept, **forced}, seed=derive(seed, "shifted") if shifted else seed)
        self._tell(forced, do)
        return self._labels.decode(to_frame(answer))

    def counterfactual(
        self, frame: pd.DataFrame, do: Do, *, nodes: Sequence[str] | None = None, seed: int = 0
    ) -> pd.DataFrame:
        """What every node, or those of `nodes`, would have been in each row of `frame` under `do`, at its index.

        A node without effects among what is asked may be missing, as a column or in some rows: its answer is then NaN,
        because its noise is unknown. A model that infers hidden causes needs all nodes that these are inferred from.

        Args:
            frame: The rows as they were.
            do: Node to the value that it is set to. A Series is aligned by its index, an array goes by position; a
                function gets the node's natural value: the factual one, or the counterfactual one under the
                interventions above it.
            nodes: The nodes that are asked about; by default all.
            seed: Where all randomness comes from.

        Returns:
            A frame with the index of `frame`.

        Raises:
            ValuesError: As `fit` raises it, and for a `do` that does not fit.
        """
        seed = whole(seed, "seed")
        factual, unknown, forced = self._asked(frame, do, nodes, seed)
        answer = self.model.counterfactual(factual, forced, seed=seed)
        self._tell(forced, do)
        return self._told(answer, frame, forced, unknown, nodes)

    def interval(
        self, frame: pd.DataFrame, do: Do, *, level: float = 0.9, nodes: Sequence[str] | None = None, seed: int = 0
    ) -> pd.DataFrame:
        """Between which two values every node would have been in each row of `frame` under `do`, at its index.

        What an interval means is the model's: see `CausalModel.interval`.

        Args:
            frame: The rows as they were; what may be missing is as for `counterfactual`.
            do: As for `counterfactual`.
            level: How likely the truth should lie between the two, above 0 and below 1.
            nodes: The nodes that are asked about; by default all.
            seed: Where all randomness comes from.

        Returns:
            The columns of `counterfactual` twice, under ``low`` and ``high``.

        Raises:
            ValuesError: As `counterfactual`, and for a `level` that is no share.
            Unsupported: Where the model gives points only.
        """
        seed = whole(seed, "seed")
        factual, unknown, forced = self._asked(frame, do, nodes, seed)
        answer = self.model.interval(factual, forced, level, seed=seed)
        self._tell(forced, do)
        ends = [{node: x[:, end] for node, x in answer.items()} for end in (0, 1)]
        low, high = (self._told(end, frame, forced, unknown, nodes) for end in ends)
        return pd.concat({"low": low, "high": high}, axis=1)

    def effect(
        self, outcome: str, do: Do, versus: Do, *, n: int = 1000, frame: pd.DataFrame | None = None, seed: int = 0
    ) -> Effect:
        """The mean of `outcome` under `do` less that under `versus`: of `n` samples, or for the rows of `frame`.

        Both are asked with the same seed, row by row.

        Args:
            outcome: A scalar node.
            do: The one intervention.
            versus: The other.
            n: How many samples, where there is no `frame`.
            frame: Rows whose counterfactuals are compared instead of samples.
            seed: Where all randomness comes from.

        Returns:
            Both means, their difference and its interval.

        Raises:
            ValuesError: For an `outcome` that is no scalar node, or has labels, which have no mean.
        """
        if outcome not in self._fitted() or self._like[outcome].ndim > 1:
            raise ValuesError(f"outcome={outcome!r}: expected one of the scalar nodes of {sorted(self._like)}")
        self._labels.check_mean(outcome)
        if frame is None:
            least = whole(n, "n", least=1)
            answers = [self.sample(least, each, seed=seed)[outcome] for each in (do, versus)]
        else:
            answers = [self.counterfactual(frame, each, nodes=[outcome], seed=seed)[outcome] for each in (do, versus)]
        under, against = (answer.to_numpy(dtype="float64") for answer in answers)
        known = ~(np.isnan(under) | np.isnan(against))
        if not known.any():
            raise ValuesError(f"outcome={outcome!r}: no row in which it can be known")
        return effect_of(outcome, under[known], against[known], seed=whole(seed, "seed"))

    def save(self, folder: Path | str) -> Path:
        """Write the fitted model into `folder` (see `saving`).

        Args:
            folder: Where its files go; made where it is not there.

        Returns:
            The folder.

        Raises:
            Unsupported: As `saving.save` raises it.
        """
        self._fitted()
        support = self._support.to_json() if self._support else None
        return saving.save(self.model, folder, like=self._like, labels=self._labels.to_json(), support=support)

    @classmethod
    def load(cls, folder: Path | str, *, model: str | None = None) -> Self:
        """The model that `save` wrote; `model` and what is raised are those of `saving.load`.

        Args:
            folder: The folder that `save` wrote.
            model: The model's name or ``package.module:Class``, where no registry knows it.

        Returns:
            The model, as it was fitted.

        Raises:
            SavedModelError: As `saving.load` raises it.
        """
        loaded = cls.__new__(cls)
        loaded.model = saving.load(folder, model=model)
        loaded._like = saving.saved_like(Path(folder))
        loaded._labels = saving.saved_labels(Path(folder))
        loaded._support = saving.saved_support(Path(folder))
        loaded._warn_of_waivers(stacklevel=3)
        return loaded

    @property
    def graph(self) -> nx.DiGraph:
        """A copy of the graph that the model was fitted on."""
        return self._fitted().copy()

    @property
    def labels(self) -> Labels:
        """What the columns that it was fitted on were before they became numbers."""
        return self._labels

    def _fitted(self) -> nx.DiGraph:
        if not self._like:
            raise ValuesError("the model is not fitted yet: call fit(graph, frame) first")
        return self.model.graph  # type: ignore[attr-defined]

    def _asked(
        self, frame: pd.DataFrame, do: Do, nodes: Sequence[str] | None, seed: int
    ) -> tuple[Values, dict[str, np.ndarray], Values]:
        """Factual rows, where they are unknown (see `_factual`), and what is done to them."""
        graph = self._fitted()
        if not isinstance(frame, pd.DataFrame):
            raise ValuesError(f"expected a pandas.DataFrame, got a {type(frame).__name__}")
        factual, unknown = self._factual(frame, graph, nodes)

        def natural(node: str, forced: Intervention) -> Tensor:
            if nx.ancestors(graph, node) & set(forced):
                return self.model.counterfactual(factual, forced, seed=seed)[node]
            if node in unknown:
                raise ValuesError(f"do({node!r}): its function needs the factual values, and some are missing")
            return factual[node]

        return factual, unknown, resolve(do, check_graph(graph), self._like, self._labels, frame.index, natural)

    def _told(
        self,
        answer: Values,
        frame: pd.DataFrame,
        forced: Values,
        unknown: dict[str, np.ndarray],
        nodes: Sequence[str] | None,
    ) -> pd.DataFrame:
        """An answer about the rows of `frame`, NaN where a node is unknown, with the labels that it was fitted with."""
        table = to_frame({node: x for node, x in answer.items() if nodes is None or node in nodes})
        table = table.set_index(frame.index)
        for node, missing in unknown.items():
            if node not in forced and node in answer and (nodes is None or node in nodes):
                for name in columns_of(table, node):
                    table[name] = table[name].astype("float64").where(~missing)
        return self._labels.decode(table)

    def _factual(
        self, frame: pd.DataFrame, graph: nx.DiGraph, nodes: Sequence[str] | None
    ) -> tuple[Values, dict[str, np.ndarray]]:
        """Factual rows, and per node the rows ``(n,)`` in which it is unknown and stands for itself only."""
        if isinstance(nodes, str) or set(nodes or ()) - set(graph):
            raise ValuesError(f"nodes={nodes!r}: expected a list of the graph's nodes {sorted(graph)}")
        frame = self._labels.encode(frame)
        unknown = {node: gaps for node in self._like if (gaps := _gaps(frame, node)).any()}
        asked = set(nodes) if nodes is not None else {v for v in graph if not (v in unknown and unknown[v].all())}
        rest_on = needed(graph, asked)
        if UNTOUCHED in self.model.waives and unknown:
            rest_on = set(graph)  # such a model looks at more than the ancestors
        beside = set().union(*(seen for members, seen in self.model.seen_together() if members & rest_on))
        for node in list(unknown):
            above = bool(nx.descendants(graph, node) & asked) or UNTOUCHED in self.model.waives
            if node in beside or (node in rest_on and above):
                del unknown[node]  # from_frame refuses it, by column and row
            elif nodes is not None and node in asked and unknown[node].all():
                del unknown[node]
        known = [node for node in self._like if node not in unknown]
        factual = {v: _as_fitted(v, x, self._like[v]) for v, x in from_frame(frame, known).items()}
        n = len(frame)
        for node in unknown:
            assert self._support
            filler = self._support.lowest({node: self._like[node]})[node].expand(n, *self._like[node].shape[1:]).clone()
            present = torch.tensor(~unknown[node])
            if present.any():
                part = from_frame(frame.loc[~unknown[node]], [node])
                filler[present] = _as_fitted(node, part[node], self._like[node])
            factual[node] = filler
        return {node: factual[node] for node in self._like}, unknown

    def _tell(self, forced: Values, do: Do | None) -> None:
        # A shift of whatever was drawn always takes a few rows out of the range.
        shifted = any(map(callable, (do or {}).values()))
        if self._support:
            labels = {node: column.labels for node, column in self._labels.columns.items() if column.labels}
            tell(self._support.notes(forced, "do", tolerated=0.01 if shifted else 0, labels=labels))

    def _warn_of_waivers(self, *, stacklevel: int) -> None:
        variant = getattr(self.model, "variant", None)
        who = type(self.model).__name__ + (f" ({variant})" if variant else "")
        if waived := [f"{what!r}: {why}" for what, why in self.model.waives.items()]:
            warnings.warn(f"{who} waives {'; '.join(waived)}", WaiverWarning, stacklevel=stacklevel)


def corrected(model: CausalModel) -> CausalModel:
    """The model, in its variant `corrected` where it has one and its maker named none."""
    named = vars(model).get("_named_options", frozenset({"variant"}))
    if "corrected" not in model.variants or "variant" in named:
        return model
    return type(model)(**{**model.options(), "variant": "corrected"})


def _gaps(frame: pd.DataFrame, node: str) -> np.ndarray:
    """The rows ``(n,)`` in which a node is missing: all of them where it has no column."""
    names = columns_of(frame, node)
    if not names:
        return np.ones(len(frame), dtype=bool)
    return np.asarray(frame[names].isna().any(axis=1))


def _as_fitted(node: str, x: Tensor, like: Tensor) -> Tensor:
    """A column in the type and width it was fitted with."""
    if x.shape[1:] != like.shape[1:]:
        raise ValuesError(
            f"node {node!r} has shape {tuple(x.shape[1:])} a row; the model was fitted on {tuple(like.shape[1:])}"
        )
    if not like.is_floating_point() and (x != x.round()).any():
        raise ValuesError(f"column {node!r} has fractions; the model was fitted on integers")
    return x.to(like.dtype)
