"""A small world of images whose every counterfactual is known: bars whose place is a label, whose light a number."""

from __future__ import annotations

import torch
from pyro.distributions import Normal
from scmbench.datasets.scm import SCM
from scmbench.datasets.values import Values

IMAGE_METHODS = ("image-dcm", "diff-scm", "image-flow", "image-vae", "image-hvae")
IMAGE_FLOORS = ("class-mean", "nearest", "random-class")
"""Models of graphs with images only: tests over all models on other graphs leave them to tests of their own."""

SIDE = 8


def _image(u, label, light):
    place = torch.linspace(-1, 1, SIDE, dtype=torch.float64)
    bar = light[:, None] * torch.exp(-((place - 0.6 * (label[:, None] - 1)) ** 2) / 0.05)
    return (bar[:, None, None, :].expand(-1, 1, SIDE, -1) + 0.02 * u.reshape(-1, 1, SIDE, SIDE)).float()


_PIXELS = torch.zeros(SIDE * SIDE, dtype=torch.float64)

BARS = SCM(
    {
        "label": lambda u: torch.special.ndtr(u).mul(3).long().clamp(0, 2),
        "light": lambda u, label: 0.3 + 0.6 * torch.sigmoid(u / 2 + label - 1),
        "image": _image,
    },
    noise={"image": Normal(_PIXELS, _PIXELS + 1)},
    images=["image"],
)


def relative_error(answer: Values, factual: Values, truth: Values) -> float:
    """Squared error of the images, over that of the factual ones: 1 for doing nothing, 0 for the truth."""
    error, floor = (((x["image"].double() - truth["image"]) ** 2).mean() for x in (answer, factual))
    return float(error / floor)
