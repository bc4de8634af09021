"""Scores of counterfactual images that judges and measures give, by name, a number a group of rows.

Rows come in groups of equal size, one after the other, such as the values of an intervention; results are
``(groups,)``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from scmbench.metrics import images
from torch import Tensor

from .judges import Judges

Scores = dict[str, Tensor]
"""Name of a score to a number a group."""


def proxies(judges: Judges, answer: Tensor, factual: Tensor, *, target: Tensor, own: Tensor, groups: int = 1) -> Scores:
    """What papers report where no truth is known, for answers under ``do(class = target)``.

    ``validity`` (share), ``im1``, ``im2`` and their medians ``im1_median``, ``im2_median``, ``cld``, ``cld_weighted``,
    ``l1``. A null intervention, where the target is the factual class, has no place here: leave those rows out.

    Args:
        judges: The world's judges.
        answer: The counterfactual images, ``(n, c, h, w)``.
        factual: The images as they were.
        target: The class that was asked for, ``(n,)``.
        own: The factual class.
        groups: How many groups the rows are.

    Returns:
        The scores.

    Raises:
        MetricError: For images or labels that do not fit the judges.
    """
    toward = judges.reconstructed(answer, target)
    shares = images.cld_shares(
        judges.encoded(answer), judges.encoded(factual), target, own, judges.latents, judges.labels
    )
    im1 = images.im1(answer, toward, judges.reconstructed(answer, own))
    im2 = images.im2(answer, toward, judges.reconstructed(answer))
    rows = {
        "validity": images.validity(judges.logits(answer), target),
        "im1": im1,
        "im2": im2,
        "cld": images.cld(*shares),
        "cld_weighted": images.cld_weighted(*shares),
        "l1": images.l1(factual, answer),
    }
    scores = {name: x.reshape(groups, -1).mean(1) for name, x in rows.items()}
    medians = {f"{name}_median": rows[name].reshape(groups, -1).quantile(0.5, dim=1) for name in ("im1", "im2")}
    return scores | medians


def frechet64(judges: Judges, truth: Tensor, answer: Tensor, *, groups: int = 1) -> Scores:
    """``frechet64``: Fréchet distance of the classifier's 64 features, between true images and answers of a group.

    Args:
        judges: The world's judges.
        truth: True images of what was asked for, ``(groups n, c, h, w)``.
        answer: The answers, ``(groups m, c, h, w)``.
        groups: How many groups the rows of either are.

    Returns:
        The score.

    Raises:
        MetricError: For images that do not fit the judges.
    """
    x, y = (judges.features(z).reshape(groups, -1, judges.panel.classifier.dense.out_features) for z in (truth, answer))
    return {"frechet64": images.frechet_distance(x, y)}


def measures(judges: Judges) -> dict[str, Callable[[Tensor], Tensor]]:
    """What can be measured back from an image: ``intensity``, ``slant``, and ``thickness`` where its unit is known.

    Args:
        judges: The world's judges, which hold its unit of thickness.

    Returns:
        Name of a node to its measure, ``(n, 1, h, w) -> (n,)``.
    """
    if judges.panel.shape[0] != 1:
        return {}
    known = {"intensity": images.intensity, "slant": images.slant}
    return known | ({"thickness": judges.thickness} if judges.thickness else {})


def measured(
    judges: Judges, truth: Tensor, answer: Tensor, *, nodes: Collection[str], moved: Collection[str], groups: int = 1
) -> Scores:
    """``mean |measure(answer) - measure(truth)|``: ``measured_<node>``, or ``leak_<node>`` of what should have stayed.

    Both images are measured, so that a measure's own systematic error cancels. Where no truth is known, the factual
    image stands for it among the leaks.

    Args:
        judges: The world's judges.
        truth: What the images would have been, ``(n, 1, h, w)``.
        answer: The counterfactual images.
        nodes: The image's parents; those that can be measured are.
        moved: Those of them that the intervention changes: the node itself and its effects.
        groups: How many groups the rows are.

    Returns:
        The scores.

    Raises:
        MetricError: For images that do not fit each other.
    """
    scores: Scores = {}
    for node, measure in measures(judges).items():
        if node in nodes:
            apart = (measure(answer) - measure(truth)).abs().reshape(groups, -1)
            scores[f"{'measured' if node in moved else 'leak'}_{node}"] = apart.mean(1)
    return scores


def effectiveness(judges: Judges, answer: Tensor, node: str, target: Tensor, *, groups: int = 1) -> Scores:
    """``effectiveness_<node> = mean |measure(answer) - target|``: is what was set seen in the image? No truth needed.

    The class is judged by `proxies`' ``validity`` instead.

    Args:
        judges: The world's judges.
        answer: The counterfactual images, ``(n, 1, h, w)``.
        node: The node that was set; one without a measure has no score.
        target: What it was set to, ``(n,)``.
        groups: How many groups the rows are.

    Returns:
        The score, if there is one.

    Raises:
        MetricError: For what is no image of one channel.
    """
    measure = measures(judges).get(node)
    if measure is None:
        return {}
    return {f"effectiveness_{node}": (measure(answer) - target.double()).abs().reshape(groups, -1).mean(1)}


def class_kept(judges: Judges, answer: Tensor, label: Tensor, *, groups: int = 1) -> Scores:
    """``leak_class``: the share of answers in which the classifier sees another class than `label`, which should stay.

    Args:
        judges: The world's judges.
        answer: The counterfactual images under an intervention that leaves the class alone.
        label: The class, ``(n,)``.
        groups: How many groups the rows are.

    Returns:
        The score.

    Raises:
        MetricError: For images or labels that do not fit the judges.
    """
    seen = images.validity(judges.logits(answer), label).reshape(groups, -1)
    return {"leak_class": torch.ones(groups, dtype=torch.float64) - seen.mean(1)}
