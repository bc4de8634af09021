"""Questions about measured data without a known SCM: held-out rows, their likelihood, prediction under do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scmbench.datasets import Example, Query, Score, Values
from scmbench.datasets.problem import Origin
from scmbench.datasets.values import flatten, n_rows
from torch import Tensor

from .causal import Distance, checked


@dataclass(frozen=True)
class HeldOut:
    """Distance between measured rows that training did not see and as many of the model, over all nodes jointly."""

    rows: Values
    distances: Mapping[str, Distance]
    kind: str = field(default="observational", init=False)
    rung: str = field(default="observational", init=False)

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.sample(n)``."""
        return model.sample(n_rows(self.rows), seed=seed)

    def score(self, answer: Values) -> Iterable[Score]:
        """One number a distance."""
        x, y = (flatten(v, sorted(self.rows))[None] for v in (self.rows, checked(answer, self.rows)))
        return [Score(self.kind, name, float(d(x, y)[0])) for name, d in self.distances.items()]


@dataclass(frozen=True)
class Likelihood:
    """Mean negative log-likelihood of measured rows that training did not see, nats a row (so that lower is better)."""

    rows: Values
    kind: str = field(default="likelihood", init=False)
    rung: str = field(default="observational", init=False)

    def ask(self, model: Any, *, seed: int) -> Values:
        """``model.log_prob(rows)``. Raises `Unsupported` (the model does) where it has no density."""
        return {"log_prob": model.log_prob(self.rows)}

    def score(self, answer: Values) -> Iterable[Score]:
        """``nll``: the mean over rows of -log p(x)."""
        like = {"log_prob": next(iter(self.rows.values())).new_empty(n_rows(self.rows))}
        return [Score(self.kind, "nll", -float(checked(answer, like)["log_prob"].mean()))]


@dataclass(frozen=True)
class Predictive:
    """``do(node = values)``, row by row: how far is a point prediction from what was `measured` there?

    The prediction is ``model.predict(do)`` where there is one, else the median of `n_samples` samples a row, which is
    the point prediction with the smallest absolute error that a sampler can offer.
    """

    node: str
    values: Tensor
    measured: Values
    n_samples: int
    kind: str = field(default="predictive", init=False)
    rung: str = field(default="interventional", init=False)

    def ask(self, model: Any, *, seed: int) -> Values:
        """The predicted nodes, ``{node: (n, *event)}``, all rows in one call."""
        if "predict" in model.powers:
            return model.predict({self.node: self.values})
        n, k = len(self.values), self.n_samples
        samples = model.sample(n * k, {self.node: self.values.repeat_interleave(k, dim=0)}, seed=seed)
        return {
            v: samples[v].double().reshape(n, k, *x.shape[1:]).quantile(0.5, dim=1) for v, x in self.measured.items()
        }

    def score(self, answer: Values) -> Iterable[Score]:
        """``abs_error`` of every row, in the order of the rows: the mean over columns of |predicted - measured|."""
        predicted = checked(answer, self.measured)
        errors = (flatten(predicted, sorted(predicted)) - flatten(self.measured, sorted(predicted))).abs().mean(1)
        pairs = zip(self.values.tolist(), errors.tolist(), strict=True)
        return [Score(self.kind, "abs_error", error, self.node, a) for a, error in pairs]

    def examples(self, answer: Values) -> list[Example]:
        """Every row, in order, for plots of the measured and the predicted series of scalar nodes."""
        pairs = [(v, x.tolist(), answer[v].tolist()) for v, x in self.measured.items() if x.ndim == 1]
        return [
            Example(self.node, a, v, true, predicted)
            for v, x, y in pairs
            for a, true, predicted in zip(self.values.tolist(), x, y, strict=True)
        ]


class AsRows:
    """What a protocol asks of measured data where it has nothing of its own to ask: a base of protocols."""

    n_predictive: int

    def held_out(self, rows: Values) -> Sequence[Query]:
        """Where there is no SCM: the likelihood of measured rows."""
        return [Likelihood(rows)]

    def predictive(self, node: str, values: Tensor, measured: Values) -> Query:
        """Prediction of `measured` under ``do(node = values)``, row by row."""
        return Predictive(node, values, measured, self.n_predictive)

    def measured_images(
        self, measured: Values, *, image: str, label: str, draw: Callable[[int, int], Values], origin: Origin, seed: int
    ) -> Sequence[Query]:
        """As of any other rows: `held_out`."""
        return self.held_out(measured)
