"""Proxies of counterfactual quality that ask a judge: validity, IM1 and IM2. None of them sees the true image.

They are functions of what judges say; the judges themselves (a classifier, autoencoders) are trained elsewhere.
"""

from __future__ import annotations

from torch import Tensor

from ..checks import MetricError
from .checks import check_images, check_labels, check_paired

VERSION = 1
"""Counts changes of what these functions return; part of the key of every record of images."""

EPSILON = 1e-7
"""Added to denominators, as in the code of Schut et al."""

_ROW = (-3, -2, -1)


def validity(logits: Tensor, target: Tensor) -> Tensor:
    """Whether a classifier sees the target class, ``argmax logits = y*``: ``(n, k), (n,) -> (n,)``, 0 or 1.

    Args:
        logits: The classifier's scores of the answers, a column a class.
        target: The class that was asked for.

    Returns:
        0 or 1 a row, float64; their mean is the share of valid answers.

    Raises:
        MetricError: For logits that are no finite matrix, or a target outside the classes.
    """
    if not isinstance(logits, Tensor) or logits.ndim != 2 or not logits.is_floating_point():
        raise MetricError(f"the logits have shape {tuple(getattr(logits, 'shape', ()))}; expected (n, classes)")
    if not logits.isfinite().all():
        raise MetricError("the logits have NaN or infinity")
    return (logits.argmax(1) == check_labels(target, len(logits), "the target", classes=logits.shape[1])).double()


def im1(answer: Tensor, toward: Tensor, away: Tensor) -> Tensor:
    """``MSE(x, AE_y*(x)) / (MSE(x, AE_y(x)) + 1e-7)``: does the target's autoencoder know the answer better?

    Below 1 it does. The mean over rows is driven by few: give the median beside it.

    Args:
        answer: The counterfactual images x, ``(n, c, h, w)``, pixels in [0, 1].
        toward: What the autoencoder of the target class y* makes of them.
        away: What the autoencoder of the factual class y makes of them.

    Returns:
        The ratio of each row, ``(n,)``, at least 0, float64.

    Raises:
        MetricError: For NaN, infinity, what is no image, or shapes that differ.

    References:
        Van Looveren, Klaise, "Interpretable Counterfactual Explanations Guided by Prototypes", ECML PKDD 2021,
        equation 9; the constant is from the code of Schut et al., "Generating Interpretable Counterfactual Explanations
        By Implicit Minimisation of Epistemic and Aleatoric Uncertainties", AISTATS 2021.
    """
    x, ours = check_paired(answer, toward, "the answer", "the target's reconstruction")
    _, theirs = check_paired(answer, away, "the answer", "the factual class' reconstruction")
    return (x - ours).square().mean(_ROW) / ((x - theirs).square().mean(_ROW) + EPSILON)


def im2(answer: Tensor, toward: Tensor, whole: Tensor) -> Tensor:
    """``MSE(AE_y*(x), AE(x)) / (mean |x| + 1e-7)``: do the target's autoencoder and that of all classes agree?

    It depends on the range of pixels: a background at 0 does not count in the denominator, one at -0.5 does. Values of
    different ranges cannot be compared.

    Args:
        answer: The counterfactual images x, ``(n, c, h, w)``, pixels in [0, 1].
        toward: What the autoencoder of the target class y* makes of them.
        whole: What the autoencoder of all classes makes of them.

    Returns:
        The ratio of each row, ``(n,)``, at least 0, float64.

    Raises:
        MetricError: For NaN, infinity, what is no image, or shapes that differ.

    References:
        Van Looveren, Klaise (see `im1`), equation 10.
    """
    x = check_images(answer, "the answer")
    _, ours = check_paired(answer, toward, "the answer", "the target's reconstruction")
    _, all_classes = check_paired(answer, whole, "the answer", "the reconstruction")
    return (ours - all_classes).square().mean(_ROW) / (x.abs().mean(_ROW) + EPSILON)
