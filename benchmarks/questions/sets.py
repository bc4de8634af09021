"""What the TM-SCM paper asks: the law of all columns, and rows that each have a set of nodes of their own set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import networkx as nx
import torch
from scmbench import metrics
from scmbench.datasets import SCM, Query, Score, Values, ValuesError
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive, generator
from scmbench.datasets.values import flatten, rows
from scmbench.models.contract.checks import copies
from torch import Tensor

from .causal import Remembering, checked, replays
from .measured import AsRows, HeldOut, Likelihood

MOST = 16
"""Nodes with children whose sets are looked through, all 65,535 of them."""


def meaningful(graph: nx.DiGraph) -> list[tuple[str, ...]]:
    """The sets of nodes that are worth setting at once: none is a leaf, and none cuts another off from all it does.

    If a parent and its child are both set, they must have a child in common; else setting the parent does nothing
    through that child. Smaller sets first, each in alphabetical order. Raises `ValuesError` for more than `MOST` nodes
    that have children: n of them have up to 2^n - 1 sets.

    "Exogenous Isomorphism for Counterfactual Identifiability", Chen, Du, ICML 2025, its published code.

    >>> meaningful(nx.DiGraph([("x", "y"), ("y", "z")]))
    [('x',), ('y',)]
    >>> meaningful(nx.DiGraph([("x", "y"), ("y", "z"), ("x", "z")]))
    [('x',), ('y',), ('x', 'y')]
    """
    inner = sorted(v for v in graph if graph.out_degree(v))
    if len(inner) > MOST:
        raise ValuesError(f"{len(inner)} nodes have children: their sets are counted up to {MOST}; ask a smaller graph")
    below = {v: set(graph.successors(v)) for v in inner}
    useless = {frozenset((a, b)) for a, b in graph.edges if b in below and not below[a] & below[b]}
    sets = (chosen for size in range(1, len(inner) + 1) for chosen in combinations(inner, size))
    return [chosen for chosen in sets if not any(frozenset(pair) in useless for pair in combinations(chosen, 2))]


@dataclass(frozen=True)
class Unit:
    """What columns are counted in: mean and standard deviation (n - 1) of the world's test rows."""

    mean: Tensor
    sd: Tensor

    @classmethod
    def of(cls, test: Values) -> Unit:
        """The unit of these rows. Raises `ValuesError` for a column that is constant, and so gives none."""
        x = flatten(test, sorted(test))
        unit = cls(x.mean(0), x.std(0))
        if not (unit.sd > 0).all():
            constant = int((unit.sd <= 0).nonzero()[0])
            raise ValuesError(f"column {constant} of the nodes {sorted(test)} is constant: it gives errors no unit")
        return unit

    def __call__(self, values: Values) -> Tensor:
        """All nodes' columns, alphabetically, in this unit: ``(n, d)``."""
        return (flatten(values, sorted(values)) - self.mean) / self.sd


@dataclass(frozen=True)
class AllColumns(Remembering):
    """Distance between the world's `n` test rows and as many of the model, over all columns in units of the former."""

    scm: SCM
    n: int
    seed: int
    kind: str = field(default="observational", init=False)
    rung: str = field(default="observational", init=False)

    def truth(self) -> Values:
        """The test rows."""
        return copies(self._truth)

    @cached_property
    def _truth(self) -> Values:
        return self.scm.sample(self.n, seed=derive(self.seed, "test"))

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.sample(n)``."""
        return model.sample(self.n, seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """``mmd``, by blocks, and ``sinkhorn``."""
        truth = self._truth
        unit = Unit.of(truth)
        x, y = unit(truth), unit(checked(answer, truth))
        found = {"mmd": metrics.mmd_by_block(x, y), "sinkhorn": metrics.sinkhorn_divergence(x, y)}
        return [Score(self.kind, name, float(score)) for name, score in found.items()]


@dataclass(frozen=True)
class SetsOfNodes(Remembering):
    """What the `n` test rows would have been, each under an intervention on a set of nodes of its own.

    A row's set is one of the `sets`, all alike likely; its values are those of a row that the world draws anew, so that
    they are jointly such as occur. The rows that share a set are asked in one call.
    """

    scm: SCM
    sets: Sequence[tuple[str, ...]]
    n: int
    seed: int
    kind: str = field(default="counterfactual", init=False)
    rung: str = field(default="counterfactual", init=False)

    def parts(self) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        """The rows of each set ``(k,)``, and what is done to them, ``{node: (k, *event)}``; sets without a row do not.

        ``parts`` of one query are always the same.
        """
        drawn = torch.randint(len(self.sets), (self.n,), generator=generator(self.seed, "sets"))
        values = self.scm.sample(self.n, seed=derive(self.seed, "values"))
        for number, nodes in enumerate(self.sets):
            if len(at := (drawn == number).nonzero()[:, 0]):
                yield at, {node: values[node][at] for node in nodes}

    @cached_property
    def _noise(self) -> Values:
        return self.scm.noise(self.n, seed=derive(self.seed, "test"))

    def factual(self) -> Values:
        """The test rows, as the model sees them."""
        return copies(self._factual)

    @cached_property
    def _factual(self) -> Values:
        return self.scm.observed(self.scm.run(self._noise))

    def truth(self) -> Values:
        """The same noise, replayed under the interventions."""
        return copies(self._truth)

    @cached_property
    def _truth(self) -> Values:
        return self._joined(self.scm.counterfactual(rows(self._noise, at), do) for at, do in self.parts())

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.counterfactual(rows, do)`` set by set; a ceiling, which knows the truth, replays the noise."""
        return self._joined(self._answers(model, seed))

    def _answers(self, model: Any, seed: int) -> Iterator[Values]:
        for at, do in self.parts():
            if replays(model):
                yield model.replay(rows(self._noise, at), do)
            else:
                factual = rows(self._factual, at)
                answer = model.counterfactual(factual, do, seed=derive(seed, *do))
                yield checked(answer, factual)

    def _joined(self, answers: Iterable[Values]) -> Values:
        """The answers about the rows of each set, as one, in the order of the rows."""
        whole = {node: torch.empty_like(x) for node, x in self._factual.items()}
        for (at, _), answer in zip(self.parts(), answers, strict=True):
            for node, x in whole.items():
                x[at] = answer[node].to(x)
        return whole

    def score(self, answer: Values) -> Iterable[Score]:
        """``rmse_standardised`` over rows and all columns, moved or not, and ``sinkhorn`` between these very rows."""
        truth, unit = self._truth, Unit.of(self._factual)
        x, y = unit(truth), unit(checked(answer, truth))
        found = {"rmse_standardised": metrics.mse(x, y).mean().sqrt(), "sinkhorn": metrics.sinkhorn_divergence(x, y)}
        return [Score(self.kind, name, float(score)) for name, score in found.items()]


@dataclass(frozen=True)
class SetsProtocol(AsRows):
    """The evaluation of the TM-SCM paper's code: `n_test` rows, their law, and what each would have been.

    Every row has an intervention of its own, on a set of nodes that is `meaningful`, vectors or scalars; targets of a
    world do not matter. Columns are counted in standard deviations of the test rows. `version` counts changes of
    anything that moves an outcome.

    "Exogenous Isomorphism for Counterfactual Identifiability", Chen, Du, ICML 2025. Its code trains on 20,000 rows,
    keeps the epoch whose counterfactuals are best on 2,000 others, and tests on 2,000. Here a model gets as many rows,
    22,000, to train and to stop by, and no counterfactual.
    """

    name: str
    version: int
    n_train: int
    n_test: int
    n_predictive: int = 201

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {name: metrics.VERSIONS[name] for name in ("block_mmd", "counterfactual", "sinkhorn")}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        asked = {"observational": ["mmd", "sinkhorn"], "counterfactual": ["rmse_standardised", "sinkhorn"]}
        return {**asked, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """The questions about `scm`; without an edge nothing is set."""
        test, sets = derive(seed, "test"), meaningful(scm.graph)
        asked: list[Query] = [AllColumns(scm, self.n_test, test)]
        return [*asked, SetsOfNodes(scm, sets, self.n_test, test)] if sets else asked

    def held_out(self, rows: Values) -> Sequence[Query]:
        """Where there is no SCM: the distances to measured rows, and their likelihood."""
        distances = {"mmd": metrics.mmd_by_block, "sinkhorn": metrics.sinkhorn_divergence}
        return [HeldOut(rows, distances), Likelihood(rows)]


TMSCM = SetsProtocol(name="tmscm", version=1, n_train=22_000, n_test=2_000)
"""The evaluation of the TM-SCM paper's code, kept to check numbers that were made with it."""
