"""What the cocycles paper asks: laws under an intervention, laws of effects, errors of counterfactual rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from scmbench import metrics
from scmbench.datasets import SCM, Query, Score, Values
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten
from torch import Tensor

from .causal import Counterfactual, Interventional, Remembering, checked, descendants, replays
from .measured import AsRows


@dataclass(frozen=True)
class Effects(Remembering):
    """The law of individual effects ``x(do) - x`` on the descendants of `node`, `n` rows of the world and the model.

    The model's rows are its own: it samples them, and is asked what they would have been. So no effect is paired with
    a true one, and a model whose rows are those of the world but whose counterfactuals are not is found out.
    """

    scm: SCM
    node: str
    value: float
    n: int
    seed: int
    kind: str = field(default="counterfactual", init=False)
    rung: str = field(default="counterfactual", init=False)

    def truth(self) -> Values:
        """The world's effects, ``{descendant: (n,)}``."""
        return dict(self._truth)

    @cached_property
    def _truth(self) -> Values:
        noise = self.scm.noise(self.n, seed=derive(self.seed, "truth"))
        return self._effects(self.scm.observed(self.scm.run(noise)), self.scm.counterfactual(noise, self._do))

    @property
    def _do(self) -> dict[str, float]:
        return {self.node: self.value}

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.counterfactual(sample, do) - sample``; a ceiling, which knows the noise, replays its own."""
        if replays(model):
            noise = self.scm.noise(self.n, seed=derive(seed, "oracle"))
            sample, changed = self.scm.observed(self.scm.run(noise)), model.replay(noise, self._do)
        else:
            sample = model.sample(self.n, seed=derive(seed, "sample"))
            changed = model.counterfactual(sample, self._do, seed=derive(seed, "changed"))
        return self._effects(sample, changed)

    def _effects(self, sample: Values, changed: Values) -> Values:
        return {v: changed[v] - sample[v] for v in descendants(self.scm.graph, self.node)}

    def score(self, answer: Values) -> Iterable[Score]:
        """``ks_effect`` and ``w1_effect``."""
        truth = self._truth
        x, y = (flatten(v, sorted(truth)) for v in (truth, checked(answer, truth)))
        found = {"ks_effect": metrics.ks(x, y), "w1_effect": metrics.w1(x, y)}
        return [Score(self.kind, name, float(score), self.node, self.value) for name, score in found.items()]


def errors_and_laws(truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
    """``rmse_raw`` over the rows of all descendants, and ``ks`` and ``w1`` between these very rows: ``{metric: (g,)}``.

    The last two compare an answer with the true counterfactuals of the same rows, so that they have no sampling noise:
    far smaller than those of fresh rows, and not to be compared with them.
    """
    reached = descendants(query.scm.graph, query.node)
    x, y = (flatten(v, reached).reshape(len(query.values), query.n, -1) for v in (truth, answer))
    return {"rmse_raw": metrics.mse(x, y).mean(-1).sqrt(), "ks": metrics.ks(x, y), "w1": metrics.w1(x, y)}


@dataclass(frozen=True)
class PairProtocol(AsRows):
    """The evaluation of the cocycles paper's code: every target is set to one `value`.

    `n_law` rows of world and model are compared under the intervention and by their effects; `n_factual` rows get their
    counterfactual. There these are the training rows; here they are fresh ones, since truths are kept from training.
    `version` counts changes of anything that moves an outcome.

    "Counterfactual Cocycles: A Framework for Robust and Coherent Counterfactual Transports", Dance, Bloem-Reddy, 2024.
    """

    name: str
    version: int
    n_train: int
    n_factual: int
    n_law: int
    value: float = 0.0
    n_predictive: int = 201

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {name: metrics.VERSIONS[name] for name in ("counterfactual", "marginals")}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        laws = ["ks", "w1"]
        effects = [f"{law}_effect" for law in laws]
        asked = {"interventional": laws, "counterfactual": [*effects, "rmse_raw", *laws]}
        return {**asked, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """The questions about `scm`."""
        at = torch.tensor([self.value], dtype=torch.float64)
        laws = {"ks": metrics.ks, "w1": metrics.w1}
        asked: list[Query] = []
        for node in scm.targets:
            if not descendants(scm.graph, node):
                continue
            asked.append(Interventional(scm, node, at, self.n_law, derive(seed, "law", node), laws))
            asked.append(Effects(scm, node, self.value, self.n_law, derive(seed, "effects", node)))
            asked.append(Counterfactual(scm, node, at, self.n_factual, derive(seed, "rows", node), errors_and_laws))
        return asked


COCYCLES = PairProtocol(name="cocycles", version=1, n_train=1_000, n_factual=1_000, n_law=100_000)
"""The evaluation of the cocycles paper's code, kept to check numbers that were made with it."""
