"""Do a model's intervals of counterfactual rows hold the truth, and how wide are they?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scmbench import metrics
from scmbench.datasets import SCM, Query, Score, Values, ValuesError
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten
from scmbench.models.contract.checks import between
from torch import Tensor

from .causal import Replayed, checked, descendants, replays
from .measured import AsRows

SLACK = 1e-3
"""An interval that misses by less holds the truth, in standard deviations of the node: rounding, of no width at all."""


@dataclass(frozen=True)
class Intervals(Replayed):
    """Between which values would each of `n` rows have been, had `node` had the value that it has in another row?

    Those values are `n` fresh draws of the node, so that they are such as occur. A model that has no `interval` does
    not answer; a ceiling of scmbench that knows the truth answers it, without width.
    """

    scm: SCM
    node: str
    n: int
    level: float
    seed: int
    kind: str = field(default="interval", init=False)
    rung: str = field(default="counterfactual", init=False)

    @property
    def do(self) -> dict[str, Tensor]:
        """A value for every row."""
        return {self.node: self.scm.sample_node(self.node, self.n, seed=derive(self.seed, "values"))}

    @cached_property
    def _noise(self) -> Values:
        return self.scm.noise(self.n, seed=derive(self.seed, "factual"))

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.interval(factual, do, level)``: both ends ``{node: (n, 2, *event)}``.

        Raises `Unsupported` (the model does) where it gives points only.
        """
        if replays(model):
            known = model.replay(self.noise(), self.do)
            return between(known, known)
        return model.interval(self.factual(), self.do, self.level, seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """``coverage``, ``width`` and ``interval_score``: means over the descendants, in their standard deviations.

        Descendants that are the same in every row of the truth have no such unit and are left out.
        """
        truth = self._truth
        answer = checked(answer, between(truth, truth))
        found: dict[str, list[float]] = {"coverage": [], "width": [], "interval_score": []}
        for node in descendants(self.scm.graph, self.node):
            x = flatten(truth, [node])
            sd = x.std(0, correction=0)
            if not bool((sd > 0).all()):
                continue
            low, high = (flatten({node: answer[node][:, end]}, [node]) / sd for end in (0, 1))
            found["coverage"].append(float(metrics.coverage(x / sd, low, high, slack=SLACK)))
            found["width"].append(float(metrics.width(low, high)))
            found["interval_score"].append(float(metrics.interval_score(x / sd, low, high, level=self.level)))
        return [Score(self.kind, name, sum(each) / len(each), self.node) for name, each in found.items() if each]


@dataclass(frozen=True)
class IntervalProtocol(AsRows):
    """Intervals of counterfactual rows: every target that has effects is set, in each of `n_factual` rows.

    Intervals are asked for at `level`. `version` counts changes of anything that moves an outcome.
    """

    name: str
    version: int
    n_train: int
    n_factual: int
    level: float
    n_predictive: int = 201

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {"intervals": metrics.VERSIONS["intervals"]}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        asked = {"interval": ["coverage", "width", "interval_score"]}
        return {**asked, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """A question a target with effects. Raises `ValuesError` for images, which lie between nothing."""
        if scm.images:
            raise ValuesError(f"the protocol {self.name!r} asks about numbers; {sorted(scm.images)[0]!r} is an image")
        asked = [node for node in scm.targets if descendants(scm.graph, node)]
        return [Intervals(scm, node, self.n_factual, self.level, derive(seed, "rows", node)) for node in asked]


INTERVALS = IntervalProtocol(name="intervals", version=1, n_train=5_000, n_factual=1_000, level=0.9)
"""Coverage of 90 % intervals against the truth, their width, and the score of both (docs/theory.md)."""
