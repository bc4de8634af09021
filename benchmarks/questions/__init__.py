"""Questions: what a fitted model is asked, and how a protocol turns its answers into scores."""

from typing import Literal

PROTOCOLS = {
    "bdcm": "The evaluation of the BDCM paper's code: one outcome of one cause, standardised and not.",
    "cnf": "The evaluation of the Causal NF paper's code: KL, error of mean differences, norm of counterfactual rows.",
    "cocycles": "The evaluation of the cocycles paper's code: laws under do(x = 0), of effects, errors of rows.",
    "image": "Counterfactual images: errors against the true image, axioms, and the proxies of papers by judges.",
    "image-class": "The same about the class alone, with fewer images: for curves over a method's options.",
    "image-large": "The same with 1000 images a parent and all training images: for a GPU.",
    "image-smoke": "The same with a few rows and judges of a few steps: its scores mean nothing.",
    "intervals": "How often intervals of counterfactual rows hold the truth, their width, and the interval score.",
    "kacgm": "The evaluation of the KaCGM paper's code: MMD, a forest's accuracy and errors, over all columns.",
    "paper": "The evaluation of the DCM paper's published code, kept only to check its numbers.",
    "standard": (
        "Unbiased MMD, energy distance, sliced Wasserstein, KL, errors of effects, counterfactual errors by depth."
    ),
    "theory": "Node by node what Theorem 1 of the DCM paper assumes of abduction, and the true counterfactual error.",
    "tmscm": "The evaluation of the TM-SCM paper's code: sets of nodes set at once, Sinkhorn divergence, RMSE.",
}
"""Names of the protocols (protocols.py defines them), so that a suite can be read without loading the metrics."""

METRICS: dict[str, tuple[Literal["samples", "rows"], str]] = {
    "c2st_forest": ("samples", "Accuracy above chance of a random forest that tells the samples apart."),
    "energy_distance": ("samples", "Energy distance between two samples."),
    "mmd_paper": ("samples", "The DCM paper's biased MMD, its bandwidth from the distances between truth and answer."),
    "mmd_unbiased": ("samples", "Unbiased MMD, its bandwidths from the truth alone."),
    "ks": ("samples", "Largest gap between the distribution functions of a column, its mean over columns."),
    "relative_rmse": ("rows", "Root mean squared error of counterfactual rows, in standard deviations of the truth."),
    "row_norm": ("rows", "Mean Euclidean error of counterfactual rows, in the units of the data."),
    "sinkhorn_divergence": ("samples", "Sinkhorn divergence: blurred optimal transport at half the squared distance."),
    "sliced_wasserstein": ("samples", "Sliced Wasserstein distance between two samples."),
    "w1": ("samples", "Wasserstein distance of order 1 of a column, its mean over columns."),
}
"""Metrics that may be added to a protocol (``standard+row_norm``): what they compare, and what they are."""
