"""What the BDCM paper asks: the law of one outcome under interventions on one cause, where both have hidden causes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import torch
from scmbench import metrics
from scmbench.datasets import SCM, Query, Score, Values
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive, generator
from scmbench.datasets.values import flatten
from torch import Tensor

from .causal import Interventional, checked, scores_by_value
from .measured import AsRows, HeldOut, Likelihood

WIDTHS = (10.0, 15.0, 20.0, 50.0)
"""The a of the published kernel, the sum of ``exp(-d² / 2a)``."""


def standardised_mmd(truth: Tensor, answer: Tensor) -> Tensor:
    """The published score: both samples to mean 0 and standard deviation 1, each by itself, then a biased MMD².

    ``Σ_a mean k_a(x, x) + mean k_a(y, y) - 2 mean k_a(x, y)``, ``(g, n, d), (g, m, d) -> (g,)``. It cannot see a wrong
    mean or scale, and its kernels are so wide that little of the shape is left: read it beside `w1`.
    """
    x, y = (_standardised(sample) for sample in (truth, answer))
    return torch.stack([metrics.mmd2_biased(x, y, 1 / (2 * width)) for width in WIDTHS]).sum(0)


def _standardised(x: Tensor) -> Tensor:
    spread = x.std(-2, correction=0, keepdim=True)
    return (x - x.mean(-2, keepdim=True)) / torch.where(spread > 0, spread, 1)


@dataclass(frozen=True)
class Columns(Interventional):
    """``do(node = a)`` for each of the `values`: these `columns` jointly, descendants or not, by all `distances`."""

    columns: Sequence[str] = ()

    def score(self, answer: Values) -> Iterable[Score]:
        """One number a distance and value."""
        truth = self._truth
        both = (truth, checked(answer, truth))
        x, y = (flatten(v, self.columns).reshape(len(self.values), self.n, -1) for v in both)
        return scores_by_value(self, {name: d(x, y) for name, d in self.distances.items()})


@dataclass(frozen=True)
class BackdoorProtocol(AsRows):
    """The evaluation of the BDCM paper's code: `n_values` values of the cause from U(-`reach`, `reach`), one outcome.

    The outcome is the descendant of the cause that comes last in causal order. Beside the published score, which cannot
    see a mean, there are `w1` and `ks` of the outcome as it is. `version` counts changes of anything that moves an
    outcome.

    "Diffusion Model in Causal Inference with Unmeasured Confounders", Shimizu, 2023.
    """

    name: str
    version: int
    n_train: int
    n_law: int
    n_values: int
    reach: float
    n_predictive: int = 201

    @property
    def distances(self) -> Mapping[str, Callable[[Tensor, Tensor], Tensor]]:
        """Metrics by name."""
        return {"mmd_standardised": standardised_mmd, "w1": metrics.w1, "ks": metrics.ks}

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {name: metrics.VERSIONS[name] for name in ("marginals", "mmd")}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        own = list(self.distances)
        return {"observational": own, "interventional": own, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """The questions about `scm`."""
        asked: list[Query] = []
        for node in scm.targets:
            below = [v for v in nx.lexicographical_topological_sort(scm.graph) if v in nx.descendants(scm.graph, node)]
            if not below:
                continue
            drawn = torch.rand(self.n_values, generator=generator(seed, "values", node), dtype=torch.float64)
            stream = derive(seed, "outcome", node)
            values = self.reach * (2 * drawn - 1)
            asked.append(Columns(scm, node, values, self.n_law, stream, self.distances, columns=below[-1:]))
        return asked

    def held_out(self, rows: Values) -> Sequence[Query]:
        """Where there is no SCM: the distances to measured rows, and their likelihood."""
        return [HeldOut(rows, self.distances), Likelihood(rows)]


BDCM = BackdoorProtocol(name="bdcm", version=1, n_train=1_000, n_law=500, n_values=10, reach=3.0)
"""The evaluation of the BDCM paper's code, on worlds whose constants are fixed."""
