"""Worlds of another generator, ``profiler/{n}/{mechanism}/{mode}/{noise}``: the package causal-profiler draws them.

"CausalProfiler: Generating Synthetic Benchmarks for Rigorous and Transparent Evaluation of Causal Machine Learning",
Panayiotou, Poinsot, Leite, Chesneau, Schoenauer, Şimşek, 2025 (arXiv 2511.22842), MIT licence, the extra
``[profiler]``. Nobody here chose these worlds, so that they are a test of what was concluded on others. Each seed draws
one of them: n nodes in a causal order X1 to Xn,
n arrows on average, for every node a function of its causes with standard normal weights (``linear``) or a network of
one hidden layer of eight ReLU units as PyTorch draws it (``nn``), and noise that is added (``additive``), multiplied
(``multiplicative``) or an input of the function (``functional``), ``uniform`` on [-1, 1] or ``gaussian``, N(0, 1).

Scales are not standardised: in these worlds the variance of a node tells of its place in the order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import networkx as nx
import torch
from pyro.distributions import Normal, Uniform
from torch import Tensor

from .problem import SCMDataset
from .scm import SCM, Equation
from .seeds import generator, seeded

NODES = (5, 10, 20, 50)
MECHANISMS = {"linear": None, "nn": 8}
"""Mechanisms, and the hidden units that they have."""
MODES = ("additive", "multiplicative", "functional")
NOISES = ("uniform", "gaussian")
TARGETS = 3
"""Nodes to intervene on, at most."""


def needs() -> str | None:
    """What to install, where the package is not there."""
    if find_spec("causal_profiler"):
        return None
    return "the package causal-profiler is not installed: pip install 'scmbench[profiler]'"


@cache
def _package() -> Any:
    shown = warnings.showwarning
    try:
        import causal_profiler
    finally:
        warnings.showwarning = shown  # it takes over how all warnings look
    return causal_profiler


def draw(n: int, mechanism: str, mode: str, noise: str, seed: int) -> SCM:
    """The world of these at this seed, with at least one arrow."""
    package, hidden = _package(), MECHANISMS[mechanism]
    space = package.SpaceOfInterest(
        number_of_nodes=(n, n),
        mechanism_family=package.MechanismFamily(mechanism),
        mechanism_args=[package.NeuralNetworkType.FEEDFORWARD, hidden] if hidden else None,
        noise_mode=package.NoiseMode(mode),
        noise_distribution=package.NoiseDistribution(noise),
        noise_args=[-1, 1] if noise == "uniform" else [0, 1],
        disable_query_sampling=True,
    )
    with seeded(seed, "profiler", n, mechanism, mode, noise):
        while True:
            drawn = package.Sampler(space).generate_scm()
            nodes = [name for name, variable in drawn.variables.items() if not variable.exogenous]
            causes = {v: tuple(p for p in drawn.parents[v] if p in nodes) for v in nodes}
            if any(causes.values()):
                break
    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    laws: dict[str, Any] = {"uniform": Uniform(-one, one), "gaussian": Normal(zero, one)}
    equations: dict[str, Equation] = {v: (causes[v], _equation(drawn, v, causes[v])) for v in nodes}
    graph = nx.DiGraph((p, v) for v in nodes for p in causes[v])
    inner = sorted(v for v in graph if graph.out_degree(v))
    chosen = torch.randperm(len(inner), generator=generator(seed, "profiler", "targets", n))[:TARGETS]
    return SCM(equations, noise={v: laws[noise] for v in nodes}, targets=sorted(inner[i] for i in chosen.tolist()))


def _equation(drawn: Any, node: str, causes: tuple[str, ...]) -> Callable[..., Tensor]:
    """A node's mechanism, whose inputs the package reads off its own variables."""
    mechanism, variables = drawn.mechanisms[node], drawn.variables

    def equation(u: Tensor, *pa: Tensor) -> Tensor:
        for name, x in zip((f"U_{node}", *causes), (u, *pa), strict=True):
            variables[name].value = x.detach().numpy()[:, None]
        return torch.as_tensor(mechanism(), dtype=torch.float64)[:, 0]

    return equation


class Profiled(SCMDataset):
    """A family that causal-profiler draws; see the module's first lines."""

    def __init__(self, n: int, mechanism: str, mode: str, noise: str):
        @lru_cache(maxsize=8)  # a problem asks for its world several times
        def build(seed: int) -> SCM:
            return draw(n, mechanism, mode, noise, seed)

        super().__init__(f"profiler/{n}/{mechanism}/{mode}/{noise}", build, needs=needs)
        self.attributes = {"n": n, "mechanism": mechanism, "mode": mode, "noise": noise}
        self.__doc__ = f"{n} nodes of causal-profiler: {mechanism} mechanisms, {mode} {noise} noise, drawn anew."

    @property
    def module(self) -> str:
        """This one."""
        return __name__


@cache
def family(name: str) -> Profiled | None:
    """The dataset of a full name; None for a name outside of the family."""
    found = re.fullmatch(r"profiler/(5|10|20|50)/([a-z]+)/([a-z]+)/([a-z]+)", name, re.ASCII)
    if not found or found[2] not in MECHANISMS or found[3] not in MODES or found[4] not in NOISES:
        return None
    return Profiled(int(found[1]), found[2], found[3], found[4])
