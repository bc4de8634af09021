"""The small worlds on which models are put to the test, and the questions asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import torch
from pyro.distributions import Normal
from scmbench.datasets.problem import Problem
from scmbench.datasets.scm import SCM
from scmbench.datasets.values import Intervention, Values, rows
from torch import Tensor

from ..contract.registry import role_of

TRAIN_ROWS = 200
ROWS = 24


@dataclass(frozen=True)
class World:
    """An SCM that is quickly learned, named for what it tries, with interventions of every form."""

    name: str
    scm: SCM
    dos: Mapping[str, Intervention]
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self):
        train = self.scm.sample(TRAIN_ROWS, seed=1)
        object.__setattr__(self, "problem", Problem(f"conformance/{self.name}", 0, self.scm.graph, train, [], self.scm))

    def scale(self) -> Values:
        """Standard deviation of each component of each node, ``{node: event}``; 1 where it is constant."""
        spread = {node: x.double().std(0) for node, x in self.problem.train.items()}
        return {node: torch.where(sd > 0, sd, 1.0) for node, sd in spread.items()}

    def questions(self) -> list[Question]:
        """Observational, then every intervention as a question of both kinds."""
        noise = self.scm.noise(ROWS, seed=2)
        factual = self.scm.observed(self.scm.run(noise))
        asked = [Question(self, "observational", "no do", {}, noise, factual)]
        for label, do in self.dos.items():
            asked += [Question(self, kind, label, do, noise, factual) for kind in ("interventional", "counterfactual")]
        return asked


@dataclass(frozen=True)
class Question:
    """One query of one world, over the rows of `factual`."""

    world: World
    kind: str
    label: str
    do: Intervention
    noise: Values = field(repr=False)
    factual: Values = field(repr=False)

    def __str__(self) -> str:
        return f"{self.world.name}, {self.kind}, {self.label}"

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(next(iter(self.factual.values())))

    def ask(self, model: Any, *, seed: int = 3) -> Values:
        """The model's answer; a ceiling of scmbench, which knows the truth, replays the noise."""
        if self.kind == "observational":
            return model.sample(self.n, seed=seed)
        if self.kind == "interventional":
            return model.sample(self.n, self.do, seed=seed)
        if "replay" in model.powers and role_of(type(model)) == "ceiling":
            return model.replay(self.noise, self.do)
        return model.counterfactual(self.factual, self.do, seed=seed)

    def take(self, index: Tensor) -> Question:
        """The same question about these rows only."""

        def per_row(a: float | int | Tensor) -> bool:
            return isinstance(a, Tensor) and a.ndim > 0 and len(a) == self.n

        do = {node: a[index] if isinstance(a, Tensor) and per_row(a) else a for node, a in self.do.items()}
        return replace(self, do=do, noise=rows(self.noise, index), factual=rows(self.factual, index))

    def non_descendants(self) -> list[str]:
        """The nodes that the intervention neither sets nor reaches."""
        graph = self.world.scm.graph
        reached = set().union(*(nx.descendants(graph, node) for node in self.do)) | set(self.do)
        return sorted(set(graph) - reached)


def worlds() -> list[World]:
    """Scalar nodes, a vector node, integer nodes, a graph without edges, an image with a label.

    Names are chosen so that sorted and topological order differ.
    """
    per_row = torch.linspace(-1, 1, ROWS, dtype=torch.float64)
    scalar = SCM(
        {
            "z": lambda u: u,
            "m": lambda u, z: z + u / 2,
            "k": lambda u, z: torch.tanh(z) + u,
            "a": lambda u, m, z: m * 1.5 - z + u / 3,
        }
    )
    zeros, ones = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    vector = SCM(
        {
            "x": lambda u: 2 * u,
            "v": lambda u, x: torch.stack([x, -x, x / 2], 1) + u,
            "b": lambda u, v: v.sum(1) + u,
        },
        noise={"v": Normal(zeros, ones)},
    )
    integer = SCM(
        {
            "t": lambda u: torch.special.ndtr(u).mul(4).long(),
            "count": lambda u, t: (2 * t + 5 + 2 * u).round().long(),
            "y": lambda u, count: count / 3 + u,
        }
    )
    pixels = torch.zeros(32, dtype=torch.float64)
    image = SCM(
        {
            "digit": lambda u: torch.special.ndtr(u).mul(3).long(),
            "ink": lambda u, digit: torch.sigmoid(u / 2 + digit - 1),
            "picture": lambda u, digit, ink: (_drawn(digit, ink) + 0.02 * u.reshape(-1, 1, 4, 8)).float(),
        },
        noise={"picture": Normal(pixels, pixels + 1)},
        images=["picture"],
    )
    loose = SCM({"q": lambda u: u, "p": lambda u: 3 * u + 1})
    return [
        World(
            "scalar nodes",
            scalar,
            {
                "do(m = 0.3)": {"m": 0.3},
                "do(m = a value a row)": {"m": per_row},
                "do(z = 0.1, m = a value a row)": {"z": 0.1, "m": per_row.flip(0)},
                "do(k = 1)": {"k": 1},
            },
        ),
        World(
            "vector node",
            vector,
            {
                "do(x = 0.7)": {"x": 0.7},
                "do(v = one vector)": {"v": torch.tensor([[0.1, -0.2, 0.3]], dtype=torch.float64)},
                "do(v = a vector a row)": {"v": torch.stack([per_row, -per_row, per_row + 1], 1)},
            },
        ),
        World(
            "integer nodes",
            integer,
            {
                "do(t = 2)": {"t": 2},
                "do(count = a value a row)": {"count": torch.arange(ROWS) % 5},
            },
        ),
        World("graph without edges", loose, {"do(q = 0.4)": {"q": 0.4}}),
        World(
            "image",
            image,
            {
                "do(digit = 2)": {"digit": 2},
                "do(ink = a value a row)": {"ink": (per_row + 1.5) / 3},
                "do(digit = 1, ink = 0.5)": {"digit": 1, "ink": 0.5},
            },
        ),
    ]


def _drawn(digit: Tensor, ink: Tensor) -> Tensor:
    """Images ``(n, 1, 4, 8)`` of a bar whose place is the digit and whose brightness is the ink."""
    place = torch.arange(8, dtype=torch.float64)
    bar = torch.exp(-((place - 1 - 2.5 * digit[:, None]) ** 2))
    return (ink[:, None] * bar)[:, None, None, :].expand(-1, 1, 4, -1)
