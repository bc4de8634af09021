"""Evaluation protocols: how many rows, which interventions, which scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import networkx as nx
import torch
from scmbench import metrics
from scmbench.datasets import SCM, Query, Values
from scmbench.datasets.problem import Origin, QueryBuilder
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten
from torch import Tensor

from . import registry
from .causal import (
    Counterfactual,
    Distance,
    Interventional,
    Laws,
    Observational,
    RowError,
    descendants,
    discrete_nodes,
    quantile_values,
)
from .columns import KACGM, ColumnsProtocol
from .confounded import BDCM, BackdoorProtocol
from .flows import CNF, Divergence, FlowProtocol, has_density
from .image_protocol import CLASS, IMAGE, LARGE, SMOKE, ImageProtocol
from .intervals import INTERVALS, IntervalProtocol
from .measured import AsRows, HeldOut, Likelihood
from .pairs import COCYCLES, PairProtocol
from .sets import TMSCM, SetsProtocol
from .theory import THEORY, TheoryProtocol

SAMPLES = ("counterfactual", "energy", "mmd", "wasserstein")
"""The modules of `metrics` whose versions are in the key of every record of a `Protocol`."""


@dataclass(frozen=True)
class Protocol(AsRows):
    """Rows and scores of an evaluation; the questions themselves are in queries.py.

    Every target of the SCM is intervened on at `n_values` equally spaced values between the 10 % and 90 % quantiles
    of 5000 fresh rows. `n_interventional` rows a value are compared over all descendants jointly, and `n_factual`
    fresh factual rows a value get their counterfactual. Models that do not `predict` are asked for `n_predictive`
    samples of a measured row, whose median is taken. Nodes of which 5000 fresh rows are discrete are set to their
    levels, and compared by their `laws` too. `effects` are compared over all values of an intervention at once; with
    `densities`, the model's is compared with the world's where that has one. `version` counts changes of anything that
    moves an outcome.
    """

    name: str
    version: int
    n_train: int
    n_observational: int
    n_values: int
    n_interventional: int
    n_factual: int
    distances: Mapping[str, Distance]
    errors: RowError
    roots_scored: bool
    n_predictive: int = 201
    laws: Laws = field(default_factory=dict)
    effects: Mapping[str, Distance] = field(default_factory=dict)
    densities: bool = False
    row_metrics: Sequence[str] = ("*",)
    """The names that `errors` may give, ``*`` for any ending: what published numbers can be compared with."""
    added: Mapping[str, int] = field(default_factory=dict)
    """Metrics that were added to a protocol by name, with their versions."""

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on: of labels, effects and densities only where they are scored."""
        further = {"discrete": self.laws, "effects": self.effects, "likelihood": self.densities}
        used = [*SAMPLES, *(module for module, there in further.items() if there)]
        return {**{module: metrics.VERSIONS[module] for module in used}, **self.added}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query; ``*`` stands for any ending."""
        sampled = [*self.distances, *self.laws]
        observed, set_ = [*sampled, *(["kl"] if self.densities else [])], [*sampled, *self.effects]
        measured = {"likelihood": ["nll"], "predictive": ["abs_error"]}
        return {"observational": observed, "interventional": set_, "counterfactual": self.row_metrics, **measured}

    def queries(
        self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None
    ) -> Sequence[Query]:
        """The questions about `scm`, every random stream keyed by `seed`, target and purpose."""
        nodes = [v for v in sorted(scm.graph) if self.roots_scored or scm.graph.in_degree(v)]
        # Only a protocol that scores labels looks for them, so that the others draw no rows for nothing.
        numbers = [v for v in scm.graph if v not in scm.images] if self.laws else []
        known = discrete_nodes({v: scm.sample_node(v, 5000, seed=derive(seed, "levels")) for v in numbers})
        stream = derive(seed, "observational")
        asked: list[Query] = [Observational(scm, self.n_observational, nodes, stream, self.distances, self.laws, known)]
        if self.densities and has_density(scm, derive(seed, "density")):
            asked.append(Divergence(scm, self.n_observational, derive(seed, "divergence")))
        for node in scm.targets:
            if not descendants(scm.graph, node):
                continue  # some papers intervene on leaves too, where there is nothing to compare
            fresh = scm.sample_node(node, 5000, seed=derive(seed, "values", node))
            values = quantile_values(fresh, self.n_values)
            stream = derive(seed, "interventional", node)
            n = self.n_interventional
            asked.append(Interventional(scm, node, values, n, stream, self.distances, self.laws, known, self.effects))
            stream = derive(seed, "counterfactual", node)
            asked.append(Counterfactual(scm, node, values, self.n_factual, stream, self.errors, known))
        return asked

    def held_out(self, rows: Values) -> Sequence[Query]:
        """Where there is no SCM: distance to measured rows and their likelihood, over all nodes."""
        return [HeldOut(rows, self.distances), Likelihood(rows)]


def first_and_all(truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
    """Mean squared error of the alphabetically first descendant, and the mean of it over all descendants.

    ``mse_first`` is what the published code summarises: element [0] of a per-column mean (specification of the paper's
    evaluation, surprise A); ``mse_all`` averages over rows and over every descendant.
    """
    reached = descendants(query.scm.graph, query.node)
    errors = {v: metrics.mse(*_groups(truth, answer, v, query)).mean(-1) for v in reached}
    return {"mse_first": errors[reached[0]], "mse_all": torch.stack(list(errors.values())).mean(0)}


def relative_by_depth(truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
    """Root mean squared error in units of each descendant's standard deviation in the counterfactual truth.

    ``rmse`` is the mean over descendants, ``rmse_depth<k>`` over those at graph distance ``k`` below the intervention;
    ``label_error`` is the mean share of wrong labels over the discrete ones. A label that never changes has no
    deviation to measure in, and is judged by its error alone. An image has one unit for all of its pixels, the root of
    their mean variance: a pixel of the border hardly varies.
    """
    distance = nx.single_source_shortest_path_length(query.scm.graph, query.node)
    reached = descendants(query.scm.graph, query.node)
    labels = {v: metrics.label_error(*_groups(truth, answer, v, query)) for v in reached if v in query.discrete}
    varying = [v for v in reached if v not in labels or bool((truth[v] != truth[v][:1]).any())]
    relative = {v: _relative(truth, answer, v, query) for v in varying}
    by_depth = {
        f"rmse_depth{k}": [v for v in varying if distance[v] == k] for k in range(1, max(distance.values()) + 1)
    }
    groups = {"rmse": varying, **by_depth}
    means = {name: torch.stack([relative[v] for v in nodes]).mean(0) for name, nodes in groups.items() if nodes}
    return means | ({"label_error": torch.stack(list(labels.values())).mean(0)} if labels else {})


def errors_and_effects(truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
    """What `relative_by_depth` says, and whether each row's effect is right: ``sign_error``, ``rank_error``.

    The effect is the counterfactual value minus the factual one, over the descendants that are no images.
    """
    reached = [v for v in descendants(query.scm.graph, query.node) if v not in query.scm.images]
    found = relative_by_depth(truth, answer, query)
    if reached:
        before = flatten(query.factual(), reached)
        effects = [(flatten(v, reached) - before).reshape(len(query.values), query.n, -1) for v in (truth, answer)]
        found |= {"sign_error": metrics.sign_error(*effects), "rank_error": metrics.rank_error(*effects)}
    return found


def _relative(truth: Values, answer: Values, node: str, query: Counterfactual) -> Tensor:
    if truth[node].ndim < 4:
        return metrics.relative_rmse(*_groups(truth, answer, node, query))
    x, y = _groups(truth, answer, node, query)
    variance = x.reshape(-1, x.shape[-1]).var(0, correction=0).mean()
    if variance == 0:
        raise metrics.MetricError(f"the image {node!r} is the same in every row of the truth: its error has no unit")
    return (metrics.mse(x, y).mean(-1) / variance).sqrt()


def _groups(truth: Values, answer: Values, node: str, query: Counterfactual) -> list[Tensor]:
    """Truth and answer of one node, a group of rows for every value: ``(g, n, d)``."""
    return [flatten(v, [node]).reshape(len(query.values), query.n, -1) for v in (truth, answer)]


PAPER = Protocol(
    name="paper",
    version=1,
    n_train=5000,
    n_observational=1000,
    n_values=20,
    n_interventional=100,
    n_factual=100,
    distances={"mmd": metrics.mmd_paper},
    errors=first_and_all,
    row_metrics=("mse_first", "mse_all"),
    roots_scored=False,
)
"""The evaluation of the DCM paper's published code, kept only to check its numbers."""

STANDARD = Protocol(
    name="standard",
    version=2,
    n_train=5000,
    n_observational=2000,
    n_values=5,
    n_interventional=1000,
    n_factual=400,
    distances={
        "mmd": metrics.mmd_unbiased,
        "energy": metrics.energy_distance,
        "sliced_wasserstein": metrics.sliced_wasserstein,
    },
    errors=errors_and_effects,
    row_metrics=("rmse", "rmse_depth*", "label_error", "sign_error", "rank_error"),
    roots_scored=True,
    laws={"total_variation": metrics.total_variation},
    effects={"mean_effect": metrics.mean_effect},
    densities=True,
)
"""Ours: unbiased MMD with the bandwidth from the truth alone, energy distance, sliced Wasserstein, KL where world and
model have a density, errors of mean effects, and counterfactual errors by depth, with the sign and order of effects.

Discrete nodes are also scored by the total variation between laws and by the error rate of counterfactual labels.
Version 2 added KL and the three errors of effects; no score of version 1 moved.
"""

Evaluation: TypeAlias = (
    Protocol
    | FlowProtocol
    | PairProtocol
    | BackdoorProtocol
    | ColumnsProtocol
    | SetsProtocol
    | ImageProtocol
    | TheoryProtocol
    | IntervalProtocol
)

_PROTOCOLS: dict[str, Evaluation] = {
    p.name: p
    for p in (PAPER, STANDARD, BDCM, CNF, COCYCLES, INTERVALS, KACGM, TMSCM, IMAGE, CLASS, LARGE, SMOKE, THEORY)
}


def names() -> list[str]:
    """Names of scmbench's own protocols."""
    return sorted(_PROTOCOLS)


def get(name: str) -> QueryBuilder:
    """The protocol of this name, or of others (`registry`), with the metrics that follow after a plus.

    Raises `UnknownProtocol` for a name or address without a protocol or metric, and for metrics that are added to a
    protocol which does not compare samples.
    """
    base, *added = name.split(registry.ADD)
    found = _PROTOCOLS[base] if base in _PROTOCOLS else registry.protocol(base)
    return _with_metrics(found, [registry.metric(each) for each in added], name) if added else found


def _with_metrics(found: QueryBuilder, added: Sequence[registry.Metric], name: str) -> Protocol:
    if not isinstance(found, Protocol):
        able = [each for each, own in _PROTOCOLS.items() if isinstance(own, Protocol)]
        raise registry.UnknownProtocol(
            f"protocol {name!r}: metrics can be added to {able}, and to others of their class"
        )
    rows = {metric.name: metric.score for metric in added if metric.of == "rows"}
    return replace(
        found,
        name=name,
        distances={**found.distances, **{metric.name: metric.score for metric in added if metric.of == "samples"}},
        errors=Further(found.errors, rows) if rows else found.errors,
        row_metrics=(*found.row_metrics, *rows),
        added={metric.name: metric.version for metric in added},
    )


@dataclass(frozen=True)
class Further:
    """Errors of counterfactual rows, and further ones over all descendants jointly."""

    errors: RowError
    scores: Mapping[str, Distance]

    def __call__(self, truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
        """``{metric: (g,)}``."""
        reached = descendants(query.scm.graph, query.node)
        groups = [flatten(x, reached).reshape(len(query.values), query.n, -1) for x in (truth, answer)]
        return {**self.errors(truth, answer, query), **{name: score(*groups) for name, score in self.scores.items()}}
