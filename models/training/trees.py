"""Decision trees side by side as plain arrays, which can be saved, and a compiled walk down all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .kernels import compiled


@dataclass(frozen=True)
class Splits:
    """All trees' nodes in one array, ``(K,)`` a column; `roots` ``(T,)`` are where trees start.

    A row goes from node k to ``left[k]`` where ``x[feature[k]] <= threshold[k]``, to ``right[k]`` otherwise (where x is
    NaN, as ``nan_left[k]`` says); a leaf leads to itself. Raises `ValueError` for arrays that are no trees, such as a
    node that leads to an earlier one, so that every walk ends.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    nan_left: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def __post_init__(self) -> None:
        here = np.arange(len(self.left))
        columns = (self.feature, self.threshold, self.nan_left, self.left, self.right)
        if any(column.shape != here.shape for column in columns) or self.roots.ndim != 1:
            raise ValueError("the trees' columns differ in length")
        if any(column.dtype != np.int64 for column in (self.roots, self.feature, self.left, self.right)):
            raise ValueError("the trees' places are not whole numbers")
        if self.threshold.dtype != np.float64 or self.nan_left.dtype != np.bool_:
            raise ValueError("the trees' thresholds are no numbers, or NaN leads nowhere")
        leaf = (self.left == here) & (self.right == here)
        if not (leaf | ((self.left > here) & (self.right > here))).all():
            raise ValueError("a tree leads back to an earlier node")
        if any(((column < 0) | (column >= len(here))).any() for column in (self.roots, self.left, self.right)):
            raise ValueError("a tree leads to a node that is not there")
        if (self.feature < 0).any():
            raise ValueError("a tree asks for a column before the first")

    def leaves(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """The leaf of every tree in which each row of ``X (n, p)`` ends: ``(n, T)``.

        Raises `ValueError` where a tree asks for a column that X lacks.
        """
        if len(self.feature) and self.feature.max() >= X.shape[1]:
            raise ValueError(f"a tree asks for column {self.feature.max()}, there are {X.shape[1]}")
        columns = (self.roots, self.feature, self.threshold, self.nan_left, self.left, self.right)
        found = np.empty((len(X), len(self.roots)), np.int64)
        _walk(np.ascontiguousarray(X, np.float64), *map(np.ascontiguousarray, columns), found)
        return found


@compiled
def _walk(X, roots, feature, threshold, nan_left, left, right, found):
    for i in range(X.shape[0]):
        for t in range(roots.shape[0]):
            k = roots[t]
            while left[k] != k:
                x = X[i, feature[k]]
                k = left[k] if x <= threshold[k] or (x != x and nan_left[k]) else right[k]
            found[i, t] = k
