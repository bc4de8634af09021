from .block_mmd import mmd_by_block
from .checks import MetricError
from .classifier import c2st_forest
from .counterfactual import mse, relative_rmse
from .discrete import label_error, total_variation
from .effects import mean_effect, rank_error, sign_error
from .encoding import encoding_scores, reconstruction_error, scaled
from .energy import energy_distance
from .hilbert_schmidt import hsic, hsic_test
from .intervals import coverage, interval_score, width
from .likelihood import kl
from .marginals import ks, w1
from .mmd import cross_median_gamma, mmd2_biased, mmd2_unbiased, mmd_paper, mmd_unbiased, truth_gammas
from .norms import ate_norm, row_norm
from .order import monotone_share
from .sinkhorn import sinkhorn_divergence
from .versions import VERSIONS
from .wasserstein import sliced_wasserstein

__all__ = [
    "VERSIONS",
    "MetricError",
    "ate_norm",
    "c2st_forest",
    "coverage",
    "cross_median_gamma",
    "encoding_scores",
    "energy_distance",
    "hsic",
    "hsic_test",
    "interval_score",
    "kl",
    "ks",
    "label_error",
    "mean_effect",
    "mmd2_biased",
    "mmd2_unbiased",
    "mmd_by_block",
    "mmd_paper",
    "mmd_unbiased",
    "monotone_share",
    "mse",
    "rank_error",
    "reconstruction_error",
    "relative_rmse",
    "row_norm",
    "scaled",
    "sign_error",
    "sinkhorn_divergence",
    "sliced_wasserstein",
    "total_variation",
    "truth_gammas",
    "w1",
    "width",
]
