"""A quantile regression forest as plain arrays: which training rows speak for a new row, and how loudly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Forest:
    """Trees side by side: node k of ``(K,)`` asks whether column ``feature[k]`` is at most ``threshold[k]``.

    A yes leads to ``left[k]``, a no to ``right[k]``; a leaf leads to itself. `roots` ``(T,)`` are where trees begin,
    ``leaves (T, n)`` where the training rows end. All whole numbers but the thresholds.

    "Quantile Regression Forests", Meinshausen, 2006.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    roots: np.ndarray
    leaves: np.ndarray

    def __post_init__(self) -> None:
        """Refuse arrays that are no forest: damaged files end here."""
        size = len(self.left)
        if any(len(part) != size for part in (self.feature, self.threshold, self.right)) or not len(self.roots):
            raise ValueError("the trees' columns differ in length")
        places = np.arange(size)
        for part in (self.left, self.right):
            if part.size and (part.min() < 0 or part.max() >= size or (part < places).any()):
                raise ValueError("a tree leads back, or to a node that is not there")
        if self.leaves.ndim != 2 or len(self.leaves) != len(self.roots):
            raise ValueError("the training rows' leaves are not a row a tree")
        if min(self.feature.min(initial=0), self.roots.min(), self.leaves.min(initial=0)) < 0:
            raise ValueError("a tree asks for a column, or a place, before the first")
        if max(self.roots.max(), self.leaves.max(initial=0)) >= size:
            raise ValueError("a tree begins, or a row ends, at a node that is not there")

    @classmethod
    def grown(cls, X: NDArray[np.float64], y: NDArray[np.float64], *, trees: int, leaf: int, seed: int) -> Self:
        """A random forest by scikit-learn on rows ``X (n, p)``, ``y (n,)``, with at least `leaf` rows a leaf."""
        model = RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=seed % 2**32, n_jobs=1)
        with threadpool_limits(1):
            grown = [tree.tree_ for tree in model.fit(X, y).estimators_]
        sizes = np.array([tree.node_count for tree in grown])
        roots = np.cumsum(sizes) - sizes
        left, right = (
            np.concatenate([np.where(part >= 0, part, np.arange(n)) + root for part, n, root in parts])
            for parts in (
                [(tree.children_left, n, root) for tree, n, root in zip(grown, sizes, roots, strict=True)],
                [(tree.children_right, n, root) for tree, n, root in zip(grown, sizes, roots, strict=True)],
            )
        )
        feature = np.maximum(np.concatenate([tree.feature for tree in grown]), 0).astype(np.int64)
        threshold = np.concatenate([tree.threshold for tree in grown])
        bare = cls(feature, threshold, left, right, roots, np.zeros((trees, 0), np.int64))
        return cls(feature, threshold, left, right, roots, bare.apply(X))

    def apply(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """The leaf ``(T, n)`` in which each row of ``X (n, p)`` ends, tree by tree; X in float32, as it was grown."""
        narrow = X.astype(np.float32)
        rows = np.arange(len(X))
        at = np.repeat(self.roots[:, None], len(X), axis=1)
        while True:
            yes = narrow[rows, self.feature[at]] <= self.threshold[at]
            below = np.where(yes, self.left[at], self.right[at])
            if (below == at).all():
                return at
            at = below

    def weights(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much each of the m training rows counts for each row of ``X (n, p)``: ``(n, m)``, rows sum to 1.

        The mean over trees of 1{same leaf} / rows of that leaf (Meinshausen, 2006, eq. 4 and 5).
        """
        total = np.zeros((len(X), self.leaves.shape[1]))
        for leaf, training in zip(self.apply(X), self.leaves, strict=True):
            same = leaf[:, None] == training
            total += same / same.sum(1, keepdims=True)
        return total / len(self.roots)
