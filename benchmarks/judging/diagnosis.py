"""How well a model fitted to one's own table does on held-out rows, where no truth about interventions is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import networkx as nx
import torch
from scmbench import metrics
from scmbench.datasets import Values
from scmbench.datasets.seeds import derive, generator
from scmbench.datasets.values import flatten, n_rows, parents, rows
from scmbench.metrics import encoding_scores, scaled
from scmbench.metrics.dependence import distance_correlation, independence
from scmbench.models import CausalModel, Unsupported
from scmbench.models.bounds.trivial import Marginal
from scmbench.models.contract.encoding import EncoderDecoder
from torch import Tensor

DISTANCES = {
    "mmd": metrics.mmd_unbiased,
    "energy": metrics.energy_distance,
    "sliced_wasserstein": metrics.sliced_wasserstein,
}
PERMUTATIONS = 199
TEST_ROWS, DISTANCE_ROWS = 500, 2000
"""Rows that a test of independence and a distance look at, at most: their cost grows with the square."""
CURVES, CURVE_ROWS = 5, 100
"""Values of a node's parents at which its decoder is followed, and the noises of how many rows it is followed along."""

DENSITY, ABDUCTION = "density", "abduction"


@dataclass(frozen=True)
class NodeCheck:
    """One node's abduction, held against what Theorem 1 of the DCM paper assumes (`metrics.encoding`).

    `round_trip` is the root mean squared difference between a row and its counterfactual under a ``do`` that sets every
    root to the value it has, so that all else is inferred and decoded again, in standard deviations of the node; it is
    0 where abduction is exact. `reconstruction` is the same of this node alone, its parents as they are. `hsic` is the
    dependence of the inferred noise on the parents, `p` the p-value of their independence, which holds where the graph
    and the mechanism are right. `monotone_share` is the share of pairs of rows whose decoded values are in the order of
    their noise, or all in the opposite one, under the parents of a few rows. None where there is none to tell: a root
    has no parents, noise of several dimensions no order, and some models show no noise.
    """

    node: str
    round_trip: float | None
    reconstruction: float | None = None
    hsic: float | None = None
    p: float | None = None
    monotone_share: float | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What held-out rows say about a model.

    `distances` are between held-out rows and as many samples as there are training rows (2000 at most): of the model,
    the training rows themselves (what sampling alone costs), and these with each column drawn by itself (what ignoring
    all causes costs), all in standard deviations of the training rows. `nll` is the mean negative log-likelihood, nats
    a row. `closest` is the pair of nodes whose inferred noises depend most on each other, ``(node, node, correlation,
    p)``, p as if it were the only pair looked at; a dependence hints at a common cause that the graph lacks. `notes`
    say what the model cannot tell, and why.
    """

    n_train: int
    n_held_out: int
    distances: dict[str, dict[str, float]]
    nll: float | None
    nodes: Sequence[NodeCheck]
    closest: tuple[str, str, float, float] | None
    notes: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def split(data: Values, share: float, *, seed: int) -> tuple[Values, Values]:
    """Training and held-out rows, the latter a `share` of all, drawn by the seed."""
    n = n_rows(data)
    order = torch.randperm(n, generator=generator(seed, "split"))
    held_out = round(share * n)
    return rows(data, order[held_out:]), rows(data, order[:held_out])


def diagnose(model: CausalModel, graph: nx.DiGraph, train: Values, held_out: Values, *, seed: int) -> Diagnosis:
    """Judge a fitted model by rows it has not seen."""
    notes: dict[str, str] = {}
    noise = _noise(model, held_out, notes)
    return Diagnosis(
        n_train=n_rows(train),
        n_held_out=n_rows(held_out),
        distances=_distances(model, graph, train, held_out, derive(seed, "distances"), notes),
        nll=_nll(model, held_out, notes),
        nodes=_nodes(model, graph, train, held_out, noise, derive(seed, "nodes"), notes),
        closest=_closest(noise, derive(seed, "pairs")),
        notes=notes,
    )


def _distances(
    model: CausalModel, graph: nx.DiGraph, train: Values, held_out: Values, seed: int, notes: dict[str, str]
) -> dict[str, dict[str, float]]:
    nodes, few = sorted(graph), slice(0, DISTANCE_ROWS)
    x, n = flatten(train, nodes), min(n_rows(train), DISTANCE_ROWS)
    mean, std = x.mean(0), _spread(x)
    shuffled = Marginal().fit(graph, train, seed=seed).sample(n, seed=seed)
    answers = {"training rows": rows(train, few), "shuffled columns": shuffled}
    try:
        answers = {"model": model.sample(n, seed=seed), **answers}
    except Unsupported as error:
        notes["samples"] = str(error)
    found: dict[str, dict[str, float]] = {name: {} for name in DISTANCES}
    for who, answer in answers.items():
        scaled = [(flatten(v, nodes) - mean) / torch.where(std > 0, std, 1) for v in (rows(held_out, few), answer)]
        for name, distance in DISTANCES.items():
            found[name][who] = float(distance(*(y[None] for y in scaled))[0])
    return found


def _nll(model: CausalModel, held_out: Values, notes: dict[str, str]) -> float | None:
    if "log_prob" not in model.powers:
        notes[DENSITY] = f"{type(model).__name__} has no density"
        return None
    try:
        return -float(model.log_prob(held_out).mean())
    except Unsupported as error:
        notes[DENSITY] = str(error)
        return None


def _noise(model: CausalModel, held_out: Values, notes: dict[str, str]) -> dict[str, Tensor]:
    """The noise inferred of the rows that tests look at, ``(n, k)`` a node; empty where the model tells none."""
    if "abduct" not in model.powers:
        notes[ABDUCTION] = f"{type(model).__name__} does not show the noise it infers"
        return {}
    few = rows(held_out, slice(0, TEST_ROWS))
    try:
        noise = model.abduct(few)
    except Unsupported as error:
        notes[ABDUCTION] = str(error)
        return {}
    return {node: flatten(noise, [node]) for node in sorted(noise)}


def _nodes(
    model: CausalModel,
    graph: nx.DiGraph,
    train: Values,
    held_out: Values,
    noise: dict[str, Tensor],
    seed: int,
    notes: dict[str, str],
) -> list[NodeCheck]:
    roots = {node: held_out[node] for node, causes in graph.in_degree if not causes}
    try:
        again = model.counterfactual(held_out, roots, seed=seed)
    except Unsupported as error:
        notes["counterfactuals"] = str(error)
        again = {}
    few = rows(held_out, slice(0, TEST_ROWS))
    checks = []
    for node in sorted(graph):
        error = _relative_error(again[node], held_out[node], train[node]) if node in again else None
        scores = {}
        if causes := parents(graph, node):
            seen = EncoderDecoder(model, node, causes)
            scores = _encoding(seen, few, noise.get(node), derive(seed, node), decodes=bool(again))
        checks.append(NodeCheck(node, error, **scores))
    return checks


def _encoding(seen: EncoderDecoder, few: Values, noise: Tensor | None, seed: int, *, decodes: bool) -> dict[str, float]:
    """What there is to tell of one node's encoder and decoder, by the names of `NodeCheck`."""
    again, curves = seen.reconstruct(few, seed=seed) if decodes else None, None
    if decodes and noise is not None and noise.shape[1] == 1:
        curves = seen.curves(rows(few, slice(0, CURVE_ROWS)), CURVES, seed=seed)
    x, pa = flatten(few, [seen.node]), flatten(few, seen.parents)
    shown = {"noise": noise, "again": again, "curves": curves}
    found = encoding_scores(x, pa, **shown, permutations=PERMUTATIONS, generator=generator(seed))
    return {name.replace("hsic_p", "p"): score for name, score in found.items()}


def _closest(noise: dict[str, Tensor], seed: int) -> tuple[str, str, float, float] | None:
    pairs = [(a, b) for a in noise for b in noise if a < b]
    if not pairs:
        return None
    even = {node: scaled(u) for node, u in noise.items()}
    correlation = {(a, b): float(distance_correlation(even[a], even[b])) for a, b in pairs}
    a, b = max(pairs, key=correlation.__getitem__)
    stream = generator(seed, a, b)
    return (a, b, *independence(even[a], even[b], permutations=PERMUTATIONS, generator=stream))


def _relative_error(answer: Tensor, truth: Tensor, train: Tensor) -> float:
    std = float(_spread(train.double().reshape(-1, 1)))
    return float((answer.double() - truth.double()).square().mean().sqrt()) / (std or 1.0)


def _spread(x: Tensor) -> Tensor:
    """Standard deviations of columns; 0 for a single row, which has none."""
    return x.std(0) if len(x) > 1 else torch.zeros_like(x[0])
