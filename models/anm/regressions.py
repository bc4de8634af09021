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

from ..training.trees import Splits
from .candidates import Quadratic, StandardisedProcess, second_degree


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
class Quadric:
    """A line in the columns, squares and products of standardised rows ``(X - centre) / scale``."""

    line: Line
    centre: np.ndarray
    """``(p,)``"""
    scale: np.ndarray
    """``(p,)``"""

    @classmethod
    def of(cls, fitted: Quadratic) -> Quadric:
        """The polynomial of fitted least squares."""
        return cls(Line.of(fitted.line_), fitted.centre_, fitted.scale_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)``."""
        return self.line.predict(second_degree((X - self.centre) / self.scale))


@dataclass(frozen=True)
class Trees(Splits):
    """A start plus the values of the leaves that a row falls into, one a tree, tree after tree."""

    start: float
    value: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.value.shape != self.left.shape:
            raise ValueError("the trees' columns differ in length")

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
            roots,
            np.where(leaf, 0, nodes["feature_idx"]),
            np.where(leaf, 0.0, nodes["num_threshold"]),
            nodes["missing_go_to_left"].astype(bool),
            np.where(leaf, here, nodes["left"] + shift),
            np.where(leaf, here, nodes["right"] + shift),
            float(inner._baseline_prediction.item()),
            nodes["value"].copy(),
        )

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions ``(n,)``."""
        total = np.full(len(X), self.start)
        for leaves in self.leaves(X).T:  # one after the other, as sums depend on their order
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


Regression: TypeAlias = Line | Quadric | Trees | Process


def as_arrays(fitted: Any) -> Regression:
    """What a fitted linear regression, polynomial, gradient boosting or Gaussian process predicts."""
    if isinstance(fitted, Quadratic):
        return Quadric.of(fitted)
    if isinstance(fitted, LinearRegression):
        return Line.of(fitted)
    return Trees.of(fitted) if isinstance(fitted, HistGradientBoostingRegressor) else Process.of(fitted)
