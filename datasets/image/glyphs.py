"""Handwritten glyphs as distance maps, from which they can be drawn thicker, thinner and at another slant."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from ..files import download
from ..files.whole import replace_with
from .mnist import digits

VERSION = 1
"""Counts changes of the maps; part of the name of the file that keeps them."""

FULL = 255
"""A byte of full ink."""

FINE = 4
"""Sub-pixels a side of a pixel, when a glyph is cut out."""

SIDE = 56
"""Pixels a side of a map: two a pixel."""

RIDGE = 0.3
"""Local maxima of the distance above this are the middle of a stroke."""

SOFTNESS = 0.18
"""Width of a stroke's edge, in pixels."""

ROWS = 64
"""Images that are drawn together: what they need stays in the cache of a core."""

MANY = 1000
"""Maps that are computed one by one when needed; whoever needs more gets all of them, which are then kept."""


@dataclass
class Glyphs:
    """The glyphs of MNIST's test file: label, own thickness, own slant, and the signed distance from the outline.

    A map has the distance in pixels, positive inside, of the glyph cut out at half of full ink after cubic
    interpolation. Moving the outline outwards by r is a dilation by a disk of radius r, moving it inwards an erosion:
    what Morpho-MNIST's ``SetThickness`` does in whole sub-pixels. A map costs 3 ms once; all of them are kept in the
    data folder, where it can be written to.
    """

    images: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    file: Path
    _maps: Tensor = field(init=False, repr=False)
    _traits: Tensor = field(init=False, repr=False)
    _known: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.labels)
        self._maps = torch.zeros(n, SIDE, SIDE, dtype=torch.float16)
        self._traits = torch.zeros(n, 3)
        self._known = torch.zeros(n, dtype=torch.bool)

    def look_up(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Maps ``(n, 56, 56)``, float32, and traits ``(n, 3)``: thickness, tan(slant), row of the centroid."""
        lacking = index[~self._known[index]].unique()
        if len(lacking) > MANY:
            self._know_all()
        else:
            self._learn(lacking)
        return self._maps[index].float(), self._traits[index]

    def draw(self, index: Tensor, thickness: Tensor, slant: Tensor) -> Tensor:
        """Ink ``(n, 1, 28, 28)`` in [0, 1], the brightest pixel at 1, float32.

            m = average over 3 x 3 sub-pixels of sigmoid((d(shear p) + (thickness - t0) / 2) / 0.18),  ink = m / max m

        with d the glyph's map and t0 its own thickness; the shear about the centroid takes its slant to `slant`.

        Args:
            index: Which glyphs, ``(n,)``, int64.
            thickness: Wanted, in pixels, ``(n,)``.
            slant: Wanted, in radians, ``(n,)``.

        Returns:
            The ink.
        """
        parts = zip(index.split(ROWS), thickness.float().split(ROWS), slant.float().split(ROWS), strict=True)
        drawn = [self._draw(*part) for part in parts]
        return torch.cat(drawn) if drawn else torch.empty(0, 1, 28, 28)

    def _draw(self, index: Tensor, thickness: Tensor, slant: Tensor) -> Tensor:
        maps, traits = self.look_up(index)
        own, shear, middle = (column.reshape(-1, 1, 1) for column in traits.unbind(1))
        centres = (torch.arange(84) + 0.5) / 3 - 0.5
        down = centres.reshape(1, -1, 1).expand(len(index), -1, 84)
        right = centres.reshape(1, 1, -1) + (slant.tan().reshape(-1, 1, 1) - shear) * (down - middle)
        place = (torch.stack([right, down], dim=-1) + 0.5) / 14 - 1  # the image from -1 to 1, edge to edge
        d = F.grid_sample(maps.unsqueeze(1), place, padding_mode="border", align_corners=False)
        grown = d + (thickness.reshape(-1, 1, 1) - own).unsqueeze(1) / 2
        m = F.avg_pool2d(torch.sigmoid(grown / SOFTNESS), 3)
        return m / m.amax((2, 3), keepdim=True)

    def _learn(self, index: Tensor) -> None:
        for i in index.tolist():
            distance, traits = distance_map(self.images[i].numpy())
            self._maps[i], self._traits[i] = torch.from_numpy(distance), torch.tensor(traits)
        self._known[index] = True

    def _know_all(self) -> None:
        """Read what is kept; otherwise compute it, and keep it where the folder lets us."""
        with suppress(OSError, KeyError, SafetensorError):  # not there, or not whole: it is written anew
            kept = load_file(self.file)
            if kept["maps"].shape == self._maps.shape and kept["traits"].shape == self._traits.shape:
                self._maps, self._traits = kept["maps"].to(self._maps), kept["traits"].to(self._traits)
                self._known[:] = True
                return
        self._learn((~self._known).nonzero()[:, 0])
        with suppress(OSError):  # a folder that cannot be written to: they serve this process
            self.file.parent.mkdir(parents=True, exist_ok=True)
            replace_with(self.file, save({"maps": self._maps, "traits": self._traits}))


@cache
def _glyphs(file: Path) -> Glyphs:
    return Glyphs(*digits("mnist", "t10k"), file)


def glyphs() -> Glyphs:
    """The glyphs of MNIST's test file. Raises `DataMissing` where it is not there."""
    images = next(file for file in download.source("mnist").files if "images" in file.name)
    download.paths("mnist")
    return _glyphs(download.folder() / "morpho" / f"maps{VERSION}-{images.sha256[:16]}.safetensors")


def distance_map(glyph: np.ndarray) -> tuple[np.ndarray, Sequence[float]]:
    """A glyph's map ``(56, 56)``, float16; its thickness, the tangent of its slant, and the row of its centroid.

    The thickness is twice the mean distance on the ridge, the slant that of its moments, ``atan(-mu_11 / mu_02)``.

    Args:
        glyph: Pixels ``(28, 28)``, 0 to 255.

    Returns:
        Map and traits.

    References:
        Castro, Tan, Kainz, Konukoglu, Glocker, "Morpho-MNIST: Quantitative Assessment and Diagnostics for
        Representation Learning", JMLR 20, 2019, section 3.
    """
    ink = glyph.astype(np.float64)
    fine = ndimage.zoom(ink, FINE, order=3, mode="grid-constant", grid_mode=True)
    inside = fine >= FULL / 2
    outwards, inwards = (np.asarray(ndimage.distance_transform_edt(part)) for part in (inside, ~inside))
    distance = np.where(inside, outwards - 0.5, 0.5 - inwards) / FINE
    ridge = (distance == ndimage.maximum_filter(distance, 3)) & (distance > RIDGE)
    thickness = 2 * distance[ridge].mean() if ridge.any() else 2 * distance.max()
    row, column = np.indices(ink.shape)
    middle, centre = (float((ink * at).sum() / ink.sum()) for at in (row, column))
    mixed, upright = (float((ink * a * (row - middle)).sum()) for a in (column - centre, row - middle))
    half = distance.reshape(SIDE, 2, SIDE, 2).mean((1, 3))
    return half.astype(np.float16), (float(thickness), -mixed / upright if upright else 0.0, middle)
