"""DCM with parents that enter its networks in one of five ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...contract.autoregressive import check_options
from ...contract.nodewise import Mechanism, NodewiseModel
from ..model import WIDTHS
from .mechanism import Entering, EntryConfig
from .sizes import ENTRIES


class ParentsDCM(NodewiseModel):
    """DCM whose denoiser is told the parents by concatenation, FiLM, gating, attention or a mean learned first.

    The diffusion model of a node given its parents is that of `DCM` (Chao et al., "Modeling Causal Mechanisms with
    Diffusion Models for Interventional and Counterfactual Queries", TMLR 2024): its schedule, its targets, its sampler,
    inverted exactly. What differs is where the parents enter the network that predicts the noise:

    * `concat`: beside noisy value and time, in the input (`Concatenated`), as in DCM;
    * `film`: they scale and shift every hidden unit (`Modulated`; Perez et al., 2018);
    * `gating`: they open and close every hidden unit (`Gated`; after Ha, Dai, Le, 2017);
    * `attention`: they are tokens, of which noisy value and time ask (`Attending`; Vaswani et al., 2017);
    * `residual`: another network learns E[x | pa] first, and the diffusion, parents concatenated, is that of what it
      leaves.

    All are trained by the same loop, and have, to within a few per cent, as many parameters as `concat` at this `width`
    for the same node (`sizes.networks`). By default training takes a fifth of DCM's epochs at five times its rate.

    Options: `entry`; `guidance`, the weight w of classifier-free guidance, for which a tenth of the rows is trained
    without parents; `width` of `concat` (``code``: 64-128, ``paper``: 128-256-256, or a tuple), `steps` T of the
    diffusion, then `epochs`, `batch_size` and `lr` of Adam. It is trained on the CPU.
    """

    batch_mechanisms: ClassVar[int | None] = 60
    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2, "steps": 10}

    def __init__(
        self,
        entry: str = "concat",
        guidance: float = 0.0,
        width: str | tuple[int, ...] = "code",
        steps: int = 100,
        epochs: int = 100,
        batch_size: int = 64,
        lr: float = 5e-4,
    ):
        check_options(
            whole={"steps": steps, "epochs": epochs, "batch_size": batch_size},
            positive={"lr": lr},
            choices={"entry": (entry, list(ENTRIES))},
        )
        if type(guidance) not in (int, float) or not guidance >= 0:
            raise ValueError(f"guidance={guidance!r}: expected a number of 0 or above")
        if isinstance(width, str) and width not in WIDTHS:
            raise ValueError(f"width={width!r}: choose one of {list(WIDTHS)}, or give the widths")
        if not isinstance(width, str) and not _is_widths(width):
            raise ValueError(f"width={width!r}: expected the widths of one hidden layer or more")
        self.entry, self.guidance, self.width, self.steps = entry, guidance, width, steps
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr

    def mechanism(self) -> Mechanism:
        """An unfitted diffusion model."""
        hidden = WIDTHS[self.width] if isinstance(self.width, str) else tuple(self.width)
        config = EntryConfig(
            hidden, self.guidance, "scalar", self.steps, self.epochs, self.batch_size, self.lr, "cpu", entry=self.entry
        )
        return Entering(config)

    def cost(self) -> dict[str, int]:
        """Parameters over all mechanisms, steps of one of them, and operations of the training of all in 10⁶."""
        made = [mechanism.cost() for mechanism in self.mechanisms.values() if isinstance(mechanism, Entering)]
        return super().cost() | {"training_mflop": sum(cost["training_mflop"] for cost in made)}


def _is_widths(width: Any) -> bool:
    return isinstance(width, list | tuple) and len(width) > 0 and all(type(w) is int and w > 0 for w in width)
