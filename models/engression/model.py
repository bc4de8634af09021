"""Engression: a generator a node, trained by the energy score; counterfactuals by rank among its draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..contract.autoregressive import ROOTS, AutoregressiveModel, check_options
from ..contract.columns import Scaler
from ..contract.nodewise import Mechanism, Task
from ..contract.points import Points
from ..training.optimised import Optimised
from .score import EnergyScore

ROWS = 64
"""Rows whose draws are held at once."""


@dataclass(frozen=True)
class GeneratorConfig:
    """What a mechanism needs to know; see `Engression` for the meaning of each."""

    hidden: tuple[int, ...]
    noise: int
    draws: int
    epochs: int
    batch_size: int
    lr: float
    device: str


class Generator(Optimised):
    """``x = g(pa, e)``, ``e ~ N(0, I)``, for a scalar x; its noise u is the normal score of x among draws given pa.

    All laws are those of the same `e` ``(draws, noise)``, kept by the fit, so that they move with the parents alone.
    """

    precise: ClassVar[bool] = False
    saves = ("own", "given", "network", "e", "updates")
    config: GeneratorConfig
    own: Scaler
    given: Scaler
    e: Tensor

    def objective(self, task: Task) -> EnergyScore:
        """The energy score of standardised rows; `e` is drawn."""
        config = self.config
        self.own, self.given = (Scaler.of(x, correction=0) for x in (task.x, task.parents))
        self.e = torch.randn(config.draws, config.noise, generator=generator(task.seed, "draws"))
        seen = self.own(task.x), self.given(task.parents)
        x, parents = (part.float().to(config.device) for part in seen)
        return EnergyScore(x, parents, config.noise, task.seed)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """The normal scores ``(n, 1)`` of rows ``x (n, 1)`` given ``parents (n, p)``. Raises `Diverged`."""
        scores = [float(law.score(np.asarray(v))) for law, v in zip(self._laws(parents), x[:, 0].tolist(), strict=True)]
        return torch.tensor(scores, dtype=self.dtype)[:, None]

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """The rows ``(n, 1)`` of normal scores ``u (n, 1)`` given ``parents (n, p)``. Raises `Diverged`."""
        values = [float(law.value(np.asarray(v))) for law, v in zip(self._laws(parents), u[:, 0].tolist(), strict=True)]
        return torch.tensor(values, dtype=self.dtype)[:, None]

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal scores ``(n, 1)``."""
        return torch.randn(n, 1, generator=generator, dtype=self.dtype)

    def draw(self, parents: Tensor, generator: torch.Generator) -> Tensor:
        """Rows ``g(pa, e)``, ``(n, 1)``, each with an e of its own. Raises `Diverged`."""
        network = self.trained()
        e = torch.randn(len(parents), self.config.noise, generator=generator)
        return self.own.undo(network(torch.cat([self.given(parents).float(), e], 1)).double())

    def _laws(self, parents: Tensor) -> Iterator[Points]:
        """The law of the draws for each row of ``parents (n, p)``, in turn."""
        trunk, p = self.trained().trunk, parents.shape[1]
        from_e = self.e @ trunk.weights[0][p:]  # the same for every row
        from_parents = torch.addmm(trunk.biases[0], self.given(parents).float(), trunk.weights[0][:p])
        weights = np.full(len(self.e), 1 / len(self.e))
        for piece in from_parents.split(ROWS):
            z = (piece[:, None] + from_e).flatten(0, 1)
            drawn = self.own.undo(trunk.from_first(z).double()).reshape(len(piece), len(self.e))
            for row in drawn.sort(1).values.numpy():
                yield Points.of(row, weights)


class Engression(AutoregressiveModel):
    """A generator of every node given its parents, trained by the energy score; a row keeps its rank among its draws.

    "Engression: extrapolation through the lens of distributional regression", Shen, Meinshausen, JRSS B 2024
    (arXiv 2307.00835), at the nodes of a causal graph: x = g(pa, e), e ~ N(0, I), g a perceptron that sees parents and
    noise side by side and minimises the energy score (`EnergyScore`); the epoch of least score on a tenth of the rows
    is used. Noise that enters before the nonlinearity shows what g does beyond the training rows, which is what the
    paper means by extrapolation.

    Samples are draws of g. Its noise e cannot be inferred from a row. So a counterfactual keeps the row's rank: its
    normal score among `draws` of g at the factual parents, read off those at the others, ``F^{-1}(F(x | pa) | pa')``
    (`Points`), true where the world's mechanism rises with its noise. Components of a vector are taken in turn, each
    given those before it. Roots bootstrap their training rows.

    Options: `hidden` widths of the perceptron, `noise` the size of e, `draws` of which ranks are read, `roots`
    (`resample` or `fitted`), then `epochs`, `batch_size`, `lr` of Adam, `device` on which is trained; answers are
    computed on the CPU.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2, "draws": 50}

    def __init__(
        self,
        hidden: tuple[int, ...] = (100, 100),
        noise: int = 100,
        draws: int = 500,
        roots: str = "resample",
        epochs: int = 100,
        batch_size: int = 256,
        lr: float = 2e-3,
        device: str = "cpu",
    ):
        check_options(
            whole={"noise": noise, "draws": draws, "epochs": epochs, "batch_size": batch_size},
            positive={"lr": lr},
            choices={"roots": (roots, ROOTS)},
        )
        self.hidden, self.noise, self.draws, self.roots = tuple(hidden), noise, draws, roots
        self.epochs, self.batch_size, self.lr, self.device = epochs, batch_size, lr, device

    def scalar(self) -> Mechanism:
        """An unfitted generator."""
        return Generator(
            GeneratorConfig(self.hidden, self.noise, self.draws, self.epochs, self.batch_size, self.lr, self.device)
        )
