"""What papers on causal flows ask: their KL, the norm of an error in effects, the norm of counterfactual rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import torch
from scmbench import metrics
from scmbench.datasets import SCM, NoDensity, Query, Score, Values, ValuesError
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten, rows
from torch import Tensor

from .causal import Counterfactual, Remembering, checked, descendants
from .measured import AsRows


@dataclass(frozen=True)
class Divergence(Remembering):
    """How far is the model's density from the world's, at `n` test rows? A model without one does not answer."""

    scm: SCM
    n: int
    seed: int
    kind: str = field(default="observational", init=False)
    rung: str = field(default="observational", init=False)

    def truth(self) -> Values:
        """The test rows."""
        return self.scm.sample(self.n, seed=derive(self.seed, "test"))

    @cached_property
    def _truth(self) -> Tensor:
        return self.scm.log_prob(self.truth())

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.log_prob(rows)``. Raises `Unsupported` (the model does) where it has no density."""
        return {"log_prob": model.log_prob(self.truth())}

    def score(self, answer: Values) -> Iterable[Score]:
        """``kl``, in nats."""
        truth = self._truth
        return [Score(self.kind, "kl", float(metrics.kl(truth, checked(answer, {"log_prob": truth})["log_prob"])))]


@dataclass(frozen=True)
class Contrast(Remembering):
    """The effect of ``do(node = b)`` against ``do(node = a)`` on all other nodes, for every pair of `values`.

    World and model draw `n` fresh rows for either side of every pair.
    """

    scm: SCM
    node: str
    values: Tensor
    n: int
    seed: int
    kind: str = field(default="interventional", init=False)
    rung: str = field(default="interventional", init=False)

    @property
    def sides(self) -> Tensor:
        """The values of all pairs in a row: ``a, b, a, c, b, c``."""
        return torch.cat([torch.stack(pair) for pair in combinations(self.values, 2)])

    @property
    def do(self) -> dict[str, Tensor]:
        """All sides in one intervention, `n` rows each."""
        return {self.node: self.sides.repeat_interleave(self.n, dim=0)}

    def truth(self) -> Values:
        """The world's rows under the intervention."""
        return self.scm.sample(self.n * len(self.sides), self.do, seed=derive(self.seed, "truth"))

    @cached_property
    def _truth(self) -> Values:
        return self.truth()

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.sample(n · #sides, do)``, a batch with per-row values."""
        return model.sample(self.n * len(self.sides), self.do, seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """``ate_norm``, the mean over pairs."""
        truth = self._truth
        others = [node for node in sorted(self.scm.graph) if node != self.node]
        sides = (flatten(x, others).reshape(-1, 2, self.n, len(others)) for x in (truth, checked(answer, truth)))
        return [Score(self.kind, "ate_norm", float(metrics.ate_norm(*sides).mean()), self.node)]


@dataclass(frozen=True)
class SameRows(Counterfactual):
    """The same `n` factual rows, those of a test set, at every value of every node."""

    @cached_property
    def _noise(self) -> Values:
        once = self.scm.noise(self.n, seed=derive(self.seed, "test"))
        return rows(once, torch.arange(self.n).repeat(len(self.values)))


def row_norms(truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
    """``row_norm`` over all nodes, those that the intervention does not reach included: ``{metric: (g,)}``."""
    nodes = sorted(truth)
    groups = [flatten(x, nodes).reshape(len(query.values), query.n, -1) for x in (truth, answer)]
    return {"row_norm": metrics.row_norm(*groups)}


@dataclass(frozen=True)
class FlowProtocol(AsRows):
    """The evaluation of the Causal NF paper's code: densities, differences of means, counterfactual rows.

    Every target of the SCM is set to the `percentiles` of its training rows, rounded to two decimals. `n_test` rows are
    asked for their density, where the SCM has one, and for their counterfactuals; `n_side` rows are drawn for either
    side of every pair of values. `version` counts changes of anything that moves an outcome.

    "Causal normalizing flows: from theory to practice", Javaloy, Sánchez-Martín, Valera, NeurIPS 2023, appendix D. Its
    code splits 25,000 rows into 20,000, 2,500 and 2,500. A `CausalNF` holds a tenth of what it is given out by itself,
    so that 22,222 rows leave it 20,000 to train on.
    """

    name: str
    version: int
    n_train: int
    n_test: int
    n_side: int
    percentiles: Sequence[float] = (0.25, 0.5, 0.75)
    n_predictive: int = 201

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {name: metrics.VERSIONS[name] for name in ("likelihood", "norms")}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        asked = {"observational": ["kl"], "interventional": ["ate_norm"], "counterfactual": ["row_norm"]}
        return {**asked, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """The questions about `scm`; without training rows, values are percentiles of fresh ones.

        Raises `ValuesError` for a target that is no real scalar.
        """
        test = derive(seed, "test")
        asked: list[Query] = [Divergence(scm, self.n_test, test)] if has_density(scm, derive(seed, "density")) else []
        known = train if train is not None else scm.sample(self.n_train, seed=derive(seed, "values"))
        ranks = torch.tensor(list(self.percentiles), dtype=torch.float64)
        for node in scm.targets:
            if not descendants(scm.graph, node):
                continue
            if (x := known[node]).ndim != 1 or not x.is_floating_point():
                found = f"{x.dtype} of shape {tuple(x.shape[1:])}"
                raise ValuesError(f"the protocol {self.name!r} sets real scalars to percentiles; {node!r} is {found}")
            values = x.quantile(ranks).mul(100).round().div(100) + 0.0  # so that there is no -0
            asked.append(Contrast(scm, node, values, self.n_side, derive(seed, "contrast", node)))
            asked.append(SameRows(scm, node, values, self.n_test, test, row_norms))
        return asked


CNF = FlowProtocol(name="cnf", version=1, n_train=22_222, n_test=2_500, n_side=10_000)
"""The evaluation of the Causal NF paper's code, kept to check numbers that were made with it."""

LOOKED_AT = 200
"""Rows at which a mechanism has to be monotone in its noise for its SCM to be asked about by density."""


def has_density(scm: SCM, seed: int) -> bool:
    """Whether `SCM.log_prob` knows the density, as a few rows show."""
    try:
        scm.log_prob(scm.sample(LOOKED_AT, seed=seed))
    except NoDensity:
        return False
    return True
