"""What the KaCGM paper asks: all columns at once, those that an intervention cannot reach included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from scmbench import metrics
from scmbench.datasets import SCM, Query, Values, ValuesError
from scmbench.datasets.problem import Origin
from scmbench.datasets.seeds import derive
from scmbench.datasets.values import flatten
from torch import Tensor

from .causal import Counterfactual, Observational, descendants
from .confounded import Columns
from .measured import AsRows, HeldOut, Likelihood


def errors_of_columns(truth: Values, answer: Values, query: Counterfactual) -> dict[str, Tensor]:
    """``mse_columns`` and ``mae_columns``: means over rows and all columns, moved or not: ``{metric: (g,)}``."""
    nodes = sorted(truth)
    x, y = (flatten(v, nodes).reshape(len(query.values), query.n, -1) for v in (truth, answer))
    return {"mse_columns": (x - y).square().mean((-2, -1)), "mae_columns": (x - y).abs().mean((-2, -1))}


@dataclass(frozen=True)
class ColumnsProtocol(AsRows):
    """The evaluation of the KaCGM paper's code: samples and errors over all columns, `n` rows of each.

    Every target of the SCM is set to the `percentiles` of its training rows. `version` counts changes of anything that
    moves an outcome.

    "Kolmogorov-Arnold causal generative models", Almodóvar, Elizo, Apellániz, Zazo, Parras, 2026.
    """

    name: str
    version: int
    n_train: int
    n: int
    percentiles: Sequence[float] = (0.25, 0.5, 0.75)
    n_predictive: int = 201

    @property
    def distances(self) -> Mapping[str, Callable[[Tensor, Tensor], Tensor]]:
        """Metrics by name."""
        return {"mmd": metrics.mmd_paper, "c2st_forest": metrics.c2st_forest}

    @property
    def metric_versions(self) -> Mapping[str, int]:
        """Versions of all that scores depend on."""
        return {name: metrics.VERSIONS[name] for name in ("classifier", "counterfactual", "mmd")}

    @property
    def scores(self) -> Mapping[str, Sequence[str]]:
        """Every metric that may come of it, by kind of query."""
        sampled, errors = list(self.distances), ["mse_columns", "mae_columns"]
        asked = {"observational": sampled, "interventional": sampled, "counterfactual": errors}
        return {**asked, "likelihood": ["nll"], "predictive": ["abs_error"]}

    def queries(self, scm: SCM, *, seed: int, train: Values | None = None, origin: Origin | None = None) -> list[Query]:
        """The questions about `scm`; without training rows, values are percentiles of fresh ones.

        Raises `ValuesError` for a target that is no real scalar.
        """
        nodes = sorted(scm.graph)
        asked: list[Query] = [Observational(scm, self.n, nodes, derive(seed, "observational"), self.distances)]
        known = train if train is not None else scm.sample(self.n_train, seed=derive(seed, "values"))
        ranks = torch.tensor(list(self.percentiles), dtype=torch.float64)
        for node in scm.targets:
            if not descendants(scm.graph, node):
                continue
            if (x := known[node]).ndim != 1 or not x.is_floating_point():
                found = f"{x.dtype} of shape {tuple(x.shape[1:])}"
                raise ValuesError(f"the protocol {self.name!r} sets real scalars to percentiles; {node!r} is {found}")
            values, stream = x.quantile(ranks), derive(seed, "rows", node)
            asked.append(Columns(scm, node, values, self.n, derive(seed, "law", node), self.distances, columns=nodes))
            asked.append(Counterfactual(scm, node, values, self.n, stream, errors_of_columns))
        return asked

    def held_out(self, rows: Values) -> Sequence[Query]:
        """Where there is no SCM: the distances to measured rows, and their likelihood."""
        return [HeldOut(rows, self.distances), Likelihood(rows)]


KACGM = ColumnsProtocol(name="kacgm", version=1, n_train=2_000, n=2_000)
"""The evaluation of the KaCGM paper's code, kept to check numbers that were made with it."""
