"""The regressions that an additive-noise model chooses among: scikit-learn's, made indifferent to units.

A regression of columns in other units, or shifted, should be the same regression. Three details of scikit-learn's are
about absolute sizes, and are taken relative to the data here; on data of ordinary size nothing changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression

from ..contract.units import even_scale


class EvenLine(LinearRegression):
    """Least squares on columns of comparable size: which singular values are 0 does not depend on their units."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EvenLine:
        """Fit on ``X / scale``, with powers of two for the scale, then give the weights for X."""
        scale = even_scale(torch.from_numpy(X)).numpy()
        super().fit(X / scale, y, sample_weight)
        self.coef_ = self.coef_ / scale
        return self


class Quadratic(RegressorMixin, BaseEstimator):
    """Least squares on columns, their squares and their products, of standardised columns.

    The predictions are those of the columns as they are, since polynomials of standardised columns are polynomials of
    the columns; squares of a column far from 0 would be all but a multiple of it.
    """

    def fit(self, X: Any, y: Any) -> Quadratic:
        """Fit on ``second_degree((X - centre) / scale)``."""
        self.centre_, self.scale_ = X.mean(0), _spread(X)
        self.line_ = EvenLine().fit(second_degree((X - self.centre_) / self.scale_), y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predictions ``(n,)``."""
        return np.asarray(self.line_.predict(second_degree((X - self.centre_) / self.scale_)))


def second_degree(Z: np.ndarray) -> np.ndarray:
    """Columns z_i, then products z_i z_j with i <= j: ``(n, p)`` to ``(n, p (p + 3) / 2)``."""
    i, j = np.triu_indices(Z.shape[1])
    return np.concatenate([Z, Z[:, i] * Z[:, j]], axis=1)


class RelativeBoosting(HistGradientBoostingRegressor):
    """Gradient boosting whose early stopping, above 10,000 rows, has a tolerance relative to the variance of y."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RelativeBoosting:
        """Fit with the tolerance ``tol var(y)``, in the unit of the loss."""
        tol = self.tol
        self.tol = float(tol * np.var(y))
        try:
            super().fit(X, y, sample_weight)
        finally:
            self.tol = tol
        return self


class StandardisedProcess(GaussianProcessRegressor):
    """A Gaussian process for standardised columns: its prior has mean 0, and its noise and kernel have units."""

    def fit(self, X: Any, y: Any) -> StandardisedProcess:
        """Fit on columns of mean 0 and variance 1; a constant column is only centred."""
        self.centre_, self.scale_ = X.mean(0), _spread(X)
        self.level_, self.spread_ = float(y.mean()), float(_spread(y))
        super().fit((X - self.centre_) / self.scale_, (y - self.level_) / self.spread_)
        return self

    def predict(self, X: Any) -> Any:  # type: ignore[override]
        """The posterior mean ``(n,)``, in the units of y."""
        mean: Any = super().predict((X - self.centre_) / self.scale_)
        return self.level_ + self.spread_ * mean


def _spread(x: np.ndarray) -> np.ndarray:
    std = x.std(0)
    return np.where(std > 0, std, 1.0)
