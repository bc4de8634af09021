"""Linear mechanisms that outliers do not move: Theil-Sen's estimator and Huber's."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import torch
from scmbench.datasets.values import ValuesError
from sklearn.linear_model import HuberRegressor, TheilSenRegressor
from threadpoolctl import threadpool_limits
from torch import Tensor

from .contract.additive import AdditiveNoise, AdditiveNoiseModel
from .contract.columns import Scaler
from .contract.nodewise import Mechanism, Task

ESTIMATORS = ("theil-sen", "huber")


class RobustLinear(AdditiveNoise):
    """``x = W pa + b + u``, W and b by a robust estimator a column; u bootstrapped from rows of residuals."""

    saves = ("W", "b", "residuals")
    W: Tensor
    b: Tensor
    residuals: Tensor

    def __init__(self, estimator: str):
        self.estimator = estimator

    def fit(self, task: Task) -> Self:
        """Fit every column of ``x (n, d)`` on the parents, both in robust units. Raises `ValuesError` for too few rows.

        Units: a column minus its median, over 1.4826 times its median absolute deviation, so that the estimator and its
        stopping rule see numbers of order 1 whatever the data's.
        """
        n, p = task.parents.shape
        if n < p + 2:
            raise ValuesError(f"a robust line over {p} parents needs at least {p + 2} rows, got {n}")
        own, pa = Scaler.robust(task.x.double()), Scaler.robust(task.parents.double())
        X, Y = pa(task.parents.double()).numpy(), own(task.x.double()).numpy()
        with threadpool_limits(1):
            fits = [self._unfitted(task.seed).fit(X, y) for y in Y.T]
        slope = torch.tensor([list(fit.coef_) for fit in fits], dtype=torch.float64)
        height = torch.tensor([float(fit.intercept_) for fit in fits], dtype=torch.float64)
        self.W = own.std[:, None] * slope / pa.std
        self.b = own.undo(height) - self.W @ pa.mean
        self.residuals = self.encode(task.x.double(), task.parents.double())
        return self

    def _unfitted(self, seed: int) -> Any:
        if self.estimator == "huber":
            return HuberRegressor(alpha=0.0, max_iter=1000)
        return TheilSenRegressor(random_state=seed % 2**32)

    def mean(self, parents: Tensor) -> Tensor:
        """``W pa + b``, ``(n, p)`` to ``(n, d)``."""
        return parents @ self.W.T + self.b

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """A bootstrap of the residuals, whole rows of them."""
        return self.residuals[torch.randint(len(self.residuals), (n,), generator=generator)]

    def cost(self) -> dict[str, int]:
        """Entries of W and b."""
        return {"parameters": self.W.numel() + self.b.numel()}


class RobustLinearModel(AdditiveNoiseModel):
    """``x_j = W_j pa_j + b_j + u_j`` with W and b that outliers do not move; noise and roots by bootstrap.

    Least squares is pulled by single rows where the noise has heavy tails; these estimators are not:

    * `theil-sen`: the spatial median of least-squares fits to small subsets of rows ("Theil-Sen estimators in a
      multiple linear regression model", Dang, Peng, Wang, Zhang, 2009), by scikit-learn's ``TheilSenRegressor``.
    * `huber`: squared residuals up to 1.35 of a scale that is fitted too, absolute ones beyond ("Robust statistics",
      Huber, Ronchetti, 2009, p. 172), by scikit-learn's ``HuberRegressor`` without penalty.

    Abduction is the residual, so that counterfactuals are exact where the world is linear, whatever its noise.

    Option `estimator`: `theil-sen` or `huber`.
    """

    version: ClassVar[int] = 1

    def __init__(self, estimator: str = "theil-sen"):
        if estimator not in ESTIMATORS:
            raise ValueError(f"estimator={estimator!r}: choose one of {list(ESTIMATORS)}")
        self.estimator = estimator

    def mechanism(self) -> Mechanism:
        """A robust line."""
        return RobustLinear(self.estimator)
