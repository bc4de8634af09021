"""DCM: diffusion-based causal models (Chao, Blöbaum, Patel, Kasiviswanathan, 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ..contract.nodewise import Mechanism, NodewiseModel
from .mechanism import Diffusion, DiffusionConfig

WIDTHS = {"code": (64, 128), "paper": (128, 256, 256)}
VARIANTS = {"reference": "ddim", "corrected": "exact"}


class DCM(NodewiseModel):
    """A diffusion model for every node given its parents: encode to abduct, decode to predict. Roots by bootstrap.

    "Modeling Causal Mechanisms with Diffusion Models for Interventional and Counterfactual Queries", Chao, Blöbaum,
    Patel, Kasiviswanathan, TMLR 2024 (Algorithms 1 to 4).

    Variant `reference` answers as the published code does: abduction by DDIM inversion, which is an approximate inverse
    of the decoder, and in a counterfactual every node without an intervention is decoded again, so that even those that
    cannot be affected move a little. `corrected` inverts the decoder exactly and copies what cannot be affected.

    Options: `encoder` (`ddim` or `exact`, by default the variant's), `width` (`code`: 64-128 as in the published code,
    `paper`: 128-256-256 as in the text, or a tuple), `guidance` (weight w of classifier-free guidance), `time`
    (`scalar` or `positional` embedding), `steps` T of the diffusion, then `epochs`, `batch_size`, `lr`, `device`.
    """

    version: ClassVar[int] = 1
    variants: ClassVar[tuple[str, ...]] = tuple(VARIANTS)
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}
    query_options: ClassVar[frozenset[str]] = frozenset({"variant", "encoder"})

    def __init__(
        self,
        variant: str = "reference",
        encoder: str | None = None,
        width: str | tuple[int, ...] = "code",
        guidance: float = 0.0,
        time: str = "scalar",
        steps: int = 100,
        epochs: int = 500,
        batch_size: int = 64,
        lr: float = 1e-4,
        device: str = "cpu",
    ):
        _choose("variant", variant, VARIANTS)
        _choose("encoder", encoder, (None, "ddim", "exact"))
        _choose("time", time, ("scalar", "positional"))
        if isinstance(width, str):
            _choose("width", width, WIDTHS)
        self.variant, self.encoder, self.width, self.guidance, self.time = variant, encoder, width, guidance, time
        self.steps, self.epochs, self.batch_size, self.lr, self.device = steps, epochs, batch_size, lr, device

    @property
    def waives(self) -> Mapping[str, str]:
        """The reference variant's abduction is approximate and acts on every node."""
        if self.variant == "corrected":
            return {}
        return {
            "empty do is identity": "abduction by DDIM inversion is an approximate inverse of the decoder",
            "non-descendants untouched": "the published code decodes every node again from its approximate noise",
        }

    def mechanism(self) -> Mechanism:
        """An unfitted diffusion model."""
        hidden = WIDTHS[self.width] if isinstance(self.width, str) else tuple(self.width)
        config = DiffusionConfig(
            hidden, self.guidance, self.time, self.steps, self.epochs, self.batch_size, self.lr, self.device
        )
        return Diffusion(config, **self._at_query())

    def with_query_options(self, **options: Any) -> Self:
        """The same fit under another `variant` or `encoder`. Raises `ValueError` for options that act in training."""
        other = super().with_query_options(**options)
        _choose("variant", other.variant, VARIANTS)
        _choose("encoder", other.encoder, (None, "ddim", "exact"))
        at_query = other._at_query()
        other.mechanisms = {
            node: m.at_query(**at_query) if isinstance(m, Diffusion) else m for node, m in self.mechanisms.items()
        }
        return other

    def _at_query(self) -> dict[str, Any]:
        return {"encoder": self.encoder or VARIANTS[self.variant], "wraps_time": self.variant == "reference"}


def _choose(option: str, value: object, choices) -> None:
    if value not in choices:
        raise ValueError(f"{option}={value!r}: choose one of {list(choices)}")
