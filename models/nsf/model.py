"""Node-wise conditional neural spline flows: several layers a node, conditioned on its true parents only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from scmbench.datasets.seeds import generator
from torch import Tensor

from ..contract.autoregressive import ROOTS, DensityModel, check_options
from ..contract.base import Unsupported
from ..contract.levels import spread
from ..contract.nodewise import Mechanism, Task
from ..training.optimised import Optimised
from .coordinates import COORDINATES, Coordinates
from .flow import Layers, Likelihood


@dataclass(frozen=True)
class FlowConfig:
    """What a mechanism needs to know; see `NSF` for the meaning of each."""

    layers: Layers
    hidden: tuple[int, ...]
    coordinates: str
    epochs: int
    batch_size: int
    lr: float
    device: str


class SplineFlow(Optimised):
    """``x = y^{-1}(T^{-1}(u; h(pa)))``, ``u ~ N(0, 1)``, for a scalar x; h a perceptron, y the coordinates of x."""

    saves = ("own", "given", "discrete", "network", "updates")
    config: FlowConfig
    own: Coordinates
    given: Coordinates
    discrete: bool

    def objective(self, task: Task) -> Likelihood:
        """The likelihood in `coordinates`; discrete values are spread over their cells (`levels.spread`)."""
        config, x = self.config, task.x
        self.discrete = task.levels is not None
        if task.levels is not None:
            x = spread(x[:, 0], task.levels[:, 0], generator(task.seed, "spread"))[:, None]
        self.own = Coordinates.of(x, config.coordinates)
        self.given = Coordinates.of(task.parents, config.coordinates)
        seen = self.own(x), self.given.features(task.parents)
        y, features = (part.float().to(config.device) for part in seen)
        return Likelihood(config.layers, y, features, task.seed)

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, 1)`` of rows ``x (n, 1)`` given ``parents (n, p)``: exact. Raises `Diverged`."""
        return self.config.layers.transform(self._h(parents))(self.own(x)[:, 0])[:, None]

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, 1)`` of noise ``u (n, 1)`` given ``parents (n, p)``. Raises `Diverged`."""
        return self.own.undo(self.config.layers.transform(self._h(parents)).inv(u[:, 0])[:, None])

    def log_prob(self, x: Tensor, parents: Tensor) -> Tensor:
        """``log p(x | pa)``, ``(n,)``, in the units of x. Raises `Diverged`, and `Unsupported` for a discrete x."""
        if self.discrete:
            raise Unsupported("a flow has no probabilities for a discrete node; tram has")
        return self.config.layers.log_prob(self._h(parents), self.own(x)[:, 0]) + self.own.log_slope(x)[:, 0]

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Standard normal draws ``(n, 1)``."""
        return torch.randn(n, 1, generator=generator, dtype=self.dtype)

    def _h(self, parents: Tensor) -> Tensor:
        return self.trained()(self.given.features(parents))


class NSF(DensityModel):
    """Spline flows in several layers at every node, given its parents: exact noise, exact density.

    "Neural spline flows", Durkan, Bekasov, Murray, Papamakarios, NeurIPS 2019, at the nodes of a causal graph,

        u_v = T_L(... T_1(x_v; h_1(pa_v)) ...; h_L(pa_v)),   u_v ~ N(0, 1),

    each layer an affine map and a rational-quadratic spline (`Layers`), all of them fed by one perceptron that sees the
    true parents alone. So layers stack without letting in ancestors that are no parents, which a flow of all nodes with
    a mask cannot ("Causally consistent normalizing flow", Zhou, Lu, Xu, AAAI 2025, arXiv 2412.12401; it stacks by
    depth in the graph, where nodes are independent given their parents, which is this model). Maximum likelihood with
    the rate falling along half a cosine; the epoch of best likelihood on a tenth of the rows is used.

    The map rises with u, so that the counterfactual ``T^{-1}(T(x; pa); pa')`` keeps the conditional rank; where the
    world's mechanism rises too, that is the true one. Components of a vector are taken in turn, each given those before
    it. Discrete nodes are numbers spread over their cells in training. Roots bootstrap their training rows; as flows
    (`roots="fitted"`) they have a density, and with them the model, where no node is discrete.

    Options: `layers`, `hidden` widths of the perceptron, `bins` and `bound` of the splines, `coordinates` in which x
    and parents are seen (`standard` or `asinh`, see `Coordinates`), `roots` (`resample` or `fitted`), then `epochs`,
    `batch_size`, `lr` of Adam, `device` on which is trained; answers are computed on the CPU.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    def __init__(
        self,
        layers: int = 2,
        hidden: tuple[int, ...] = (64, 64),
        bins: int = 16,
        bound: float = 5.0,
        coordinates: str = "asinh",
        roots: str = "resample",
        epochs: int = 150,
        batch_size: int = 256,
        lr: float = 2e-3,
        device: str = "cpu",
    ):
        check_options(
            whole={"layers": layers, "bins": bins, "epochs": epochs, "batch_size": batch_size},
            positive={"bound": bound, "lr": lr},
            choices={"coordinates": (coordinates, COORDINATES), "roots": (roots, ROOTS)},
        )
        self.layers, self.hidden, self.bins, self.bound = layers, tuple(hidden), bins, bound
        self.coordinates, self.roots, self.device = coordinates, roots, device
        self.epochs, self.batch_size, self.lr = epochs, batch_size, lr

    def scalar(self) -> Mechanism:
        """An unfitted flow."""
        layers = Layers(self.layers, self.bins, self.bound)
        return SplineFlow(
            FlowConfig(layers, self.hidden, self.coordinates, self.epochs, self.batch_size, self.lr, self.device)
        )
