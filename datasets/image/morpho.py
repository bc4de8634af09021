"""Real handwriting with known counterfactuals: MNIST's glyphs through continuous morphology."""

from __future__ import annotations

import math

import torch
from pyro.distributions import Uniform
from scipy.special import gammaincinv
from torch import Tensor

from ..files import download
from ..registry import register
from ..scm import SCM
from ..values import ValuesError
from .glyphs import Glyphs, glyphs

STEEPEST = 0.5
"""Radians that no slant exceeds."""


def morpho_scm(library: Glyphs) -> SCM:
    """Glyphs of a library, drawn at the thickness, intensity and slant that this world gives them.

        glyph     = floor(10000 u), hidden              u ~ U(0, 1)
        digit     = the class of the glyph
        thickness = 0.5 + g                             g ~ Gamma(10, rate 5), pixels
        intensity = (64 + 191 sigmoid(2 thickness - 5 + 0.5 u)) / 255
        slant     = 6 digit - 27 + 3 u degrees, within +-0.5 radians
        image     = intensity * ink(glyph, thickness, slant)

    Thickness and intensity are the equations of "Deep Structural Causal Models for Tractable Counterfactual Inference",
    Pawlowski, Castro, Glocker, NeurIPS 2020, the slant that of Rasal et al., "Diffusion Counterfactual Generation with
    Semantic Abduction", ICML 2025. The image is a function of the glyph and its parents, so that the true
    counterfactual of thickness, intensity and slant is known. That of the class is not: another class is another glyph,
    and which, nobody knows. A thin target breaks thick strokes, as erosion does.
    """
    zero = torch.zeros((), dtype=torch.float64)
    uniform = Uniform(zero, zero + 1)
    labels = library.labels

    def image(u: Tensor, glyph: Tensor, digit: Tensor, thickness: Tensor, intensity: Tensor, slant: Tensor) -> Tensor:
        if (other := digit != labels[glyph]).any():
            raise ValuesError(
                f"do('digit' = {int(digit[other][0])}) on a {int(labels[glyph[other][0]])}: a real glyph has one "
                "class; what it would have been as another is not known (image/strokes knows)"
            )
        return (intensity.float().reshape(-1, 1, 1, 1) * library.draw(glyph, thickness, slant)).clamp(0, 1)

    return SCM(
        {
            "glyph": lambda u: (len(labels) * u).floor().clamp(max=len(labels) - 1).long(),
            "digit": lambda u, glyph: labels[glyph],
            "thickness": lambda u: 0.5 + torch.from_numpy(gammaincinv(10.0, u.numpy())) / 5,
            "intensity": lambda u, thickness: (64 + 191 * torch.sigmoid(2 * thickness - 5 + 0.5 * u)) / 255,
            "slant": lambda u, digit: ((6 * digit - 27 + 3 * u) * (math.pi / 180)).clamp(-STEEPEST, STEEPEST),
            "image": image,
        },
        noise={"glyph": uniform, "thickness": uniform},
        latent=["glyph"],
        targets=["thickness", "intensity", "slant"],
        images=["image"],
    )


@register("image/morpho", needs=lambda: download.missing("mnist"))
def morpho() -> SCM:
    """Real MNIST glyphs, 28 x 28; the counterfactual image is exact for thickness, intensity and slant (no class)."""
    return morpho_scm(glyphs())
