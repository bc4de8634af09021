"""A hierarchical variational autoencoder of images in two scales, the parents joining both, with an exact residual."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .images.autoencoding import Autoencoder, AutoencoderModel, drawn
from .images.options import number, whole
from .images.unet import Residual, group_count

COARSE, FINE = 8, 4
"""Channels of the latents at a quarter and at half of the side: 7 x 7 x 8 and 14 x 14 x 4 of 28 x 28 pixels."""


class TwoScales(Autoencoder):
    """z = (coarse, fine), each a map of latents; the fine posterior sees what the coarse ones have decoded.

    A ladder of two rungs (Sønderby, Raiko, Maaløe, Sønderby, Winther, "Ladder Variational Autoencoders", 2016): up
    x -> half -> quarter; down coarse -> quarter -> half, joined by fine -> image, the parents entering by FiLM.
    """

    def __init__(self, shape: Sequence[int], context: int, *, width: int):
        super().__init__()
        c, h, w = shape
        self.coarse, self.fine = (COARSE, h // 4, w // 4), (FINE, h // 2, w // 2)
        self.latents = torch.Size(self.coarse).numel() + torch.Size(self.fine).numel()
        groups, embedding = group_count(width), 2 * width

        def block() -> Residual:
            return Residual(width, width, embedding, groups=groups)

        self.code = nn.Sequential(nn.Linear(context, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.to_half, self.to_quarter = nn.Conv2d(c, width, 4, 2, 1), nn.Conv2d(width, width, 4, 2, 1)
        self.up_half, self.up_quarter = block(), block()
        self.q_coarse = nn.Conv2d(width, 2 * COARSE, 3, padding=1)
        self.from_coarse, self.at_quarter = nn.Conv2d(COARSE, width, 3, padding=1), block()
        self.grow = nn.ConvTranspose2d(width, width, 4, 2, 1)
        self.q_fine = nn.Sequential(nn.SiLU(), nn.Conv2d(2 * width, 2 * FINE, 3, padding=1))
        self.join, self.at_half = nn.Conv2d(width + FINE, width, 3, padding=1), block()
        self.out = nn.Sequential(nn.SiLU(), nn.ConvTranspose2d(width, c, 4, 2, 1))

    def posterior(self, x: Tensor, code: Tensor, stream: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """z and its divergence: coarse first, then fine given what coarse decodes to."""
        e = self.code(code)
        half = self.up_half(F.silu(self.to_half(x)), e)
        quarter = self.up_quarter(F.silu(self.to_quarter(half)), e)
        coarse, first = drawn(self.q_coarse(quarter), stream)
        fine, second = drawn(self.q_fine(torch.cat([half, self._decoded(coarse, e)], 1)), stream)
        return torch.cat([coarse.flatten(1), fine.flatten(1)], 1), first + second

    def decode(self, z: Tensor, code: Tensor) -> Tensor:
        """The mean image."""
        e = self.code(code)
        coarse, fine = z.split([torch.Size(self.coarse).numel(), torch.Size(self.fine).numel()], 1)
        h = torch.cat([self._decoded(coarse.reshape(-1, *self.coarse), e), fine.reshape(-1, *self.fine)], 1)
        return self.out(self.at_half(self.join(h), e))

    def _decoded(self, coarse: Tensor, e: Tensor) -> Tensor:
        return self.grow(F.silu(self.at_quarter(self.from_coarse(coarse), e)))


class ImageHVAE(AutoencoderModel):
    """A variational autoencoder with latents at two scales: the hierarchical deep structural causal model, in small.

    "High Fidelity Image Counterfactuals with Probabilistic Causal Models", De Sousa Ribeiro, Xia, Monteiro, Pawlowski,
    Glocker, ICML 2023, with its exogenous prior (z knows no parents), N(0, I) here, and two scales instead of many. A
    counterfactual is ``g(z, pa*) + x - g(z, pa)``, z being the posterior's mean.

    Options: `residual`, at query time, False for decoded images alone; of the fit `width` of the network, `beta`
    (weight of the divergence), `steps`, `batch_size`, `lr`, `scalar_steps`, `device`.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"steps": 5, "batch_size": 16, "width": 8, "scalar_steps": 5}

    def __init__(
        self,
        residual: bool = True,
        width: int = 32,
        beta: float = 1.0,
        steps: int = 2000,
        batch_size: int = 64,
        lr: float = 1e-3,
        scalar_steps: int = 1000,
        device: str = "cpu",
    ):
        self.residual, self.device = residual, device
        self.width, self.beta = whole("width", width), number("beta", beta)
        if width % 4:
            raise ValueError(f"width={width!r}: expected a multiple of 4")
        self.steps, self.batch_size, self.lr = steps, batch_size, lr
        self.scalar_steps = whole("scalar_steps", scalar_steps)
        self.check()

    def network(self) -> Callable[[Sequence[int], int], Autoencoder]:
        """Two scales, of this width."""
        return partial(TwoScales, width=self.width)
