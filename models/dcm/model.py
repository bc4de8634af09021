"""DCM: diffusion-based causal models (Chao, Blöbaum, Patel, Kasiviswanathan, 2024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ..contract.nodewise import Mechanism, NodewiseModel
from .mechanism import INVERSIONS, Diffusion, DiffusionConfig

WIDTHS = {"code": (64, 128), "paper": (128, 256, 256)}
VARIANTS = {"reference": "ddim", "corrected": "implicit"}
ENCODERS = {"ddim": "ddim", "exact": "implicit"}


class DCM(NodewiseModel):
    """A diffusion model for every node given its parents: encode to abduct, decode to predict. Roots by bootstrap.

    "Modeling Causal Mechanisms with Diffusion Models for Interventional and Counterfactual Queries", Chao, Blöbaum,
    Patel, Kasiviswanathan, TMLR 2024 (Algorithms 1 to 4).

    Variant `reference` answers as the published code does: abduction by DDIM inversion, which is an approximate inverse
    of the decoder, and in a counterfactual every node without an intervention is decoded again, so that even those that
    cannot be affected move a little. `corrected` inverts the decoder exactly and copies what cannot be affected.

    How noise is abducted is the option `inversion`, by default the variant's. With x_t the state at level t, a step of
    the decoder being ``x_{t-1} = c_t x_t + s_t eps(x_t, pa, t)`` (`Schedule`):

    * `ddim`: ``x_{t+1} = (x_t - s_{t+1} eps(x_t, pa, t)) / c_{t+1}``, which asks the network at the level that it comes
      from (Algorithm 3); `reference` does so.
    * `implicit`: x_{t+1} solves ``x = (x_t - s_{t+1} eps(x, pa, t+1)) / c_{t+1}``, a fixed point a step: the exact
      inverse of the same decoder; `corrected` does so.
    * `belm`: two-step rules of second order that undo each other without iteration (`belm`); they decode too, so that
      samples change as well.

    Options: `inversion` (`encoder` is its earlier form: `ddim`, or `exact` for `implicit`), `width` (`code`: 64-128 as
    in the published code, `paper`: 128-256-256 as in the text, or a tuple), `guidance` (weight w of classifier-free
    guidance), `time` (`scalar` or `positional` embedding), `steps` T of the diffusion, then `epochs`, `batch_size`,
    `lr`, `device`; `patience`, epochs after which training stops early unless the loss on a held-out tenth of the rows
    has fallen, the best weights kept (0, as in the paper: all epochs, all rows).
    """

    device_mechanisms: ClassVar[int | None] = 528
    version: ClassVar[int] = 1
    variants: ClassVar[tuple[str, ...]] = tuple(VARIANTS)
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}
    query_options: ClassVar[frozenset[str]] = frozenset({"variant", "encoder", "inversion"})
    added_options: ClassVar[frozenset[str]] = frozenset({"inversion", "patience"})

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
        inversion: str | None = None,
        patience: int = 0,
    ):
        _choose("time", time, ("scalar", "positional"))
        if isinstance(width, str):
            _choose("width", width, WIDTHS)
        self.variant, self.encoder, self.width, self.guidance, self.time = variant, encoder, width, guidance, time
        self.steps, self.epochs, self.batch_size, self.lr, self.device = steps, epochs, batch_size, lr, device
        if patience < 0:
            raise ValueError(f"patience={patience}: expected a number of epochs, or 0 for all of them")
        self.inversion, self.patience = inversion, patience
        self._check_query()

    @property
    def waives(self) -> Mapping[str, str]:
        """The reference variant acts on every node, by an abduction that is approximate unless told otherwise."""
        if self.variant == "corrected":
            return {}
        waived = {"non-descendants untouched": "the published code decodes every node again from its approximate noise"}
        if self._inversion() != "ddim":
            return waived
        why = "abduction by DDIM inversion is an approximate inverse of the decoder"
        return {"empty do is identity": why} | waived

    def mechanism(self) -> Mechanism:
        """An unfitted diffusion model."""
        hidden = WIDTHS[self.width] if isinstance(self.width, str) else tuple(self.width)
        config = DiffusionConfig(
            hidden,
            self.guidance,
            self.time,
            self.steps,
            self.epochs,
            self.batch_size,
            self.lr,
            self.device,
            self.patience,
        )
        return Diffusion(config, **self._at_query())

    def with_query_options(self, **options: Any) -> Self:
        """The same fit with another `variant` or `inversion`. Raises `ValueError` for options that act in training."""
        other = super().with_query_options(**options)
        other._check_query()
        at_query = other._at_query()
        other.mechanisms = {
            node: m.at_query(**at_query) if isinstance(m, Diffusion) else m for node, m in self.mechanisms.items()
        }
        return other

    def _check_query(self) -> None:
        _choose("variant", self.variant, VARIANTS)
        _choose("encoder", self.encoder, (None, *ENCODERS))
        _choose("inversion", self.inversion, (None, *INVERSIONS))
        if self.encoder and self.inversion not in (None, ENCODERS[self.encoder]):
            raise ValueError(f"inversion={self.inversion!r} and encoder={self.encoder!r} differ: leave encoder out")

    def _inversion(self) -> str:
        return self.inversion or ENCODERS.get(self.encoder or "") or VARIANTS[self.variant]

    def _at_query(self) -> dict[str, Any]:
        return {"inversion": self._inversion(), "wraps_time": self.variant == "reference"}


def _choose(option: str, value: object, choices) -> None:
    if value not in choices:
        raise ValueError(f"{option}={value!r}: choose one of {list(choices)}")
