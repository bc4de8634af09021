"""Counterfactual cocycles: what a row would have been is where its transport to other parents takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..contract.autoregressive import AutoregressiveModel, check_options
from ..contract.columns import Scaler
from ..contract.nodewise import Mechanism, Task
from ..training.optimised import Optimised
from .discrepancy import STATISTICS, Discrepancy
from .maps import TRANSFORMS, Maps

WIDTHS = 4


@dataclass(frozen=True)
class Config:
    """What a mechanism needs to know; see `Cocycle` for the meaning of each."""

    maps: Maps
    statistic: str
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    lr: float
    device: str


class Transport(Optimised):
    """``x' = m(pa') m(pa)^{-1} x`` for a scalar x; its "noise" is ``z = m(pa)^{-1} x``, drawn from training rows.

    Node and parents are counted from their medians in robust units, so that tails do not set the scale.
    """

    saves = ("own", "given", "network", "rows", "updates")
    config: Config
    own: Scaler
    given: Scaler
    rows: Tensor

    def objective(self, task: Task) -> Discrepancy:
        """The discrepancy of transported rows."""
        config = self.config
        self.own, self.given = Scaler.robust(task.x), Scaler.robust(task.parents)
        seen = self.own(task.x), self._features(task.parents)
        x, features = (part.float().to(config.device) for part in seen)
        return Discrepancy(
            config.maps, x, features, task.seed, statistic=config.statistic, batch_size=config.batch_size
        )

    def ready(self, task: Task) -> None:
        """Where the training rows start their transport."""
        self.rows = self._encode(task.x, task.parents)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """``z = m(pa)^{-1} x``, ``(n, 1)``, of rows ``x (n, 1)`` given ``parents (n, p)``. Raises `Diverged`."""
        self.trained()
        return self._encode(x, parents)

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """``x = m(pa) z``, ``(n, 1)``, of ``u = z (n, 1)`` given ``parents (n, p)``. Raises `Diverged`."""
        return self.own.undo(self.config.maps.at(self.trained()(self._features(parents)))(u[:, 0])[:, None])

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """z of training rows drawn with replacement, ``(n, 1)``: decoded, these rows are transported to new parents."""
        return self.rows[torch.randint(len(self.rows), (n,), generator=generator)]

    def _encode(self, x: Tensor, parents: Tensor) -> Tensor:
        return self.config.maps.at(self.network(self._features(parents))).inv(self.own(x)[:, 0])[:, None]

    def _features(self, parents: Tensor) -> Tensor:
        """Parents in robust units, with columns of 0 up to a multiple of `WIDTHS`, so that nodes train in one stack."""
        z = self.given(parents)
        return torch.nn.functional.pad(z, (0, max(1, -(-z.shape[1] // WIDTHS)) * WIDTHS - z.shape[1]))


class Cocycle(AutoregressiveModel):
    """Transport of every node's rows from parents to parents, without a law for the noise. Roots by bootstrap.

    "Counterfactual Cocycles: A Framework for Robust and Coherent Counterfactual Transports", Dance, Bloem-Reddy, 2024
    (arXiv 2405.13844), at the nodes of a causal graph. What is learned is not a mechanism with its noise but how a
    value moves when its parents do,

        x' = T(pa', pa) x,   T(pa', pa) = m(pa') m(pa)^{-1},   so that T(pa'', pa') T(pa', pa) = T(pa'', pa),

    m(pa) rising in its argument and fed by a perceptron of the parents. Rows that are transported to the parents of
    another row should be distributed as that row is: their conditional maximum mean discrepancy is minimised
    (`Discrepancy`), and no base distribution is assumed, so that none can be wrong. Its kernel is bounded: noise with
    heavy tails, or on a few points, does no harm.

    The counterfactual is the transported row; where the world's mechanism rises with its noise and m can follow it, the
    true one. Samples are training rows, drawn anew for each node and transported to the parents at hand. Components of
    a vector are taken in turn, each given those before it. m is known up to a map of z that is the same for all
    parents, which cancels in T.

    Options: `transform` (`shift`, `affine` or `spline`, see `Maps`), `bins` and `bound` of the spline, `statistic` (`U`
    or `V`), `hidden` widths of the perceptron (none: h is linear in the parents), then `epochs`, `batch_size`, `lr` of
    Adam, which falls along half a cosine, `device` on which is trained; answers are computed on the CPU. The epoch of
    least discrepancy on held-out rows is used. A step costs the cube of `batch_size`; the paper's is 128.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    def __init__(
        self,
        transform: str = "spline",
        bins: int = 8,
        bound: float = 5.0,
        statistic: str = "U",
        hidden: tuple[int, ...] = (64, 64),
        epochs: int = 20,
        batch_size: int = 64,
        lr: float = 5e-3,
        device: str = "cpu",
    ):
        check_options(
            whole={"bins": bins, "epochs": epochs, "batch_size": batch_size},
            positive={"bound": bound, "lr": lr},
            choices={"transform": (transform, TRANSFORMS), "statistic": (statistic, STATISTICS)},
        )
        self.transform, self.bins, self.bound, self.statistic = transform, bins, bound, statistic
        self.hidden, self.epochs, self.batch_size, self.lr, self.device = tuple(hidden), epochs, batch_size, lr, device

    def scalar(self) -> Mechanism:
        """An unfitted transport."""
        maps = Maps(self.transform, self.bins, self.bound)
        config = Config(maps, self.statistic, self.hidden, self.epochs, self.batch_size, self.lr, self.device)
        return Transport(config)
