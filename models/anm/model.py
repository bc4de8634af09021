"""The additive-noise model: a regression a node, its residuals as the noise."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
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
from .candidates import EvenLine, RelativeBoosting, StandardisedProcess
from .regressions import Regression, as_arrays

SPLIT_ROWS, SPLIT_SHARE = 3000, 0.7
"""The published code chooses on one split: training rows min(3000, 0.7 n), test rows min(the rest, 3000)."""

FOLDS = 5
MIN_ROWS = 10
WIDEST = 100
"""Columns of a node: each costs several regressions, so that an image would take hours."""


class Additive(AdditiveNoise):
    """``x = f(pa) + u``: one regression an output, chosen among `candidates`; u bootstrapped from rows of residuals."""

    saves = ("chosen", "regressions", "residuals")
    chosen: list[str]
    regressions: list[Regression]
    residuals: Tensor

    def __init__(self, candidates: Mapping[str, Any], *, held_out: bool):
        self.candidates, self.held_out = candidates, held_out

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
                choose = _by_folds if self.held_out else _by_split
                name, predicted = choose(fits, X, y, seed)
                regressor = _fitted(fits[name], X, y)
                self.chosen.append(name)
                self.regressions.append(as_arrays(regressor))
                residuals.append(y - (regressor.predict(X) if predicted is None else predicted))
        self.residuals = torch.from_numpy(np.stack(residuals, axis=1))
        return self

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

    Options: `regressor` is `auto` (the rule above), `linear`, `boosting`, or `gp`, a Gaussian process with kernel
    ``c · RBF(l)``, c and l by marginal likelihood from `gp_restarts` random starts beside (1, 1), and the noise
    variance fixed at `gp_noise`, as in "Causal Autoregressive Flows", Khemakhem, Monti, Leech, Hyvärinen, 2021, for
    its fMRI experiment (25 and 10), x and parents being standardised for it, as they were there. Raises
    `ValuesError` below ten rows.
    """

    version: ClassVar[int] = 1
    variants: ClassVar[tuple[str, ...]] = ("reference", "corrected")

    def __init__(
        self, variant: str = "reference", regressor: str = "auto", gp_noise: float = 25.0, gp_restarts: int = 10
    ):
        if variant not in self.variants:
            raise ValueError(f"variant={variant!r}: choose one of {list(self.variants)}")
        if regressor not in ("auto", "linear", "boosting", "gp"):
            raise ValueError(f"regressor={regressor!r}: choose one of ['auto', 'linear', 'boosting', 'gp']")
        self.variant, self.regressor, self.gp_noise, self.gp_restarts = variant, regressor, gp_noise, gp_restarts

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
            "gp": StandardisedProcess(kernel, alpha=self.gp_noise, n_restarts_optimizer=self.gp_restarts),
        }
        names = ("linear", "boosting") if self.regressor == "auto" else (self.regressor,)
        return Additive({name: regressors[name] for name in names}, held_out=self.variant == "corrected")


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


def _by_folds(fits: Mapping[str, Any], X: np.ndarray, y: np.ndarray, seed: int) -> tuple[str, np.ndarray]:
    """The name with the lowest cross-validated error, the first of equals, and its held-out predictions."""
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    predicted = {name: np.asarray(cross_val_predict(r, X, y, cv=folds)) for name, r in fits.items()}
    name = min(predicted, key=lambda name: _mse(y, predicted[name]))
    return name, predicted[name]


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
