"""TRAM: a transformation model a node, for continuous, ordinal and binary nodes alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from scmbench.datasets.seeds import chances, generator
from scmbench.datasets.values import Values, flatten
from torch import Tensor

from ..contract.autoregressive import ROOTS, Autoregressive, DensityModel, check_options
from ..contract.columns import Scaler
from ..contract.levels import spread
from ..contract.nodewise import Mechanism, Task
from ..training import Architecture
from ..training.objective import Objective
from ..training.optimised import Optimised
from .laws import Bernstein, Cuts, Law, rising

TERMS = ("ci", "cs", "ls")
ORDINAL = 50
"""A discrete node of more levels than these is taken for a measured one."""

BULK = 0.05
"""The polynomial reaches from this quantile to that of 1 - this; beyond them go lines."""


class Likelihood(Objective):
    """``-log p(y | parents)`` of ``y (n, 1)``, in the units that its `law` counts in."""

    def __init__(self, law: Law, simple: bool, y: Tensor, parents: Tensor, seed: int):
        self.law, self.simple = law, simple
        super().__init__(torch.cat([y, parents], 1), parents.shape[1], law.size + simple, seed)

    @property
    def kind(self) -> Hashable:
        """The law."""
        return self.law, self.simple

    def batch(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The rows; nothing is drawn."""
        return (rows,)

    def loss(self, network: Callable[[Tensor], Tensor], *batch: Tensor) -> Tensor:
        """Nats ``(K, n)``."""
        (rows,) = batch
        return -self.law.log_prob(coefficients(network, rows[..., 1:], self.simple), rows[..., 0])


def coefficients(network: Callable[[Tensor], Tensor], parents: Tensor, simple: bool) -> Tensor:
    """Rising coefficients ``(*, n, size)`` of a law for ``parents (*, n, p)``.

    They are the network's answer to the parents; `simple` ones are its answer to parents of 0, the same for all rows,
    shifted by its last output, which counts from there.
    """
    raw = network(parents)
    if simple:
        base = network(torch.zeros_like(parents[..., :1, :]))
        shift = raw[..., -1:] - base[..., -1:]
        raw = torch.cat([base[..., :1] + shift, base[..., 1:-1].expand(*shift.shape[:-1], -1)], -1)
    return rising(raw)


@dataclass(frozen=True)
class TransformationConfig:
    """What a mechanism needs to know; see `TRAM` for the meaning of each."""

    terms: str
    degree: int
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    lr: float
    device: str


class Transformation(Optimised):
    """``x = h^{-1}(u; pa)``, ``P(u <= a) = σ(a)``, for a scalar x: h a Bernstein polynomial, or cuts between `levels`.

    `bulk` are the quantiles between which the polynomial lies.
    """

    saves = ("bulk", "levels", "given", "network", "updates")
    config: TransformationConfig
    bulk: Tensor
    levels: Tensor | None
    given: Scaler

    def objective(self, task: Task) -> Likelihood:
        """The likelihood of places in the bulk, or of levels."""
        self.given = Scaler.of(task.parents, correction=0)
        seen = self._prepared(task), self._features(task.parents)
        y, features = (part.float().to(self.config.device) for part in seen)
        return Likelihood(self.law, self._simple, y, features, task.seed)

    def architecture(self) -> Architecture:
        """A perceptron; linear in the parents for the terms `ls`."""
        return Architecture(() if self.config.terms == "ls" else self.config.hidden)

    @property
    def law(self) -> Bernstein | Cuts:
        """A polynomial, or a cut between any two levels; one cut that nothing passes where there is a single level."""
        return Bernstein(self.config.degree) if self.levels is None else Cuts(max(1, len(self.levels) - 1))

    def encode(self, x: Tensor, parents: Tensor) -> Tensor:
        """Noise ``(n, 1)`` of rows ``x (n, 1)`` given ``parents (n, p)``; of a discrete x the median of what fits."""
        return self.infer(x, parents, torch.full((len(x),), 0.5, dtype=self.dtype))

    def infer(self, x: Tensor, parents: Tensor, chance: Tensor) -> Tensor:
        """Noise ``(n, 1)`` as in `encode`, of a discrete x at the share ``chance (n,)`` of what fits it."""
        law, c = self.law, self._coefficients(parents)
        y = self._counted(x)
        return (law.noise(c, y, chance) if isinstance(law, Cuts) else law.h(c, y)[0])[:, None]

    def decode(self, u: Tensor, parents: Tensor) -> Tensor:
        """Rows ``x (n, 1)`` of noise ``u (n, 1)`` given ``parents (n, p)``. Raises `Diverged`."""
        law, c = self.law, self._coefficients(parents)
        if self.levels is None:
            assert isinstance(law, Bernstein)
            return (self.bulk[0] + (self.bulk[1] - self.bulk[0]) * law.inverse(c, u[:, 0]))[:, None]
        assert isinstance(law, Cuts)
        return self.levels[law.value(c, u[:, 0]).clamp(max=len(self.levels) - 1)][:, None]

    def log_prob(self, x: Tensor, parents: Tensor) -> Tensor:
        """``log p(x | pa)``, ``(n,)``: of a discrete x the probability of its level, else a density in units of x."""
        width = 0.0 if self.levels is not None else (self.bulk[1] - self.bulk[0]).log()
        return self.law.log_prob(self._coefficients(parents), self._counted(x)) - width

    def noise(self, n: int, generator: torch.Generator) -> Tensor:
        """Logistic draws ``(n, 1)``."""
        return torch.rand(n, 1, generator=generator, dtype=self.dtype).clamp(2.0**-53, 1 - 2.0**-53).logit()

    @property
    def _simple(self) -> bool:
        return self.config.terms != "ci"

    def _prepared(self, task: Task) -> Tensor:
        """Set `bulk` and `levels`; returns what is learned, ``(n, 1)``."""
        x, self.levels = task.x, None
        if task.levels is not None and len(task.levels) > ORDINAL:
            x = spread(x[:, 0], task.levels[:, 0], generator(task.seed, "spread"))[:, None]
        elif task.levels is not None:
            self.levels = task.levels[:, 0].contiguous()
        low, high = x.quantile(torch.tensor([BULK, 1 - BULK], dtype=x.dtype))
        if high <= low:  # one value in most rows
            low, high = low - x.std(correction=0), low + x.std(correction=0)
        self.bulk = torch.stack([low, high if high > low else low + 1])
        return self._counted(x)[:, None]

    def _counted(self, x: Tensor) -> Tensor:
        """y of ``x (n, 1)``, ``(n,)``: the place in the bulk, 0 to 1 within, or the number of the nearest level."""
        if self.levels is None:
            return (x[:, 0] - self.bulk[0]) / (self.bulk[1] - self.bulk[0])
        return (x - self.levels).abs().argmin(1).to(x)

    def _features(self, parents: Tensor) -> Tensor:
        return self.given(parents) if parents.shape[1] else parents.new_zeros(len(parents), 1)

    def _coefficients(self, parents: Tensor) -> Tensor:
        return coefficients(self.trained(), self._features(parents), self._simple)


class TRAM(DensityModel):
    """A rising transformation of every node to a logistic variable; continuous, ordinal and binary nodes alike.

    "Interpretable Neural Causal Models with TRAM-DAGs", Sick, Dürr, CLeaR 2025 (arXiv 2503.16206):

        P(x_v <= a | pa_v) = σ(h(a | pa_v)),

    h of a continuous node a Bernstein polynomial (`Bernstein`), of a discrete one a cut between any two levels
    (`Cuts`): a binary node is a logistic regression, an ordinal one of proportional odds or freer. How parents enter,
    `terms`:

    * `ci`, complex intercept: all coefficients of h depend on the parents, by a perceptron.
    * `cs`, complex shift: h(a | pa) = h(a) + a perceptron's answer to the parents.
    * `ls`, linear shift: h(a | pa) = h(a) + β·pa; β are logarithms of odds ratios a standard deviation of the parent.

    Maximum likelihood, the likelihood of a discrete value being that of its interval; the epoch of best likelihood on a
    tenth of the rows is used. The noise of a continuous node, u = h(x | pa), is exact. That of a discrete node is known
    to lie in an interval: a counterfactual draws it there, from what the seed and the row say (equal rows are answered
    alike), `abduct` shows the median. Components of a vector are taken in turn, each given those before it. A node of
    more than 50 levels is treated as continuous. Roots bootstrap their training rows; `fitted` ones have a density.

    Options: `terms`, `degree` of the polynomials, `hidden` widths of the perceptrons, `roots` (`resample` or `fitted`),
    then `epochs`, `batch_size`, `lr` of Adam, `device` on which is trained; answers are computed on the CPU.
    """

    version: ClassVar[int] = 1
    conformance_options: ClassVar[Mapping[str, Any]] = {"epochs": 2}

    def __init__(
        self,
        terms: str = "ci",
        degree: int = 20,
        hidden: tuple[int, ...] = (64, 64),
        roots: str = "resample",
        epochs: int = 150,
        batch_size: int = 256,
        lr: float = 2e-3,
        device: str = "cpu",
    ):
        check_options(
            whole={"degree": degree, "epochs": epochs, "batch_size": batch_size},
            positive={"lr": lr},
            choices={"terms": (terms, TERMS), "roots": (roots, ROOTS)},
        )
        self.terms, self.degree, self.hidden, self.roots = terms, degree, tuple(hidden), roots
        self.epochs, self.batch_size, self.lr, self.device = epochs, batch_size, lr, device

    def scalar(self) -> Mechanism:
        """An unfitted transformation."""
        return Transformation(
            TransformationConfig(
                self.terms, self.degree, self.hidden, self.epochs, self.batch_size, self.lr, self.device
            )
        )

    def _infer(self, node: str, factual: Values, n: int, seed: int) -> Tensor:
        """Noise in the interval of a discrete value, at a share that follows from the seed and the row."""
        mechanism = self.mechanisms[node]
        if node not in self.levels or not isinstance(mechanism, Autoregressive):
            return super()._infer(node, factual, n, seed)
        x, pa = self._own_column(mechanism, node, factual), self._parent_columns(mechanism, node, factual, n)
        row = flatten(factual, self.order)
        parts = mechanism.components(x, pa)
        return torch.cat([f.infer(a, b, chances(row, seed, "infer", node, k)) for k, (f, a, b) in enumerate(parts)], 1)
