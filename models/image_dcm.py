"""DCM for images: a conditional diffusion model of an image given its parents, abduction by deterministic diffusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .images.context import Slot
from .images.ddim import CLIPS, in_chunks, walk
from .images.denoiser import Network, at_time, given, noised, with_null
from .images.mechanism import ROWS, ImageMechanism
from .images.model import ImageModel
from .images.options import check_patch, chosen, number, preset, whole
from .images.schedule import exact_path
from .images.trainer import Recipe

PRESETS = {
    "small": {
        "channels": 32,
        "multipliers": (1, 2),
        "patch": 2,
        "steps": 1400,
        "batch_size": 64,
        "lr": 2e-3,
        "noise_levels": 40,
    },
    "large": {
        "channels": 64,
        "multipliers": (1, 2, 4),
        "patch": 1,
        "steps": 10_000,
        "batch_size": 256,
        "lr": 2e-4,
        "noise_levels": 100,
    },
}
"""`small` trains in about seven CPU minutes on images of 28 x 28; `large` wants a GPU."""

ABDUCTIONS = ("factual", "null")


@dataclass(frozen=True)
class Query:
    """How a fitted diffusion is asked; see `ImageDCM`."""

    levels: int
    guidance: float
    clip: str
    abduction: str


class ImageDiffusion(ImageMechanism):
    """``x = decode(u, pa)``, u ~ N(0, I), along the noise levels of a network eps(x_t, t, pa)."""

    def __init__(
        self, network: Network, shape: Sequence[int], slots: Sequence[Slot], recipe: Recipe, query: Query, device: str
    ):
        super().__init__(shape, slots, recipe, query, device)
        self.sizes = network

    def build(self) -> nn.Module:
        """The U-Net; its context has a column for the null context."""
        return self.sizes.build(self.shape[0], self.context.width + 1)

    def loss(self, network: nn.Module, x: Tensor, code: Tensor, stream: torch.Generator) -> Tensor:
        """Mean of ``(e - eps(x_t, t, pa))^2``, a tenth of the rows without parents."""
        noisy, t, e = noised(x, self.sizes.alpha_bar(), stream)
        return (network(noisy, t, with_null(code, stream)) - e).square().mean()

    def ask(self, x: Tensor, code: Tensor) -> Tensor:
        """One pass over images."""
        return at_time(self.network, x, 0, given(code))

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The noise ``(n, d)``: the image taken up the levels under its own parents, or under none."""
        null, query = self.query.abduction == "null", self.query
        path = exact_path(self.sizes.alpha_bar(), query.levels, forward=True)

        def run(x: Tensor, code: Tensor) -> Tensor:
            code = torch.zeros_like(given(code)) if null else given(code)
            return walk(x, path, partial(self._eps, code), clip=query.clip == "both").flatten(1)

        return in_chunks(run, ROWS, self.pixels(x), self.context(parents), device=self.device)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The image ``(n, d)``: noise taken down the levels under the parents, guided by them if asked."""
        path = exact_path(self.sizes.alpha_bar(), self.query.levels, forward=False)

        def run(u: Tensor, code: Tensor) -> Tensor:
            return self.flat(walk(u, path, partial(self._guided, given(code)), clip=self.query.clip != "none"))

        return in_chunks(run, ROWS, u.reshape(len(u), *self.shape), self.context(parents), device=self.device)

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, d)``."""
        return self.draws(n, generator)

    def _eps(self, code: Tensor, x: Tensor, t: int) -> Tensor:
        return at_time(self.network, x, t, code)

    def _guided(self, code: Tensor, x: Tensor, t: int) -> Tensor:
        """``(1 + w) eps(x, t, pa) - w eps(x, t)``: Ho, Salimans, "Classifier-Free Diffusion Guidance", 2022, eq. 6."""
        w, given = self.query.guidance, self._eps(code, x, t)
        return given if w == 0 else (1 + w) * given - w * self._eps(torch.zeros_like(code), x, t)


class ImageDCM(ImageModel):
    """DCM's mechanism with a U-Net: images encoded under their own parents, decoded under the counterfactual ones.

    "Modeling Causal Mechanisms with Diffusion Models for Interventional and Counterfactual Queries", Chao, Blöbaum,
    Patel, Kasiviswanathan, TMLR 2024, whose experiments have scalar nodes; the network and its schedule are those of
    Dhariwal, Nichol, "Diffusion Models Beat GANs on Image Synthesis", 2021, cosine, cut at abar = 1/1000. Parents
    enter it as a code (`images.Context`) added to the embedding of time.

    Options at query time: `noise_levels` of the deterministic sampler; `clip`, where the predicted clean image is
    clamped (`none`; `generation`; `both` ways, which spoils abduction while composition looks fine); `guidance`, the
    weight of classifier-free guidance in decoding; `abduction` under the `factual` parents or under none (`null`).

    Options of the fit: `preset` (`small` for two cores, `large`) chooses what is not named of `channels`,
    `multipliers`, `patch`, `steps`, `batch_size`, `lr` and `noise_levels`; `scalar_steps` trains each flow of a scalar.
    """

    version: ClassVar[int] = 1
    query_options: ClassVar[frozenset[str]] = frozenset({"noise_levels", "guidance", "clip", "abduction"})
    conformance_options: ClassVar[Mapping[str, Any]] = {
        "steps": 2,
        "batch_size": 16,
        "noise_levels": 2,
        "channels": 4,
        "multipliers": (1,),
        "scalar_steps": 5,
    }

    def __init__(
        self,
        preset: str = "small",
        noise_levels: int | None = None,
        guidance: float = 0.0,
        clip: str = "none",
        abduction: str = "factual",
        channels: int | None = None,
        multipliers: tuple[int, ...] | None = None,
        patch: int | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        scalar_steps: int = 1000,
        device: str = "cpu",
    ):
        sizes = _preset(preset, channels=channels, multipliers=multipliers, patch=patch)
        training = _preset(preset, steps=steps, batch_size=batch_size, lr=lr, noise_levels=noise_levels)
        self.preset, self.device = preset, device
        self.channels, self.multipliers, self.patch = sizes["channels"], sizes["multipliers"], sizes["patch"]
        self.steps, self.batch_size, self.lr = training["steps"], training["batch_size"], training["lr"]
        self.noise_levels, self.guidance, self.clip, self.abduction = (
            training["noise_levels"],
            guidance,
            clip,
            abduction,
        )
        self.scalar_steps = whole("scalar_steps", scalar_steps)
        self.check()

    def image(self, shape: Sequence[int], slots: Sequence[Slot]) -> ImageMechanism:
        """A diffusion model. Raises `Unsupported` for sides that `patch` does not divide."""
        check_patch("image-dcm", shape, self.patch)
        return ImageDiffusion(self._network(), shape, slots, self.recipe(), self.at_query(), self.device)

    def at_query(self) -> Query:
        """The options of queries, checked."""
        whole("noise_levels", self.noise_levels, most=len(self._network().alpha_bar()))
        number("guidance", self.guidance)
        chosen("clip", self.clip, CLIPS)
        chosen("abduction", self.abduction, ABDUCTIONS)
        return Query(self.noise_levels, self.guidance, self.clip, self.abduction)

    def _network(self) -> Network:
        return Network(self.channels, self.multipliers, self.patch)


def _preset(name: str, **named: Any) -> dict[str, Any]:
    return preset(PRESETS, name, **named)
