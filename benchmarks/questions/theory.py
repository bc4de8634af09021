"""What the theory of encoder-decoders assumes of a fitted mechanism, and beside it the true counterfactual error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scmbench import metrics
from scmbench.datasets import SCM, Query, Score, Values, ValuesError
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive, generator
from scmbench.datasets.values import flatten, parents, rows
from scmbench.models.contract.encoding import EncoderDecoder

from .causal import Remembering, checked, replays
from .measured import AsRows

NOISE, AGAIN, CURVES = "noise", "again", "curves"
"""Parts of what is asked of one node's encoder and decoder, as `metrics.encoding_scores` calls them."""


@dataclass(frozen=True)
class _Rows(Remembering):
    """`n` fresh rows of the world, of which a node with parents is asked."""

    scm: SCM
    node: str
    n: int
    seed: int

    @property
    def parents(self) -> list[str]:
        """The node's causes in the graph that models are given."""
        return parents(self.scm.graph, self.node)

    def factual(self) -> Values:
        """The rows, as the model sees them."""
        return {node: x.clone() for node, x in self._factual.items()}

    @cached_property
    def _noise(self) -> Values:
        return self.scm.noise(self.n, seed=derive(self.seed, "factual"))

    @cached_property
    def _factual(self) -> Values:
        return self.scm.observed(self.scm.run(self._noise))


@dataclass(frozen=True)
class Encoding(_Rows):
    """How far is the model's abduction of `node` what Theorem 1 assumes? No truth is asked for.

    `n` rows are encoded and decoded again under their own parents; the noise of the first `n_curve` of them is decoded
    under the parents of each of the first `curves`. A model that shows no noise does not answer.
    """

    curves: int
    n_curve: int
    permutations: int
    kind: str = field(default="abduction", init=False)
    rung: str = field(default="counterfactual", init=False)

    def ask(self, model: Any, *, seed: int) -> Values:
        """The noise ``(n, k)``, the rows decoded again ``(n, d)`` and, where k is 1, curves ``(curves, n_curve)``.

        Raises `Unsupported` (the model does) where it does not show the noise that it infers.
        """
        factual, seen = self.factual(), EncoderDecoder(model, self.node, self.parents)
        answer = {NOISE: seen.encode(factual)}
        answer[AGAIN] = seen.reconstruct(factual, seed=derive(seed, AGAIN))
        if answer[NOISE].shape[1] == 1:
            few = rows(factual, slice(0, self.n_curve))
            answer[CURVES] = seen.curves(few, self.curves, seed=derive(seed, CURVES))
        return answer

    def score(self, answer: Values) -> Iterable[Score]:
        """``hsic``, ``hsic_p``, ``reconstruction``, ``monotone_share`` (`metrics.encoding_scores`) of the node."""
        x, pa = flatten(self._factual, [self.node]), flatten(self._factual, self.parents)
        shown = {part: answer[part].double() if part in answer else None for part in (NOISE, AGAIN, CURVES)}
        stream = generator(self.seed, "permutations")
        found = metrics.encoding_scores(x, pa, **shown, permutations=self.permutations, generator=stream)
        return [Score(self.kind, metric, score, self.node) for metric, score in found.items()]


@dataclass(frozen=True)
class OtherParents(_Rows):
    """What would `node` have been in each row under the parents of an unrelated row? Against the true answer.

    The rows are those of `Encoding` at the same `seed`. Parents come as whole rows from `n` draws of the world, so that
    the true counterfactual and its parents have the law of the data. Where Theorem 1 holds, the error is therefore not
    only bounded by the reconstruction error but equal to it in the mean square, up to the draw of the rows.
    """

    kind: str = field(default="counterfactual", init=False)
    rung: str = field(default="counterfactual", init=False)

    @cached_property
    def _given(self) -> Values:
        drawn = self.scm.sample(self.n, seed=derive(self.seed, "parents"))
        return {node: drawn[node] for node in self.parents}

    @cached_property
    def _truth(self) -> Values:
        found = self.scm.counterfactual(self._noise, self._given)
        return {self.node: flatten(found, [self.node])}

    def forget(self) -> None:
        """Free what was computed; it is computed again when asked for."""
        super().forget()
        self.__dict__.pop("_given", None)

    def truth(self) -> Values:
        """The node's true values ``{node: (n, d)}``: the rows' noise, under the other parents."""
        return {self.node: self._truth[self.node].clone()}

    def ask(self, model: Any, *, seed: int) -> Values:
        """The node decoded under these parents ``(n, d)``; a ceiling of scmbench, which knows the truth, replays."""
        if replays(model):
            noise = {node: x.clone() for node, x in self._noise.items()}
            return {self.node: flatten(model.replay(noise, dict(self._given)), [self.node])}
        seen = EncoderDecoder(model, self.node, self.parents)
        return {self.node: seen.decode(self.factual(), self._given, seed=seed)}

    def score(self, answer: Values) -> Iterable[Score]:
        """``rmse`` of the node in standard deviations of the truth."""
        truth = self._truth
        x, y = (values[self.node][None] for values in (truth, checked(answer, truth)))
        return [Score(self.kind, "rmse", float(metrics.relative_rmse(x, y)[0]), self.node)]


@dataclass(frozen=True)
class TheoryProtocol(AsRows):
    """Every node with parents: what can be seen of its abduction without the truth, and its true counterfactual error.

    Nodes stand in the column of intervened nodes; it is their parents that are set. `n_factual` rows are asked about,
    `n_curve` of them at `curves` values of the parents, p-values come from `permutations`. `version` counts changes of
    anything that moves an outcome.

    "Modeling Causal Mechanisms with Diffusion Models for Interventional and Counterfactual Queries", Chao, Blöbaum,
    Patel, Kasiviswanathan, TMLR 2024, Theorem 1.
    """

    name: str
    version: int
    n_train: int
    n_factual: int
    curves: int
    n_curve: int
    permutations: int
    n_predictive: int = 201

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {name: metrics.VERSIONS[name] for name in ("counterfactual", "encoding", "hilbert_schmidt", "order")}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        seen = ["hsic", "hsic_p", "reconstruction", "monotone_share"]
        asked = {"abduction": seen, "counterfactual": ["rmse"]}
        return {**asked, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """Two questions about every node with parents.

        Raises `ValuesError` for images, whose noise is too wide for these tests.
        """
        if scm.images:
            raise ValuesError(f"the protocol {self.name!r} asks about numbers; {sorted(scm.images)[0]!r} is an image")
        asked: list[Query] = []
        for node in sorted(scm.graph):
            if not scm.graph.in_degree(node):
                continue
            stream, n = derive(seed, "rows", node), self.n_factual
            asked.append(Encoding(scm, node, n, stream, self.curves, self.n_curve, self.permutations))
            asked.append(OtherParents(scm, node, n, stream))
        return asked


THEORY = TheoryProtocol(name="theory", version=1, n_train=5_000, n_factual=500, curves=5, n_curve=100, permutations=199)
"""The diagnostics of Theorem 1 beside the error that they are about (docs/theory.md)."""
