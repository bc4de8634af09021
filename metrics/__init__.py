"""The scores: pure functions on float64 tensors ``(..., n, d)``, truth first, one number a group of rows."""

from . import counterfactual, energy, mmd, wasserstein
from .checks import MetricError
from .counterfactual import mse, relative_rmse
from .energy import energy_distance
from .mmd import cross_median_gamma, mmd2_biased, mmd2_unbiased, mmd_paper, mmd_unbiased, truth_gammas
from .wasserstein import sliced_wasserstein

VERSIONS = {module.__name__.rpartition(".")[2]: module.VERSION for module in (counterfactual, energy, mmd, wasserstein)}
"""Version of what each module returns; part of every record's key."""

__all__ = [
    "VERSIONS",
    "MetricError",
    "cross_median_gamma",
    "energy_distance",
    "mmd2_biased",
    "mmd2_unbiased",
    "mmd_paper",
    "mmd_unbiased",
    "mse",
    "relative_rmse",
    "sliced_wasserstein",
    "truth_gammas",
]
