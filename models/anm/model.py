"""The additive-noise model: a regression a node, its residuals as the noise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Self

import networkx as nx
import numpy as np
import torch
from scmbench.datasets.values import Values, ValuesError
from sklearn.base import RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.model_selection import KFold, cross_val_predict
from threadpoolctl import ThreadpoolController
from torch import Tensor

from ..contract.additive import AdditiveNoise, AdditiveNoiseModel
from ..contract.base import Unsupported
from ..contract.nodewise import Mechanism, Task
from .candidates import EvenLine, Quadratic, RelativeBoosting, StandardisedProcess
from .regressions import Regression, as_arrays

SPLIT_ROWS, SPLIT_SHARE = 3000, 0.7
"""The published code chooses on one split: training rows min(3000, 0.7 n), test rows min(the rest, 3000)."""

RULES = {"classic": ("linear", "boosting"), "modern": ("linear", "boosting", "polynomial")}
"""What `auto` chooses among, by the rule of which DoWhy."""

REGRESSORS = ("auto", "linear", "boosting", "polynomial", "gp")
FOLDS = 5
MOST_SQUARED = 5
"""Today's DoWhy tries polynomials of up to so many columns."""

MIN_ROWS = 10
WIDEST = 100
"""Columns of a node: each costs several regressions, so that an image would take hours."""


class Additive(AdditiveNoise):
    """``x = f(pa) + u``: one regression an output, chosen among `candidates`; u bootstrapped from rows of residuals."""

    saves = ("chosen", "regressions", "residuals")
    chosen: list[str]
    regressions: list[Regression]
    residuals: Tensor

    def __init__(self, candidates: Mapping[str, Any], *, held_out: bool, modern: bool = False):
        self.candidates, self.held_out, self.modern = candidates, held_out, modern

    def fit(self, task: Task) -> Self:
        """Choose and fit a regression for every column of ``x (n, d)``, then keep the residuals ``(n, d)``."""
        if len(task.x) < MIN_ROWS:
            raise ValuesError(f"an additive-noise model needs at least {MIN_ROWS} rows, got {len(task.x)}")
        X, Y = task.parents.numpy(), task.x.numpy()
        seed = task.seed % 2**32
        self.chosen, self.regressions, residuals = [], [], []
        with _one_thread(), warnings.catch_warnings():
            # A Gaussian process under much noise may find no signal: its variance then ends at the kernel's bound.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for y in Y.T:
                fits = {name: _seeded(regressor, seed) for name, regressor in self.candidates.items()}
                if self.modern and X.shape[1] > MOST_SQUARED:
                    del fits["polynomial"]
                name, predicted = self._choose(fits, X, y, seed)
                regressor = _fitted(fits[name], X, y)
                self.chosen.append(name)
                self.regressions.append(as_arrays(regressor))
                residuals.append(y - (regressor.predict(X) if predicted is None else predicted))
        self.residuals = torch.from_numpy(np.stack(residuals, axis=1))
        return self

    def _choose(self, fits: Mapping[str, Any], X: np.ndarray, y: np.ndarray, seed: int) -> tuple[str, Any]:
        """The best of `fits`, and its held-out predictions where residuals are taken from them."""
        if not (self.modern or self.held_out):
            return _by_split(fits, X, y, seed)
        name, predicted = _by_folds(fits, X, y, seed, _mean_of_folds if self.modern else _mean_of_rows)
        return name, predicted if self.held_out else None

    def mean(self, parents: Tensor) -> Tensor:
        """The regressions' prediction, ``(n, p)`` to ``(n, d)``."""
        X = parents.numpy()
        if not len(X):
            return torch.empty(0, len(self.regressions), dtype=self.dtype)
        with _one_thread():
            return torch.from_numpy(np.stack([regression.predict(X) for regression in self.regressions], axis=1))

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """A bootstrap of the residuals, whole rows of them: outputs of a vector node stay dependent."""
        return self.residuals[torch.randint(len(self.residuals), (n,), generator=generator)]


class ANM(AdditiveNoiseModel):
    """Additive-noise model ``x = f(pa) + u``, roots by bootstrap, abduction by residual.

    "Nonlinear causal discovery with additive noise models", Hoyer, Janzing, Mooij, Peters, Schölkopf, 2009. The noise
    is the bootstrap of the residuals as they are (not centred).

    Variant `reference` follows DoWhy 0.8 ("DoWhy-GCM", Blöbaum, Götz, Budhathoki, Mastakouri, Janzing, 2022; automatic
    assignment at quality "good"): linear regression if its error on the test part of one random split is at most that
    of histogram gradient boosting, else the latter, refitted on all rows. Its noise are the *in-sample* residuals,
    which are too small where the booster overfits. `corrected` is ours: it chooses by five-fold cross-validation and
    takes the *held-out* residuals of the folds for noise, which is what a new row's residual looks like.

    Options: `regressor` is `auto` (the rule above), `linear`, `boosting`, `polynomial` (columns, squares and products),
    or `gp`, a Gaussian process with kernel ``c · RBF(l)``, c and l by marginal likelihood from `gp_restarts` random
    starts beside (1, 1), and the noise variance fixed at `gp_noise`, as in "Causal Autoregressive Flows", Khemakhem,
    Monti, Leech, Hyvärinen, 2021, for its fMRI experiment (25 and 10), x and parents being standardised for it, as they
    were there. `rule` says how `auto` chooses: `classic` as above, `modern` as DoWhy 0.14 does ("DoWhy-GCM: An
    extension of DoWhy for causal inference in graphical causal models", Blöbaum, Götz, Budhathoki, Mastakouri, Janzing,
    JMLR 2024; quality "good"): among linear regression, boosting and, for up to five columns of parents, the
    polynomial, the one whose held-out mean squared error is lowest on average over five folds. What is taken for noise
    stays the variant's. Raises `ValuesError` below ten rows.
    """

    version: ClassVar[int] = 1
    added_options: ClassVar[frozenset[str]] = frozenset({"rule"})
    variants: ClassVar[tuple[str, ...]] = ("reference", "corrected")

    def __init__(
        self,
        variant: str = "reference",
        regressor: str = "auto",
        gp_noise: float = 25.0,
        gp_restarts: int = 10,
        rule: str = "classic",
    ):
        if variant not in self.variants:
            raise ValueError(f"variant={variant!r}: choose one of {list(self.variants)}")
        if regressor not in REGRESSORS:
            raise ValueError(f"regressor={regressor!r}: choose one of {list(REGRESSORS)}")
        if rule not in RULES:
            raise ValueError(f"rule={rule!r}: choose one of {list(RULES)}")
        if rule == "modern" and regressor != "auto":
            raise ValueError(
                f"rule='modern' chooses among regressors; regressor={regressor!r} names one: leave one out"
            )
        self.variant, self.regressor, self.gp_noise, self.gp_restarts = variant, regressor, gp_noise, gp_restarts
        self.rule = rule

    def _tasks(self, graph: nx.DiGraph, data: Values, *, seed: int) -> dict[str, Task]:
        """A regression task a node. Raises `Unsupported` for an image or vector of more columns than `WIDEST`."""
        for node in graph:
            if graph.in_degree(node) and (width := data[node].shape[1:].numel()) > WIDEST:
                shape = tuple(data[node].shape[1:])
                raise Unsupported(
                    f"anm fits a regression a column, which takes hours for {node!r}: it has the shape {shape}, "
                    f"{width} columns; at most {WIDEST} are supported"
                )
        return super()._tasks(graph, data, seed=seed)

    def mechanism(self) -> Mechanism:
        """An unfitted additive-noise mechanism."""
        kernel = ConstantKernel() * RBF()
        regressors = {
            "linear": EvenLine(),
            "boosting": RelativeBoosting(),
            "polynomial": Quadratic(),
            "gp": StandardisedProcess(kernel, alpha=self.gp_noise, n_restarts_optimizer=self.gp_restarts),
        }
        names = RULES[self.rule] if self.regressor == "auto" else (self.regressor,)
        candidates = {name: regressors[name] for name in names}
        return Additive(candidates, held_out=self.variant == "corrected", modern=self.rule == "modern")


def _by_split(fits: Mapping[str, Any], X: np.ndarray, y: np.ndarray, seed: int) -> tuple[str, None]:
    """The name with the lowest test error on one split, the first of equals."""
    if len(fits) == 1:
        return next(iter(fits)), None
    n = len(X)
    n_fit = min(SPLIT_ROWS, round(SPLIT_SHARE * n))
    order = np.random.default_rng(seed).permutation(n)
    rows, test = order[:n_fit], order[n_fit : n_fit + SPLIT_ROWS]
    errors = {name: _mse(y[test], _fitted(r, X[rows], y[rows]).predict(X[test])) for name, r in fits.items()}
    return min(errors, key=errors.__getitem__), None


def _by_folds(
    fits: Mapping[str, Any], X: np.ndarray, y: np.ndarray, seed: int, mean: Callable[[np.ndarray, KFold], float]
) -> tuple[str, np.ndarray]:
    """The name with the lowest cross-validated squared error, the first of equals, and its held-out predictions."""
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    predicted = {name: np.asarray(cross_val_predict(r, X, y, cv=folds)) for name, r in fits.items()}
    name = min(predicted, key=lambda name: mean((y - predicted[name]) ** 2, folds))
    return name, predicted[name]


def _mean_of_rows(squares: np.ndarray, folds: KFold) -> float:
    return float(np.mean(squares))


def _mean_of_folds(squares: np.ndarray, folds: KFold) -> float:
    return float(np.mean([np.mean(squares[held]) for _, held in folds.split(squares)]))


def _mse(y: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean((y - predicted) ** 2))


def _fitted(regressor: RegressorMixin, X: np.ndarray, y: np.ndarray) -> Any:
    fresh: Any = clone(regressor)
    return fresh.fit(X, y)


def _seeded(regressor: RegressorMixin, seed: int) -> Any:
    fresh: Any = clone(regressor)
    return fresh.set_params(random_state=seed) if "random_state" in fresh.get_params() else fresh


@cache
def _threadpools() -> ThreadpoolController:
    return ThreadpoolController()


def _one_thread():
    """scikit-learn's own threads off: processes fill the cores, and sums do not depend on how many there are."""
    return _threadpools().limit(limits=1)
