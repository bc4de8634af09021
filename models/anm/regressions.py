"""Fitted regressions of scikit-learn as arrays: what they predict, without the objects that were fitted.

Each gives the prediction of the estimator that it was taken from to the last digit (in the tests), and can be kept as
data, which an estimator cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import LinearRegression

from .candidates import StandardisedProcess

ROWS = 256
"""Rows that walk down the trees together."""


@dataclass(frozen=True)
class Line:
    """``X w + b`` for rows ``X (n, p)``."""

    weights: np.ndarray
    """``(p,)``"""
    intercept: float

    @classmethod
    def of(cls, fitted: LinearRegression) -> Line:
        """The line of a fitted linear regression."""
        return cls(np.array(fitted.coef_), float(fitted.intercept_))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)``."""
        return X @ self.weights + self.intercept


@dataclass(frozen=True)
class Trees:
    """A start plus the values of the leaves that a row falls into, one a tree, tree after tree.

    All trees' nodes lie in one array. A row goes from node k to ``left[k]`` where ``x[feature[k]] <= threshold[k]``, to
    ``right[k]`` otherwise (where x is NaN, as ``nan_left[k]`` says); a leaf leads to itself. `roots` are where trees
    start. Raises `ValueError` where a node leads to an earlier one, so that every walk ends.
    """

    start: float
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    nan_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

    def __post_init__(self) -> None:
        here = np.arange(len(self.value))
        columns = (self.feature, self.threshold, self.nan_left, self.left, self.right, self.value)
        if any(column.shape != here.shape for column in columns) or self.roots.ndim != 1:
            raise ValueError("the trees' columns differ in length")
        if any(column.dtype != np.int64 for column in (self.roots, self.feature, self.left, self.right)):
            raise ValueError("the trees' places are not whole numbers")
        leaf = (self.left == here) & (self.right == here)
        if not (leaf | ((self.left > here) & (self.right > here))).all():
            raise ValueError("a tree leads back to an earlier node")
        if any(((column < 0) | (column >= len(here))).any() for column in (self.roots, self.left, self.right)):
            raise ValueError("a tree leads to a node that is not there")
        if (self.feature < 0).any():
            raise ValueError("a tree asks for a column before the first")

    @classmethod
    def of(cls, fitted: HistGradientBoostingRegressor) -> Trees:
        """The trees of fitted gradient boosting with squared error and without categorical columns."""
        inner: Any = fitted  # scikit-learn has no public view of its trees
        trees = [predictor.nodes for (predictor,) in inner._predictors]
        sizes = np.array([len(tree) for tree in trees], dtype=np.int64)
        roots = np.cumsum(sizes) - sizes
        nodes, shift = np.concatenate(trees), np.repeat(roots, sizes)
        here, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
        return cls(
            float(inner._baseline_prediction.item()),
            roots,
            np.where(leaf, 0, nodes["feature_idx"]),
            np.where(leaf, 0.0, nodes["num_threshold"]),
            nodes["missing_go_to_left"].astype(bool),
            np.where(leaf, here, nodes["left"] + shift),
            np.where(leaf, here, nodes["right"] + shift),
            nodes["value"].copy(),
        )

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)``."""
        return np.concatenate([self._predict(X[i : i + ROWS]) for i in range(0, len(X), ROWS)] or [np.empty(0)])

    def _predict(self, X: np.ndarray) -> np.ndarray:
        """All rows walk down all trees together."""
        at, rows = np.tile(self.roots, (len(X), 1)), np.arange(len(X))[:, None]
        while True:
            x = X[rows, self.feature[at]]
            goes_left = (x <= self.threshold[at]) | (np.isnan(x) & self.nan_left[at])
            below = np.where(goes_left, self.left[at], self.right[at])
            if np.array_equal(below, at):
                break
            at = below
        total = np.full(len(X), self.start)
        for leaves in at.T:  # one after the other, as sums depend on their order
            total += self.value[leaves]
        return total


@dataclass(frozen=True)
class Process:
    """The posterior mean ``k(Z, A) a`` of a Gaussian process with ``k(x, y) = c exp(-|x - y|² / 2 l²)``.

    Z are the standardised rows, ``(X - centre) / scale``; the prediction is ``level + spread k(Z, A) a``.
    """

    constant: float
    length: float
    anchors: np.ndarray
    """``A (m, p)``, the training rows, standardised"""
    weights: np.ndarray
    """``a (m,)``"""
    centre: np.ndarray
    """``(p,)``"""
    scale: np.ndarray
    """``(p,)``"""
    level: float
    spread: float

    @classmethod
    def of(cls, fitted: StandardisedProcess) -> Process:
        """The posterior mean of a fitted process."""
        kernel: Any = fitted.kernel_
        return cls(
            float(kernel.k1.constant_value),
            float(kernel.k2.length_scale),
            np.array(fitted.X_train_),
            np.array(fitted.alpha_),
            fitted.centre_,
            fitted.scale_,
            fitted.level_,
            fitted.spread_,
        )

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)``."""
        kernel = ConstantKernel(self.constant) * RBF(self.length)
        return self.level + self.spread * (kernel((X - self.centre) / self.scale, self.anchors) @ self.weights)


Regression: TypeAlias = Line | Trees | Process


def as_arrays(fitted: Any) -> Regression:
    """What a fitted linear regression, gradient boosting or Gaussian process predicts."""
    if isinstance(fitted, LinearRegression):
        return Line.of(fitted)
    return Trees.of(fitted) if isinstance(fitted, HistGradientBoostingRegressor) else Process.of(fitted)
