"""A quantile regression forest as plain arrays: which training rows speak for a new row, and how loudly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from threadpoolctl import threadpool_limits

from ..training.trees import Splits


@dataclass(frozen=True)
class Forest(Splits):
    """Trees, and the leaves ``ends (m, T)`` in which the m training rows end.

    "Quantile Regression Forests", Meinshausen, 2006.
    """

    ends: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ends.ndim != 2 or self.ends.shape[1] != len(self.roots) or self.ends.dtype != np.int64:
            raise ValueError("the training rows do not end in a leaf a tree")

    @classmethod
    def grown(cls, X: NDArray[np.float64], y: NDArray[np.float64], *, trees: int, leaf: int, seed: int) -> Self:
        """A random forest by scikit-learn on rows ``X (n, p)``, ``y (n,)``, with at least `leaf` rows a leaf."""
        model = RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=seed % 2**32, n_jobs=1)
        with threadpool_limits(1):
            grown = [tree.tree_ for tree in model.fit(X, y).estimators_]
        sizes = np.array([tree.node_count for tree in grown], dtype=np.int64)
        roots = np.cumsum(sizes) - sizes
        here, shift = np.arange(sizes.sum()), np.repeat(roots, sizes)
        left, right, feature = (
            np.concatenate([getattr(tree, name) for tree in grown])
            for name in ("children_left", "children_right", "feature")
        )
        leaves = left < 0
        columns = {
            "roots": roots,
            "feature": np.where(leaves, 0, feature),
            "threshold": np.concatenate([tree.threshold for tree in grown]),
            "nan_left": np.zeros(len(here), dtype=bool),
            "left": np.where(leaves, here, left + shift),
            "right": np.where(leaves, here, right + shift),
        }
        return cls(**columns, ends=Splits(**columns).leaves(_narrow(X)))

    def weights(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much each of the m training rows counts for each row of ``X (n, p)``: ``(n, m)``, rows sum to 1.

        The mean over trees of 1{same leaf} / rows of that leaf (Meinshausen, 2006, eq. 4 and 5).
        """
        total = np.zeros((len(X), len(self.ends)))
        for leaf, training in zip(self.leaves(_narrow(X)).T, self.ends.T, strict=True):
            same = leaf[:, None] == training
            total += same / same.sum(1, keepdims=True)
        return total / len(self.roots)


def _narrow(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """As the trees were grown: scikit-learn's random forests see float32."""
    return X.astype(np.float32).astype(np.float64)
